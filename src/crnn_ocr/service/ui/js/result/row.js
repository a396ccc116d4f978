// One line of the result as a row of the grid: number, text with its unsure characters marked, confidence.

import { make } from "../core/dom.js";
import { levelOf, UNSURE_BELOW } from "../reading/result.js";
import { t } from "../words/words.js";

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
  text.replaceChildren(...(edited ? [line.text] : marked(line)));
  const percent = percentOf(line.confidence);
  const label = t(edited ? "editedLine" : "confidence", { percent, original: line.original });
  confidence.title = label;
  confidence.replaceChildren(
    make("span", { "aria-hidden": "true" }, edited ? "✎" : `${percent} %`),
    make("span", { class: "visually-hidden" }, label),
  );
}

// A probability in whole per cents, rounded down: nothing below certainty looks certain.
function percentOf(confidence) {
  return Math.floor(confidence * 100);
}

// Neighbours that are both unsure share one mark.
function marked({ text, chars }) {
  if (!chars.some((char) => isUnsure(char))) {
    return [text];
  }
  const pieces = [];
  for (const char of chars) {
    const unsure = isUnsure(char);
    const piece = pieces.at(-1);
    if (piece && piece.unsure === unsure) {
      piece.text += char.text;
      piece.least = Math.min(piece.least, char.confidence);
    } else {
      pieces.push({ unsure, text: char.text, least: char.confidence });
    }
  }
  return pieces.map((piece) =>
    piece.unsure
      ? make("mark", { class: "unsure", title: t("unsure", { percent: percentOf(piece.least) }) }, piece.text)
      : piece.text,
  );
}

function isUnsure({ text, confidence }) {
  return confidence < UNSURE_BELOW && text.trim() !== "";
}
