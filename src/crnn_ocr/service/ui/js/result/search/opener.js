// The field of the search and the ways to find and replace; what does the work is loaded when it is first asked for.

import { byId } from "../../core/dom.js";
import { later } from "../../core/later.js";
import { currentJob } from "../../jobs/jobs.js";

/**
 * Wires the field, the button and the keys.
 * @param {Store} store
 * @param {ReplaceAct & {found: (index: number) => void, missing: () => void}} act `found` hears the line of a hit
 * @returns {Pick<import("./search.js").Search, "attach" | "written">}
 */
export function watchSearch(store, act) {
  const field = byId("search");
  let search = null;
  let attached = null; // what is searched, as soon as there is somebody to do it
  const searching = later("result/search/search.js", ({ Search }) => {
    search = new Search(act.found);
    if (attached) {
      search.attach(...attached);
    }
    return search;
  });
  const row = later("result/search/replace.js", async ({ watchReplace }) =>
    watchReplace(store, await searching(), act),
  );
  const wanted = () => searching().catch(act.missing);
  field.addEventListener("focus", wanted);
  field.addEventListener("input", wanted);
  byId("replace-toggle").addEventListener("click", () => row().then(({ toggle }) => toggle(), act.missing));
  document.addEventListener("keydown", (event) => {
    const replaces = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "h";
    if (replaces && currentJob(store.get())?.result && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      row().then(({ open }) => open(true), act.missing);
    }
  });
  return {
    attach(...what) {
      attached = what;
      search?.attach(...what);
      if (!search && field.value) {
        wanted(); // a browser has filled in what was searched before
      }
    },
    written: () => search?.written(),
  };
}
