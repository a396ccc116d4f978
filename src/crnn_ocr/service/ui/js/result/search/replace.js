// Find and replace: what the search has found in the lines gives way to another text.

import { byId, isTyping } from "../../core/dom.js";
import { currentJob } from "../../jobs/jobs.js";
import { withLine, withLines } from "../../reading/changes.js";
import { t } from "../../words/words.js";
import { hitsOf } from "./search.js";

/**
 * Wires the row under the search.
 * @param {Store} store
 * @param {import("./search.js").Search} search
 * @param {ReplaceAct} act
 * @returns {{open: (show: boolean) => void, toggle: () => void}}
 */
export function watchReplace(store, search, act) {
  const row = byId("replace-row");
  const toggle = byId("replace-toggle");
  const open = (show) => {
    row.hidden = !show;
    toggle.setAttribute("aria-expanded", String(show));
    if (show) {
      act.show();
      (byId("search").value ? byId("replace") : byId("search")).focus();
    }
  };
  row.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      open(false);
      toggle.focus();
    } else if (event.key === "Enter" && isTyping(event.target)) {
      event.preventDefault();
      replaceOne();
    }
  });
  byId("replace-one").addEventListener("click", replaceOne);
  byId("replace-all").addEventListener("click", replaceAll);
  // Only lines can be changed, so the row goes where there are none.
  store.watch(
    (state) => [state.prefs.view],
    (view) => view !== "proofread" && open(false),
  );
  return { open, toggle: () => open(row.hidden) };

  function replaceOne() {
    const hit = search.current();
    if (!hit) {
      act.say(t("hits", { at: 0, count: 0 }));
      return;
    }
    const { text } = currentJob(store.get()).result.lines[hit.index];
    const fresh = text.slice(0, hit.start) + byId("replace").value + text.slice(hit.end);
    act.change((result) => withLine(result, hit.index, { text: fresh }), hit.index);
  }

  function replaceAll() {
    const { result } = currentJob(store.get()) ?? {};
    const needle = byId("search").value.trim();
    let count = 0;
    const patches = new Map();
    result?.lines.forEach(({ text }, index) => {
      const starts = needle ? hitsOf(text, needle) : [];
      if (starts.length > 0) {
        count += starts.length;
        patches.set(index, { text: replaced(text, starts, needle.length, byId("replace").value) });
      }
    });
    if (count > 0) {
      act.change((now) => withLines(now, patches), patches.keys().next().value);
    }
    act.say(t("replaced", { count }));
  }
}

function replaced(text, starts, length, by) {
  const ends = [0, ...starts.map((start) => start + length)];
  return ends.map((end, at) => text.slice(end, starts[at])).join(by);
}
