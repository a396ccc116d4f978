// The ways to find and replace, which is loaded when it is first asked for.

import { byId } from "../../core/dom.js";
import { later } from "../../core/later.js";
import { currentJob } from "../../jobs/jobs.js";

/** Wires the button and the keys; `act` is that of `watchReplace`, and `missing()` where it has not arrived. */
export function watchReplaceOpener(store, search, act) {
  const row = later("result/search/replace.js", ({ watchReplace }) => watchReplace(store, search, act));
  byId("replace-toggle").addEventListener("click", () => row().then(({ toggle }) => toggle(), act.missing));
  document.addEventListener("keydown", (event) => {
    const wanted = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "h";
    if (wanted && currentJob(store.get())?.result && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      row().then(({ open }) => open(true), act.missing);
    }
  });
}
