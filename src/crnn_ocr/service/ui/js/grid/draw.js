// What the editor of a grid shows: its lines, which are sliders, and the buttons that add one between two.

import { make, makeSvg } from "../core/dom.js";
import { t } from "../words/words.js";
import { pointAt } from "./lines.js";

/** The two directions of lines. */
export const KINDS = ["rows", "cols"];

/** What a line of a grid is called. */
export function wordsOf(grid, kind, number) {
  return t(kind === "rows" ? "gridRowLine" : "gridColLine", { number: number + 1, count: grid[kind].length });
}

/** A line of a grid at a share of the table's height or width. */
export function lineOf(grid, kind, number, share) {
  const other = grid[kind === "rows" ? "cols" : "rows"];
  const ends = [other[0], other.at(-1)];
  const [[x1, y1], [x2, y2]] = ends.map((end) => pointAt(grid.frame, kind === "rows" ? [end, share] : [share, end]));
  const outer = number === 0 || number === grid[kind].length - 1;
  return makeSvg(
    "g",
    {
      class: `grid-line is-${kind} ${outer ? "is-outer" : ""}`.trim(),
      tabindex: "0",
      role: "slider",
      "data-grip": `${kind}/${number}`,
      "data-name": `${kind}/${number}`,
      "aria-label": wordsOf(grid, kind, number),
      "aria-orientation": kind === "rows" ? "vertical" : "horizontal",
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": Math.round(100 * share),
    },
    makeSvg("line", { class: "grid-hit", x1, y1, x2, y2 }),
    makeSvg("line", { class: "grid-halo", x1, y1, x2, y2 }),
    makeSvg("line", { class: "grid-stroke", x1, y1, x2, y2 }),
  );
}

/** The button that adds a line behind another one, at the table's edge. */
export function plusOf(grid, kind, number, size, onclick) {
  const middle = (grid[kind][number] + grid[kind][number + 1]) / 2;
  const edge = grid[kind === "rows" ? "cols" : "rows"][0];
  const label = t(kind === "rows" ? "gridAddRow" : "gridAddCol", { number: number + 1 });
  const names = { "data-kind": kind, "data-name": `+${kind}/${number}`, "aria-label": label, title: label };
  const button = make("button", { type: "button", class: "grid-plus", ...names, onclick }, "+");
  place(button, pointAt(grid.frame, kind === "rows" ? [edge, middle] : [middle, edge]), size);
  return button;
}

/**
 * Puts a button at a point of the page.
 * @param {HTMLElement} button
 * @param {Point} point
 * @param {{width: number, height: number}} size of the page
 */
export function place(button, [x, y], { width, height }) {
  button.style.left = `${(100 * x) / width}%`;
  button.style.top = `${(100 * y) / height}%`;
}
