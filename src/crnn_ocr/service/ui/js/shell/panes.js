// The border between picture and text can be moved, a wide picture stands above its text; the picture can have the room
// for itself.

import { byId, laterStyles } from "../core/dom.js";
import { setPrefs } from "../core/prefs.js";

const LEAST = 0.25; // share of the picture
const MOST = 0.75;
const STEP = 0.02;
const HALF = 0.5;
const AUTO = 0; // of a picture above the text: as high as it is

/**
 * Wires the border and the button that enlarges the picture.
 * @param {Store} store
 */
export function watchPanes(store) {
  const handle = byId("splitter");
  const work = byId("work");
  const wide = () => store.get().wide > 0;
  const kept = (share) => Math.min(MOST, Math.max(LEAST, share));
  const move = (share) => setPrefs(store, wide() ? { upper: kept(share) } : { split: kept(share) });
  const reset = () => setPrefs(store, wide() ? { upper: AUTO } : { split: HALF });

  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    handle.focus();
    handle.classList.add("is-moving");
  });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) {
      const { left, top } = byId("picture").closest(".card").getBoundingClientRect();
      const { right, bottom } = byId("result-card").getBoundingClientRect();
      move(wide() ? (event.clientY - top) / (bottom - top) : (event.clientX - left) / (right - left));
    }
  });
  handle.addEventListener("lostpointercapture", () => handle.classList.remove("is-moving"));
  handle.addEventListener("dblclick", reset);
  handle.addEventListener("keydown", (event) => {
    const share = Number(handle.getAttribute("aria-valuenow")) / 100;
    const [less, more] = wide() ? ["ArrowUp", "ArrowDown"] : ["ArrowLeft", "ArrowRight"];
    const next = { [less]: share - STEP, [more]: share + STEP, Home: LEAST, End: MOST }[event.key];
    if (next !== undefined || event.key === "Enter") {
      event.preventDefault();
      event.stopPropagation();
      next === undefined ? reset() : move(next);
    }
  });
  store.watch(
    (state) => [state.prefs.split, state.prefs.upper, state.wide],
    (split, upper, aspect) => {
      work.classList.toggle("is-wide", aspect > 0);
      work.style.setProperty("--aspect", String(aspect || 1));
      work.style.setProperty("--left", `${kept(split)}fr`);
      work.style.setProperty("--right", `${1 - kept(split)}fr`);
      if (upper === AUTO) {
        work.style.removeProperty("--upper");
      } else {
        work.style.setProperty("--upper", `${100 * kept(upper)}%`);
      }
      const high = byId("picture").closest(".card").offsetHeight / work.clientHeight || HALF;
      const share = aspect > 0 ? (upper === AUTO ? high : kept(upper)) : kept(split);
      handle.setAttribute("aria-orientation", aspect > 0 ? "horizontal" : "vertical");
      handle.setAttribute(
        "aria-valuenow",
        String(Math.min(100 * MOST, Math.max(100 * LEAST, Math.round(share * 100)))),
      );
    },
  );
  store.watch(
    (state) => [state.alone],
    (alone) => {
      work.classList.toggle("is-alone", alone);
      byId("alone").setAttribute("aria-pressed", String(alone));
    },
  );
  byId("alone").addEventListener("click", () => toggleAlone(store));
  // The first screen gives way to the work, which is shown once its styles are there.
  store.watch(
    (state) => [state.jobs.length > 0],
    async (some) => {
      document.body.classList.toggle("has-jobs", some);
      byId("intake").hidden = some;
      work.hidden ||= !some;
      if (some) {
        await laterStyles();
        work.hidden = store.get().jobs.length === 0;
      }
    },
  );
}

/**
 * Gives the picture all the room, or takes it back.
 * @param {Store} store
 */
export function toggleAlone(store) {
  store.set({ alone: !store.get().alone });
}
