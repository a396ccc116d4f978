// The boxes of the lines over the picture, and the places of unsure characters in the marked line.

import { makeSvg } from "../core/dom.js";
import { levelOf, UNSURE_BELOW } from "../reading/result.js";

/** An SVG layer in the pixels of the page. */
export class Boxes {
  #first = 0;
  #boxes = [];
  #marked = null;
  #hovered = null;
  #lines = [];
  #chars = makeSvg("g", { class: "box-chars" });

  constructor() {
    this.element = makeSvg("svg", { class: "boxes", preserveAspectRatio: "none", "aria-hidden": "true" });
  }

  /** Draws the lines of a page of this size; `first` is the index of the first among all lines. */
  draw(lines, first, { width, height }) {
    this.#first = first;
    this.#lines = lines;
    this.#marked = this.#hovered = null;
    this.element.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#boxes = lines.map((line, index) =>
      makeSvg("polygon", {
        class: `box is-${levelOf(line.confidence)}`,
        points: points(line.polygon),
        "data-index": first + index,
      }),
    );
    this.#chars.replaceChildren();
    this.element.replaceChildren(...this.#boxes, this.#chars);
  }

  /** Takes all boxes away. */
  clear() {
    this.#boxes = [];
    this.#lines = [];
    this.element.replaceChildren();
  }

  /** The index of the line at an element of this layer, or null. */
  lineAt(target) {
    const box = target instanceof Element ? target.closest("polygon.box") : null;
    return box && this.element.contains(box) ? Number(box.dataset.index) : null;
  }

  /** The polygon of a line, or null where it is not on this page. */
  polygonOf(index) {
    return this.#lines[index - this.#first]?.polygon ?? null;
  }

  /** Marks the line that the user works with. */
  mark(index) {
    this.#swap(this.#marked, index, "is-active");
    this.#marked = index;
    const chars = this.#lines[index - this.#first]?.chars ?? [];
    const unsure = chars.filter((char) => char.confidence < UNSURE_BELOW && char.text.trim());
    this.#chars.replaceChildren(...unsure.map((char) => makeSvg("polygon", { points: points(char.polygon) })));
  }

  /** Marks the line that the user points at. */
  hover(index) {
    this.#swap(this.#hovered, index, "is-hovered");
    this.#hovered = index;
  }

  /** Marks the selected lines. */
  select(indexes) {
    for (const box of this.element.querySelectorAll(".is-selected")) {
      box.classList.remove("is-selected");
    }
    for (const index of indexes) {
      this.#boxes[index - this.#first]?.classList.add("is-selected");
    }
  }

  #swap(old, now, name) {
    this.#boxes[old - this.#first]?.classList.remove(name);
    if (now !== null) {
      this.#boxes[now - this.#first]?.classList.add(name);
    }
  }
}

function points(polygon) {
  return polygon.map((point) => point.join(",")).join(" ");
}
