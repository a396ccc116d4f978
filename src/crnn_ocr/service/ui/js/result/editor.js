// Editing a line in its place.

import { make } from "../core/dom.js";
import { t } from "../words/words.js";

let endOpen = () => {};

/** Ends the edit that is open, if any, with what has been typed. */
export function endEdit() {
  endOpen();
}

/**
 * Turns the text of a row into a field until the user is done.
 * @param {HTMLElement} row
 * @param {string} text
 * @param {(text: string | null) => void} onDone gets the new text, or null where nothing is to change
 */
export function editRow(row, text, onDone) {
  const cell = row.querySelector(".line-text");
  if (cell.querySelector("textarea")) {
    return;
  }
  const field = make("textarea", { class: "line-edit", rows: "1", spellcheck: "false", "aria-label": t("editLine", { text }) });
  field.value = text;
  let done = false;
  const end = () => finish(oneLine(field.value), true);
  const finish = (value, refocus) => {
    if (!done) {
      done = true;
      endOpen = endOpen === end ? () => {} : endOpen;
      field.remove();
      onDone(value === text ? null : value);
      if (refocus) {
        row.focus({ preventScroll: true });
      }
    }
  };
  const grow = () => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  };
  field.addEventListener("input", grow);
  field.addEventListener("keydown", (event) => {
    event.stopPropagation(); // keys are text here, not commands
    if (event.isComposing) {
      return; // they belong to the input method
    }
    if (event.key === "Escape") {
      finish(text, true);
    } else if (event.key === "Enter") {
      event.preventDefault();
      finish(oneLine(field.value), true);
    }
  });
  field.addEventListener("blur", () => finish(oneLine(field.value), false));
  endEdit();
  endOpen = end;
  cell.replaceChildren(field);
  grow();
  field.focus();
  field.setSelectionRange(text.length, text.length);
}

// What is pasted may bring line feeds; a line stays a line.
function oneLine(text) {
  return text.replace(/\s*[\r\n]+\s*/g, " ");
}
