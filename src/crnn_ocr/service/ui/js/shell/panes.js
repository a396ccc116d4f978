// The border between picture and text can be moved; the picture can have the room for itself.

import { byId } from "../core/dom.js";
import { setPrefs } from "../core/prefs.js";

const LEAST = 0.25; // share of the picture
const MOST = 0.75;
const STEP = 0.02;
const HALF = 0.5;

/** Wires the border and the button that enlarges the picture. */
export function watchPanes(store) {
  const handle = byId("splitter");
  const work = byId("work");
  const move = (share) => setPrefs(store, { split: Math.min(MOST, Math.max(LEAST, share)) });

  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    handle.focus();
    handle.classList.add("is-moving");
  });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) {
      const left = byId("picture").closest(".card").getBoundingClientRect().left;
      const right = byId("result-card").getBoundingClientRect().right;
      move((event.clientX - left) / (right - left));
    }
  });
  handle.addEventListener("lostpointercapture", () => handle.classList.remove("is-moving"));
  handle.addEventListener("dblclick", () => move(HALF));
  handle.addEventListener("keydown", (event) => {
    const { split } = store.get().prefs;
    const next = { ArrowLeft: split - STEP, ArrowRight: split + STEP, Home: LEAST, End: MOST, Enter: HALF }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      move(next);
    }
  });
  store.watch((state) => [state.prefs.split], (split) => {
    const share = Math.min(MOST, Math.max(LEAST, split));
    work.style.setProperty("--left", `${share}fr`);
    work.style.setProperty("--right", `${1 - share}fr`);
    handle.setAttribute("aria-valuenow", String(Math.round(share * 100)));
  });
  store.watch((state) => [state.alone], (alone) => {
    work.classList.toggle("is-alone", alone);
    byId("alone").setAttribute("aria-pressed", String(alone));
  });
  byId("alone").addEventListener("click", () => toggleAlone(store));
}

/** Gives the picture all the room, or takes it back. */
export function toggleAlone(store) {
  store.set({ alone: !store.get().alone });
}
