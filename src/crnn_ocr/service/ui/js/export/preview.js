// What will stand in a file: its text as the server writes it, or for files that are no text what they are made of.

import { icon, make } from "../core/dom.js";
import { blocksOf } from "../reading/blocks.js";
import { DocumentView } from "../result/document/view.js";
import { plainTable } from "../result/document/table.js";
import { explain } from "../server/problem.js";
import { t } from "../words/words.js";
import { isPossible, written } from "./formats.js";

const AS_DOCUMENT = ["docx", "pdf", "html"];
const AS_TABLES = ["xlsx", "csv"];
const SHOWN = 6000; // characters of a file

/** The preview in the export sheet. */
export class Preview {
  #place;
  #turn = 0; // a slow answer must not take the place of a later one
  #view = null;

  /** @param {HTMLElement} place */
  constructor(place) {
    this.#place = place;
  }

  /**
   * Shows what a format makes of a reading; resolves to whether there is something to save.
   * @param {Job} job
   */
  async show(job, format) {
    this.#turn += 1;
    const turn = this.#turn;
    this.clear();
    if (!isPossible(format, job)) {
      return this.#say(t("exportNoFile"), false);
    }
    const tables = job.result.pages.flatMap((_, page) => blocksOf(job.result, page)).filter((block) => block.table);
    if (AS_TABLES.includes(format.name) && tables.length > 0) {
      this.#fill(...tables.map((block) => plainTable(job.result, block.table)));
      return true;
    }
    if (format.name === "csv") {
      return this.#say(t("exportNoTable"), false);
    }
    if (AS_DOCUMENT.includes(format.name) || AS_TABLES.includes(format.name)) {
      const paper = make("div", { class: "doc" });
      this.#fill(paper);
      const nothing = () => {};
      this.#view = new DocumentView(paper, {
        choose: nothing,
        hover: nothing,
        block: nothing,
        pick: nothing,
        edit: nothing,
        cell: nothing,
        grid: nothing,
        say: nothing,
        written: nothing,
      });
      this.#view.draw(job, true);
      return true;
    }
    this.#fill(make("p", { class: "export-wait" }, t("exportWriting")));
    let text;
    try {
      const content = await written(job, format);
      if (content.type.startsWith("image/") && turn === this.#turn) {
        return this.#picture(content);
      }
      text = content.type === "application/zip" ? t("exportSeveral") : await content.slice(0, 4 * SHOWN).text();
    } catch (problem) {
      return turn === this.#turn && this.#say(explain(problem), true);
    }
    if (turn === this.#turn) {
      this.#fill(make("pre", { class: "code" }, text.length > SHOWN ? `${text.slice(0, SHOWN)}\n…` : text));
    }
    return true;
  }

  /** Says something in its place. */
  tell(words) {
    this.#turn += 1;
    this.clear();
    this.#say(words, true);
  }

  /** Takes all away. */
  clear() {
    this.#view?.draw(null, true);
    this.#view = null;
    this.#place.replaceChildren();
  }

  #picture(content) {
    const url = URL.createObjectURL(content);
    const image = make("img", { src: url, alt: t("exportPreview") });
    ["load", "error"].forEach((name) => image.addEventListener(name, () => URL.revokeObjectURL(url), { once: true }));
    this.#fill(image);
    return true;
  }

  #fill(...parts) {
    this.#place.replaceChildren(...parts);
  }

  #say(words, possible) {
    this.#fill(make("p", { class: "export-none" }, icon("alert"), make("span", {}, words)));
    return possible;
  }
}
