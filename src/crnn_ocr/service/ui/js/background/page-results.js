// What was read on the pages of jobs: fetched when a page is shown, and only a few are kept.

import { resultOf } from "../reading/result.js";
import { pageOf } from "./requests.js";

const KEPT = 8; // pages; those that the user has changed stay all the same

/** Pages that have been shown lately. */
export class PageResults {
  #pages = new Map(); // "job/file/number" → { result, edits, turn }

  /** What is kept of a page, or undefined. */
  get(id, place) {
    return this.#pages.get(keyOf(id, place));
  }

  /** Keeps a page as it is now, with the user's changes. */
  put(id, place, { result, edits, turn }) {
    const key = keyOf(id, place);
    this.#pages.delete(key);
    this.#pages.set(key, { result, edits, turn }); // now the last one used
    const unchanged = [...this.#pages].filter(([, page]) => !page.edits?.past.length).map(([name]) => name);
    unchanged.slice(0, Math.max(0, unchanged.length - KEPT)).forEach((name) => this.#pages.delete(name));
  }

  /** Resolves to a page, from the server where it is not kept. */
  async fetch(id, place) {
    const kept = this.get(id, place);
    if (kept) {
      return kept;
    }
    const result = resultOf(await pageOf(id, place));
    result.pages[0].number = place.number;
    const page = { result, edits: undefined, turn: result.pages[0].turn };
    this.put(id, place, page);
    return page;
  }

  /** Lets the pages of a job go. */
  drop(id) {
    [...this.#pages.keys()].filter((key) => key.startsWith(`${id}/`)).forEach((key) => this.#pages.delete(key));
  }
}

function keyOf(id, { file, number }) {
  return `${id}/${file}/${number}`;
}
