// The chosen picture with the boxes of its lines drawn over it.

import { make, makeSvg, reveal } from "./dom.js";
import { t } from "./i18n.js";

const LONG = 2; // height to width

/** Shows one picture at a time inside a container. */
export class PictureView {
  #container;
  #url = null;
  #frame = null;
  #boxes = [];
  #marked = null;

  constructor(container) {
    this.#container = container;
  }

  /** Shows a file; resolves when it is visible, or when the browser cannot show it. */
  async show(file) {
    this.#release();
    this.#url = URL.createObjectURL(file);
    const image = make("img", { src: this.#url, alt: file.name });
    this.#frame = make("div", { class: "picture-frame" }, image);
    this.#container.replaceChildren(this.#frame);
    const frame = this.#frame;
    try {
      await image.decode();
      // Long receipts and screenshots are shown in full width and scroll; all else fits as a whole.
      frame.classList.toggle("is-long", image.naturalHeight > LONG * image.naturalWidth);
    } catch {
      if (this.#frame === frame) {
        this.#frame = null;
        this.#container.replaceChildren(make("p", { class: "picture-none" }, t("noPreview")));
      }
    }
  }

  /** Draws the lines' polygons, which are in pixels of a picture of this size. */
  drawBoxes(lines, { width, height }, onHover) {
    this.clearBoxes();
    if (this.#frame === null) {
      return;
    }
    const overlay = makeSvg("svg", {
      class: "picture-boxes",
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    });
    lines.forEach((line, index) => {
      const box = makeSvg("polygon", { points: line.polygon.map((point) => point.join(",")).join(" ") });
      box.addEventListener("pointerenter", () => onHover(index));
      box.addEventListener("pointerleave", () => onHover(null));
      this.#boxes.push(box);
      overlay.append(box);
    });
    this.#frame.append(overlay);
  }

  /** Takes all boxes away. */
  clearBoxes() {
    this.#boxes = [];
    this.#frame?.querySelector("svg")?.remove();
  }

  /** Marks one box, or none, and brings it into view where it was pointed at elsewhere. */
  mark(index, { scroll }) {
    this.#boxes[this.#marked]?.classList.remove("is-active");
    this.#marked = index;
    const box = this.#boxes[index];
    box?.classList.add("is-active");
    if (scroll && box) {
      reveal(this.#container, box);
    }
  }

  #release() {
    this.#boxes = [];
    if (this.#url !== null) {
      URL.revokeObjectURL(this.#url);
    }
  }
}
