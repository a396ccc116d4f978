// One page of a document while it is near the window: paper first, then its boxes and text, then its picture.

import { icon, make } from "../core/dom.js";
import { transformOf, turnedSize } from "../picture/camera.js";
import { Overlay } from "../picture/overlay.js";

/** A page in the strip of pages. */
export class Sheet {
  #overlay;
  #layer = null;
  #layerOf;
  #paper = make("div", { class: "sheet" });
  #number;
  #image = null;
  #size;
  #scale = 1;

  /**
   * @param {number} index of the page
   * @param {{width: number, height: number}} size of the page
   * @param {PictureAct} act
   */
  constructor(index, size, act) {
    this.#size = size;
    this.#overlay = new Overlay(act.choose);
    this.#layerOf = () => act.layerOf(index);
    this.#number = make("span", { class: "page-blank", "aria-hidden": "true" }, String(index + 1));
    this.element = make("div", { class: "page-place", "data-sheet": index }, this.#paper);
    this.#paper.append(this.#number);
    this.filled = false;
    this.pictured = false;
  }

  /** Puts the page into its place. */
  place(left, top, scale, turn) {
    const turned = turnedSize(this.#size, turn);
    const { style } = this.element;
    style.left = `${left}px`;
    style.top = `${top}px`;
    style.width = `${turned.width * scale}px`;
    style.height = `${turned.height * scale}px`;
    this.#paper.style.width = `${this.#size.width * scale}px`;
    this.#paper.style.height = `${this.#size.height * scale}px`;
    this.#paper.style.transform = transformOf({ scale, left: 0, top: 0, turn }, this.#size);
    this.#scale = scale;
    this.#rescale();
  }

  /**
   * Draws boxes and text.
   * @param {{first: number, lines: Line[]}} own of the page
   * @param {State} state
   */
  fill({ first, lines }, state) {
    this.filled = true;
    this.#overlay.draw(lines, first, this.#size);
    this.#overlay.mark(state);
    if (!this.#layer) {
      this.#layer = this.#layerOf();
      this.#paper.append(this.#layer.element, ...this.#overlay.elements);
    }
    this.#rescale();
  }

  /** Lets boxes and text be drawn anew. */
  empty() {
    this.filled = false;
  }

  /** Writes anew what has been edited. */
  update(lines) {
    if (this.filled) {
      this.#overlay.update(lines);
    }
  }

  /**
   * Marks the lines that the user works with.
   * @param {State} state
   */
  mark(state) {
    if (this.filled) {
      this.#overlay.mark(state);
    }
  }

  /** Shows the picture, or that there is none. */
  show(picture, name) {
    this.pictured = true;
    if (!picture) {
      this.#number.replaceChildren(icon("page"));
      return;
    }
    this.#image = make("img", { src: picture.url, alt: name, draggable: "false", decoding: "async" });
    this.#image.addEventListener("load", () => picture.own && URL.revokeObjectURL(picture.url), { once: true });
    this.#number.replaceWith(this.#image);
  }

  /** Puts something of the user's work over the page. */
  put(element) {
    this.#paper.append(element);
  }

  /** Takes the page away. */
  close() {
    this.#layer?.close();
    this.element.remove();
  }

  #rescale() {
    if (this.filled) {
      this.element.classList.toggle("is-dense", this.#overlay.resize(this.#scale));
    }
  }
}
