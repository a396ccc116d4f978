// Where the pages of a document lie under one another: pure arithmetic, in CSS pixels.

import { spanOf, turnedSize } from "../picture/camera.js";

const LONG = 2.4; // height to width from which on a page always takes the full width
const COLUMN = 820; // CSS pixels up to which a page takes the full width, however low the window is
const TALLEST = 1.4; // else a page is at most so many times as high as the window
const LARGEST = 2; // small pages are not enlarged further
const HIGHEST = 16_000_000; // browsers lose the precision of what lies deeper

/** White space around and between pages. */
export const GAP = 12;

const BLANK = { width: 600, height: 300 }; // instead of a page that could not be opened, whose size nobody knows

/** Where every page lies: `scales` are CSS pixels per pixel of the page, `sizes` those of the pages. */
export class Layout {
  #turn;

  /**
   * Puts pages under one another, each in the width of the window unless that is too much of it.
   * @param {{width: number, height: number}[]} pages
   * @param {number} turn in degrees
   * @param {{width: number, height: number}} room
   * @param {number} zoom may be more than there is room for, in very long documents: `zoom` tells what it is
   */
  constructor(pages, turn, room, zoom) {
    const count = pages.length;
    this.sizes = pages.map((page) => (page.width > 0 && page.height > 0 ? page : BLANK));
    const sizes = this.sizes.map((page) => turnedSize(page, turn));
    const bases = sizes.map((size) => scaleOf(size, room));
    const whole = sizes.reduce((sum, size, index) => sum + size.height * bases[index], 0);
    this.#turn = turn;
    this.tops = new Float64Array(count + 1);
    this.scales = new Float64Array(count);
    this.zoom = Math.min(zoom, (HIGHEST - (count + 1) * GAP) / whole);
    let top = GAP;
    let width = 0;
    sizes.forEach((size, index) => {
      this.tops[index] = top;
      this.scales[index] = bases[index] * this.zoom;
      top += size.height * this.scales[index] + GAP;
      width = Math.max(width, size.width * this.scales[index]);
    });
    this.tops[count] = top;
    this.height = top;
    this.width = Math.max(room.width, width + 2 * GAP);
  }

  /** The left edge of a page. */
  leftOf(page) {
    return (this.width - turnedSize(this.sizes[page], this.#turn).width * this.scales[page]) / 2;
  }

  /**
   * The rectangle around a polygon of a page.
   * @param {Polygon} polygon
   */
  spanOf(page, polygon) {
    const scale = this.scales[page];
    const span = spanOf(polygon, this.sizes[page], this.#turn);
    return {
      x: this.leftOf(page) + (span.x - span.width / 2) * scale,
      y: this.tops[page] + (span.y - span.height / 2) * scale,
      width: span.width * scale,
      height: span.height * scale,
    };
  }
}

/** CSS pixels per pixel of a page at no zoom. */
export function scaleOf({ width, height }, room) {
  const full = Math.max(1, room.width - 2 * GAP) / width;
  const long = height > LONG * width;
  const most = Math.max((TALLEST * room.height) / height, COLUMN / width);
  return Math.min(full, long ? full : most, LARGEST);
}

/** The index of the page at a height; between two pages the upper one. */
export function pageAt({ tops }, y) {
  let low = 0;
  let high = tops.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle] <= y) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

/**
 * The page that one reads in a window: the one a quarter below its upper edge; towards both ends of the document this
 * line moves to the edge, so that every page has its turn.
 */
export function pageRead(layout, top, room) {
  const left = Math.max(0, layout.height - room - top);
  const share = left < room ? 1 - (0.75 * left) / room : 0.25 * Math.min(1, top / room);
  return pageAt(layout, top + (layout.height <= room ? 0 : share) * room);
}

/** How far to scroll so that a span lies inside the window; of one that is too long, its beginning. */
export function shift(start, length, room) {
  if (start >= GAP && start + length <= room - GAP) {
    return 0;
  }
  return start < GAP || length > room - 2 * GAP ? start - GAP : start + length - (room - GAP);
}
