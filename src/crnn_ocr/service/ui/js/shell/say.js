// A sentence at the foot of the window that goes by itself; screen readers hear it.

import { byId } from "../core/dom.js";

const STAYS = 3200; // milliseconds, and more for long sentences
let timer = null;

/** Says a sentence. */
export function say(sentence) {
  const place = byId("status");
  place.textContent = sentence;
  place.classList.toggle("is-shown", sentence !== "");
  clearTimeout(timer);
  timer = setTimeout(() => place.classList.remove("is-shown"), STAYS + 40 * sentence.length);
}
