// The lines of a table's grid, as shares of its height and width; a slanting table has its own directions. Pure.

import { outlineOf } from "../reading/blocks.js";

/** White space that two lines leave at least, as a share. */
export const LEAST = 0.004;

/**
 * The grid of a table.
 * @typedef {{frame: number[][], rows: number[], cols: number[]}} Grid the corners of the table, and where its lines are
 *   from 0 to 1, the outer ones included
 */

/**
 * The grid of a block with a table, or null where nobody knows where it is.
 * @param {Result} result
 */
export function gridOf(result, block) {
  const { table } = block;
  const frame = outlineOf(result, block);
  const known = frame && table.cells.every(({ polygon }) => polygon?.length === 4);
  if (!known) {
    return null;
  }
  const spans = table.cells.map((cell) => ({ cell, ...sharesOf(frame, cell.polygon) }));
  const rows = edges(
    table.rows,
    spans.map(({ cell, top, bottom }) => [cell.row, cell.row + cell.row_span, top, bottom]),
  );
  const cols = edges(
    table.cols,
    spans.map(({ cell, left, right }) => [cell.col, cell.col + cell.col_span, left, right]),
  );
  return { frame, rows, cols };
}

/**
 * Where a point of the page is in a frame: shares of its width and height.
 * @param {Polygon} frame
 * @param {Point} point
 */
export function shareOf([a, b, , d], [x, y]) {
  const [ux, uy] = [b[0] - a[0], b[1] - a[1]];
  const [vx, vy] = [d[0] - a[0], d[1] - a[1]];
  const area = ux * vy - uy * vx || 1;
  const [px, py] = [x - a[0], y - a[1]];
  return [(px * vy - py * vx) / area, (ux * py - uy * px) / area];
}

/**
 * The point of the page at these shares of a frame.
 * @param {Polygon} frame
 * @param {number[]} at
 */
export function pointAt([a, b, , d], [s, t]) {
  const round = (value) => Math.round(value * 10) / 10;
  return [round(a[0] + s * (b[0] - a[0]) + t * (d[0] - a[0])), round(a[1] + s * (b[1] - a[1]) + t * (d[1] - a[1]))];
}

/** The corners of the part of a frame between these shares. */
export function cornersOf(frame, left, top, right, bottom) {
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ].map((at) => pointAt(frame, at));
}

/**
 * The range of shares that a polygon takes up.
 * @param {Polygon} polygon
 */
export function sharesOf(frame, polygon) {
  const points = polygon.map((point) => shareOf(frame, point));
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

/** Which interval of lines a share is in; what is outside belongs to the nearest. */
export function intervalAt(lines, share) {
  const at = lines.findLastIndex((line) => line <= share);
  return Math.min(lines.length - 2, Math.max(0, at));
}

/** Keeps a share between two lines. */
export function between(share, low, high) {
  return Math.min(high - LEAST, Math.max(low + LEAST, share));
}

// Every line is where the cells beside it end and begin, on average; where none does, between its neighbours.
function edges(count, spans) {
  const found = Array.from({ length: count + 1 }, () => []);
  for (const [first, last, low, high] of spans) {
    found[first].push(low);
    found[last].push(high);
  }
  const lines = found.map((all) => (all.length ? all.reduce((sum, one) => sum + one, 0) / all.length : null));
  lines[0] ??= 0;
  lines[count] ??= 1;
  for (let at = 1; at < count; at += 1) {
    const next = lines.findIndex((line, place) => place > at && line !== null);
    lines[at] ??= lines[at - 1] + (lines[next] - lines[at - 1]) / (next - at + 1);
    lines[at] = Math.max(lines[at], lines[at - 1] + LEAST);
  }
  lines[count] = Math.max(lines[count], lines[count - 1] + LEAST);
  return lines;
}
