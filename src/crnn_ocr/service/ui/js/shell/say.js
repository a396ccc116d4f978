// A sentence in the bar that goes by itself, with what can be done about it; screen readers hear every one.

import { byId } from "../core/dom.js";

const STAYS = 3200; // milliseconds, and more for long sentences
const STAYS_TO_ACT = 12_000; // long enough to read, decide and reach the button

let timer = null;
let act = null; // what the button beside the sentence does

/**
 * Says a sentence.
 * @param {string} sentence
 * @param {{quiet?: boolean, action?: {label: string, run: () => void} | null}} how `quiet`: to screen readers alone,
 *   because the page shows it elsewhere
 */
export function say(sentence, { quiet = false, action = null } = {}) {
  byId("status").textContent = sentence;
  if (quiet) {
    return;
  }
  act = action?.run ?? null;
  byId("say-text").textContent = sentence;
  byId("say-text").title = sentence;
  byId("say-action").textContent = action?.label ?? "";
  byId("say-action").hidden = action === null;
  byId("say").classList.toggle("is-shown", sentence !== "");
  stay(action ? STAYS_TO_ACT : STAYS + 40 * sentence.length);
}

/** Wires the button beside the sentence. */
export function watchSay() {
  byId("say-action").addEventListener("click", () => {
    const run = act;
    hide();
    run?.();
  });
}

function stay(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    // Not from under the hand of whoever has just reached the button.
    if (act && byId("say").matches(":hover, :focus-within")) {
      stay(STAYS);
    } else {
      hide();
    }
  }, milliseconds);
}

function hide() {
  clearTimeout(timer);
  act = null;
  byId("say-action").hidden = true;
  byId("say").classList.remove("is-shown");
}
