// The text of a line with its unsure characters marked, in the list and in the document.

import { make } from "../core/dom.js";
import { isUnsure } from "../reading/result.js";
import { t } from "../words/words.js";

/** A probability in whole per cents, rounded down: nothing below certainty looks certain. */
export function percentOf(confidence) {
  return Math.floor(confidence * 100);
}

/** Strings and marks; neighbours that are both unsure share one mark. */
export function marked({ text, original, chars, checked }) {
  if (checked || text !== original || !chars.some(isUnsure)) {
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
