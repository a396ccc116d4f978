// The boxes of the lines over the picture, and the places of unsure characters. Every stroke has a halo, so that it
// can be seen on any ground; which boxes are shown is a matter of style (css/picture.css).

import { makeSvg } from "../core/dom.js";
import { levelOf, UNSURE_BELOW } from "../reading/result.js";

/** An SVG layer in the pixels of the page. */
export class Boxes {
  #first = 0;
  #boxes = []; // per line its halo and its box
  #marks = { "is-active": null, "is-hovered": null, "is-hit": null };

  constructor() {
    this.element = makeSvg("svg", { class: "boxes", preserveAspectRatio: "none", "aria-hidden": "true" });
  }

  /** Draws the lines of a page of this size; `first` is the index of the first among all lines. */
  draw(lines, first, { width, height }) {
    this.#first = first;
    for (const name of Object.keys(this.#marks)) {
      this.#marks[name] = null;
    }
    this.element.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#boxes = lines.map((line, index) => {
      const shape = { points: points(line.polygon), "data-index": first + index };
      const level = `is-${levelOf(line.confidence)}`;
      return [
        makeSvg("polygon", { ...shape, class: `halo ${level}` }),
        makeSvg("polygon", { ...shape, class: `box ${level}` }),
      ];
    });
    const chars = lines.flatMap((line, index) =>
      line.chars.filter(isUnsure).map((char) => placeOf(char, first + index)),
    );
    this.element.replaceChildren(...this.#boxes.flat(), makeSvg("g", { class: "box-chars" }, ...chars));
  }

  /** Takes all boxes away. */
  clear() {
    this.#boxes = [];
    this.element.replaceChildren();
  }

  /** Marks the line that the user works with. */
  mark(index) {
    this.#swap("is-active", index);
    for (const place of this.element.querySelectorAll(".box-chars polygon")) {
      place.classList.toggle("is-active", Number(place.dataset.index) === index);
    }
  }

  /** Marks the line that the user points at. */
  hover(index) {
    this.#swap("is-hovered", index);
  }

  /** Marks the line that a search is at. */
  hit(index) {
    this.#swap("is-hit", index);
  }

  /** Marks the selected lines. */
  select(indexes) {
    for (const box of this.element.querySelectorAll(".is-selected")) {
      box.classList.remove("is-selected");
    }
    for (const index of indexes) {
      this.#boxes[index - this.#first]?.forEach((shape) => shape.classList.add("is-selected"));
    }
  }

  #swap(name, now) {
    const old = this.#marks[name];
    if (old !== null) {
      this.#boxes[old - this.#first]?.forEach((shape) => shape.classList.remove(name));
    }
    if (now !== null) {
      this.#boxes[now - this.#first]?.forEach((shape) => shape.classList.add(name));
    }
    this.#marks[name] = now;
  }
}

function isUnsure({ text, confidence }) {
  return confidence < UNSURE_BELOW && text.trim() !== "";
}

function placeOf(char, index) {
  return makeSvg("polygon", { points: points(char.polygon), "data-index": index });
}

function points(polygon) {
  return polygon.map((point) => point.join(",")).join(" ");
}
