// The text on the picture itself: every line lies over its place, transparent, and can be selected and copied.

import { make } from "../core/dom.js";
import { levelOf } from "../reading/result.js";
import { distanceTo, fitText, shareAlong } from "./fitting.js";

const PROBE = 100; // size in pixels at which texts are measured

/** A layer of text in the pixels of the page. */
export class Lens {
  #first = 0;
  #lines = [];
  #rows = [];
  #scale = 1;
  #byMouse = true; // a tap is followed by events of a mouse that is none
  #pen = document.createElement("canvas").getContext("2d");

  /** @param {HTMLElement} element the layer @param choose gets the index of a line that was clicked, and the event */
  constructor(element, choose) {
    this.element = element;
    this.element.addEventListener("copy", (event) => this.#copy(event));
    this.element.addEventListener("pointerdown", (event) => {
      this.#byMouse = event.pointerType === "mouse";
    });
    this.element.addEventListener("mousedown", (event) => this.#byMouse && this.#select(event, choose));
  }

  /** Draws the lines of a page; `first` is the index of the first among all lines. */
  draw(lines, first) {
    this.#first = first;
    this.#lines = lines;
    this.#pen.font = `${PROBE}px ${getComputedStyle(document.body).fontFamily}`;
    this.#rows = lines.map((line, index) => this.#row(line, first + index));
    this.element.replaceChildren(...this.#rows);
  }

  /** Takes all lines away. */
  clear() {
    this.#lines = [];
    this.#rows = [];
    this.element.replaceChildren();
  }

  /** Writes anew what has been edited. */
  update(lines) {
    lines.forEach((line, index) => {
      if (line !== this.#lines[index] && this.#rows[index]) {
        const row = this.#row(line, this.#first + index);
        this.#rows[index].replaceWith(row);
        this.#rows[index] = row;
      }
    });
    this.#lines = lines;
  }

  /** Makes the layer as large as the picture: `scale` is CSS pixels per pixel of the page. */
  resize(scale) {
    this.#scale = scale;
    this.element.style.transform = `scale(${scale})`;
  }

  /** The index of the line at an element of this layer, or null. */
  lineAt(target) {
    const row = target instanceof Element ? target.closest(".lens-line") : null;
    return row && this.element.contains(row) ? Number(row.dataset.index) : null;
  }

  /** @param {Line} line */
  #row(line, index) {
    const { size, upright, matrix } = fitText(
      line.text,
      line.polygon,
      (text) => this.#pen.measureText(text).width / PROBE,
    );
    const level = line.text === line.original ? levelOf(line.confidence) : "good";
    const row = make(
      "div",
      { class: `lens-line is-${level}${upright ? " is-column" : ""}`, "data-index": index },
      line.text,
    );
    row.style.fontSize = `${size}px`;
    row.style.transform = `matrix(${matrix.join(",")})`;
    return row;
  }

  // Browsers lose themselves between texts that are placed freely, so what lies between the lines counts for the
  // nearest one. Words and whole lines, by two and three clicks, are left to the browser.
  #select(event, choose) {
    const index = this.lineAt(event.target);
    if (index === null || event.button !== 0 || event.detail > 1) {
      return;
    }
    event.preventDefault();
    this.element.closest("[tabindex]")?.focus({ preventScroll: true });
    const selection = getSelection();
    const start =
      event.shiftKey && this.element.contains(selection.anchorNode)
        ? { node: selection.anchorNode, offset: selection.anchorOffset }
        : this.#caret(event);
    const follow = (moved) => {
      const end = this.#caret(moved);
      selection.setBaseAndExtent(start.node, start.offset, end.node, end.offset);
    };
    const stop = (last) => {
      document.removeEventListener("mousemove", follow);
      if (selection.isCollapsed) {
        choose(index, last);
      }
    };
    follow(event);
    document.addEventListener("mousemove", follow);
    document.addEventListener("mouseup", stop, { once: true });
  }

  // The place in the text under the pointer: a node and an offset. In a column it is the height that counts, not the
  // left or right half of a character.
  #caret({ clientX, clientY }) {
    const row = document.elementFromPoint(clientX, clientY)?.closest(".lens-line");
    const caret = row && !row.classList.contains("is-column") && document.caretPositionFromPoint?.(clientX, clientY);
    if (caret && caret.offsetNode.nodeType === Node.TEXT_NODE && row.contains(caret.offsetNode)) {
      return { node: caret.offsetNode, offset: caret.offset };
    }
    const [x, y] = this.#toPage(clientX, clientY);
    const distances = this.#lines.map((line) => distanceTo(line.polygon, x, y));
    const nearest = distances.indexOf(Math.min(...distances));
    const node = this.#rows[nearest].firstChild ?? this.#rows[nearest];
    const { text, polygon } = this.#lines[nearest];
    return { node, offset: Math.round(shareAlong(text, polygon, x, y) * (node.nodeValue?.length ?? 0)) };
  }

  // The view may be turned, so the way back is that of the sheet.
  #toPage(clientX, clientY) {
    const sheet = this.element.parentElement;
    const frame = sheet.parentElement.getBoundingClientRect();
    const back = new DOMMatrix(getComputedStyle(sheet).transform).inverse();
    const point = back.transformPoint(new DOMPoint(clientX - frame.left, clientY - frame.top));
    return [point.x / this.#scale, point.y / this.#scale];
  }

  #copy(event) {
    const selection = getSelection();
    if (selection.isCollapsed) {
      return;
    }
    const range = selection.getRangeAt(0);
    const parts = this.#rows.filter((row) => range.intersectsNode(row)).map((row) => partOf(row, range));
    event.preventDefault();
    event.clipboardData.setData("text/plain", parts.filter((part) => part !== "").join("\n"));
  }
}

function partOf(row, range) {
  const part = document.createRange();
  part.selectNodeContents(row);
  if (part.comparePoint(range.startContainer, range.startOffset) === 0) {
    part.setStart(range.startContainer, range.startOffset);
  }
  if (part.comparePoint(range.endContainer, range.endOffset) === 0) {
    part.setEnd(range.endContainer, range.endOffset);
  }
  return part.toString();
}
