// Editing a text in its place: in a field that takes the place of the text until the user is done.

import { make } from "../core/dom.js";

let endOpen = () => {};

/** Ends the edit that is open, if any, with what has been typed. */
export function endEdit() {
  endOpen();
}

/**
 * Puts a field into an element.
 * @param {HTMLElement} home its content gives way to the field
 * @param {{text: string, label: string, rows?: boolean, above?: HTMLElement | null}} what `rows`: the text may have
 *   several; `above`: what stands above the field
 * @param {(text: string, how: "accept" | "leave" | "end" | "give up" | "next" | "before") => boolean | void} onDone gets
 *   the text, and how the field was left, "end" by `endEdit`; for a Tab it tells whether the focus has gone on by that
 */
export function editIn(home, { text, label, rows = false, above = null }, onDone) {
  if (home.querySelector("textarea")) {
    return;
  }
  const field = make("textarea", { class: "line-edit", rows: "1", spellcheck: "false", "aria-label": label });
  field.value = text;
  const read = () => (rows ? field.value.replace(/\s+$/, "") : oneLine(field.value));
  let done = false;
  const finish = (how) => {
    if (done) {
      return false;
    }
    done = true;
    endOpen = endOpen === end ? () => {} : endOpen;
    const value = how === "give up" ? text : read();
    field.remove();
    return onDone(value, how) === true;
  };
  const end = () => finish("end");
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
      finish("give up");
    } else if (event.key === "Enter" && !(rows && (event.shiftKey || event.altKey))) {
      event.preventDefault();
      finish("accept");
    } else if (event.key === "Tab" && finish(event.shiftKey ? "before" : "next")) {
      event.preventDefault();
    }
  });
  field.addEventListener("blur", () => finish("leave"));
  endEdit();
  endOpen = end;
  home.replaceChildren(...(above ? [above, field] : [field]));
  grow();
  field.focus({ preventScroll: true });
  field.setSelectionRange(text.length, text.length);
}

// What is pasted may bring line feeds; a line stays a line.
function oneLine(text) {
  return text.replace(/\s*[\r\n]+\s*/g, " ");
}
