// What lies over the picture: boxes and text as one, and the switch that tells how much of them is seen.

import { byId, make } from "../core/dom.js";
import { later } from "../core/later.js";
import { setPrefs } from "../core/prefs.js";
import { Boxes } from "./boxes.js";

const MODES = ["clean", "doubts", "all", "text"];
const DENSE = 15; // CSS pixels: of lowlier lines nothing but a thin stroke is shown, or it would hide them

/** Boxes and text of the shown page. */
export class Overlay {
  #boxes = new Boxes();
  #text = make("div", { class: "lens", "aria-hidden": "true" });
  #lens = null; // the text over the picture, which comes with the first one
  #load;
  #wanted = { lines: [], first: 0 }; // what it shows
  #scale = 1;
  #height = 0; // of a usual line, in pixels of the page

  /** @param choose gets the index of a line that was clicked, and the event */
  constructor(choose) {
    this.#load = later("picture/lens.js", ({ Lens }) => new Lens(this.#text, choose));
    this.elements = [this.#boxes.element, this.#text];
  }

  /** Draws the lines of a page of this size. */
  draw(lines, first, size) {
    this.#boxes.draw(lines, first, size);
    void this.#drawText(lines, first);
    this.#height = median(lines.map(({ polygon: [a, b, , d] }) => Math.min(distance(a, b), distance(a, d))));
  }

  /** Takes all away. */
  clear() {
    this.#boxes.clear();
    void this.#drawText([], 0);
  }

  /** Writes anew what has been edited. */
  update(lines) {
    this.#wanted = { ...this.#wanted, lines };
    this.#lens?.update(lines);
  }

  async #drawText(lines, first) {
    this.#wanted = { lines, first };
    if (this.#lens === null && lines.length > 0) {
      // Without it the picture has its boxes, and the next page asks for it again.
      this.#lens = await this.#load().catch(() => null);
      this.#lens?.resize(this.#scale);
    }
    this.#lens?.draw(this.#wanted.lines, this.#wanted.first);
  }

  /** Adapts to the size of the picture; tells whether the lines are dense on the screen. */
  resize(scale) {
    this.#scale = scale;
    this.#lens?.resize(scale);
    return this.#height > 0 && this.#height * scale < DENSE;
  }

  /** Marks the lines that the user works with. */
  mark({ active, hovered, hit, selected }) {
    this.#boxes.mark(active);
    this.#boxes.hover(hovered);
    this.#boxes.hit(hit);
    this.#boxes.select(selected);
  }
}

/**
 * Wires the switch and shows its state in the frame of the picture.
 * @param {Store} store
 */
export function watchOverlaySwitch(store, frame) {
  const choices = /** @type {HTMLInputElement[]} */ ([...byId("overlay").querySelectorAll("input")]);
  for (const choice of choices) {
    choice.addEventListener("change", () => setPrefs(store, { overlay: choice.value }));
  }
  store.watch(
    (state) => [state.prefs.overlay],
    (overlay) => {
      frame.dataset.overlay = MODES.includes(overlay) ? overlay : MODES[0];
      for (const choice of choices) {
        choice.checked = choice.value === frame.dataset.overlay;
      }
    },
  );
}

/**
 * Goes on to the next way of looking.
 * @param {Store} store
 */
export function nextOverlay(store) {
  const { overlay } = store.get().prefs;
  setPrefs(store, { overlay: MODES[(MODES.indexOf(overlay) + 1) % MODES.length] });
}

function distance([ax, ay], [bx, by]) {
  return Math.hypot(bx - ax, by - ay);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
