// One line of the result as a row of the grid: number, text with its unsure characters marked, and what is in doubt.

import { icon, make } from "../../core/dom.js";
import { isDoubtful, levelOf } from "../../reading/result.js";
import { t } from "../../words/words.js";
import { marked, percentOf } from "../marked.js";

/** Makes the row of a line. */
export function rowOf(line, index, number) {
  const row = make(
    "div",
    { class: "line", role: "row", tabindex: "-1", "data-index": index, "aria-rowindex": index + 1 },
    make("span", { class: "line-number", role: "gridcell", "aria-hidden": "true" }, String(number)),
    make("span", { class: "line-text", role: "gridcell" }),
    make("span", { class: `line-confidence is-${levelOf(line.confidence)}`, role: "gridcell" }),
  );
  fillRow(row, line);
  return row;
}

/** Writes a line's text and confidence into its row. */
export function fillRow(row, line) {
  const [, text, confidence] = row.children;
  const edited = line.text !== line.original;
  row.classList.toggle("is-edited", edited);
  row.classList.toggle("is-checked", Boolean(line.checked) && !edited);
  row.classList.toggle("is-doubt", isDoubtful(line));
  text.replaceChildren(...marked(line));
  const percent = percentOf(line.confidence);
  const label = edited
    ? t("editedLine", { original: line.original })
    : line.checked
      ? t("checkedLine", { percent })
      : t("confidence", { percent });
  confidence.title = label;
  // Numbers stand where there is something to look at, and nowhere else.
  const shown = edited ? icon("edit") : line.checked ? icon("check") : isDoubtful(line) ? `${percent} %` : "";
  confidence.replaceChildren(
    make("span", { "aria-hidden": "true" }, shown),
    make("span", { class: "visually-hidden" }, label),
  );
}
