// How a line's text is laid over its polygon: pure geometry, in the pixels of the page.

const FACE_HEIGHT = 0.8; // of a box's height, which leaves some air: the line height of css/picture.css is 1 / 0.8
const ALONG = 0.2; // weight of a distance along a line against one across it
const IDEOGRAPHS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu;

/**
 * Where and how large a text stands.
 * @typedef {{size: number, upright: boolean, matrix: number[]}} Fit size of the face; `upright`: a column of upright
 *   characters from top to bottom; matrix as in CSS
 */

/**
 * Fits a text into a polygon whose first corner is its upper left as it is read.
 * @param {string} text
 * @param {number[][]} polygon
 * @param {(text: string) => number} measure the width of a text at a size of one pixel
 * @returns {Fit}
 */
export function fitText(text, polygon, measure) {
  const [a, b, , d] = polygon;
  const along = [b[0] - a[0], b[1] - a[1]];
  const across = [d[0] - a[0], d[1] - a[1]];
  const length = Math.hypot(...along) || 1;
  const thickness = Math.hypot(...across) || 1;
  if (isColumn(text, along, length, thickness)) {
    const xs = polygon.map(([x]) => x);
    const ys = polygon.map(([, y]) => y);
    const width = Math.max(...xs) - Math.min(...xs) || 1;
    const height = Math.max(...ys) - Math.min(...ys);
    const size = width * FACE_HEIGHT;
    const natural = Math.max([...text].length, 1) * size;
    return { size, upright: true, matrix: [1, 0, 0, height / natural, Math.min(...xs), Math.min(...ys)] };
  }
  const size = thickness * FACE_HEIGHT;
  const stretch = length / (Math.max(measure(text), 0.01) * size);
  const [ux, uy] = along.map((part) => (part / length) * stretch);
  const [vx, vy] = across.map((part) => part / thickness);
  return { size, upright: false, matrix: [ux, uy, vx, vy, ...a] };
}

/**
 * How far a point is from a line, 0 inside. What lies beside a line belongs to it rather than to the next one above or
 * below, so distance along the line counts for less than across.
 */
export function distanceTo([a, b, , d], x, y) {
  const beyond = (from, to) => {
    const [ux, uy] = [to[0] - from[0], to[1] - from[1]];
    const length = Math.hypot(ux, uy) || 1;
    const at = ((x - from[0]) * ux + (y - from[1]) * uy) / length;
    return Math.max(-at, 0, at - length);
  };
  return Math.hypot(beyond(a, b) * ALONG, beyond(a, d));
}

/**
 * How far along its line a point is, from 0 at its beginning to 1 at its end.
 * @param {Polygon} polygon
 */
export function shareAlong(text, polygon, x, y) {
  const [a, b, , d] = polygon;
  const along = [b[0] - a[0], b[1] - a[1]];
  const across = [d[0] - a[0], d[1] - a[1]];
  const [length, thickness] = [Math.hypot(...along), Math.hypot(...across)];
  const [ux, uy] = thickness > length && isColumn(text, along, length, thickness) ? across : along;
  const square = ux * ux + uy * uy || 1;
  return Math.min(1, Math.max(0, ((x - a[0]) * ux + (y - a[1]) * uy) / square));
}

/**
 * Chinese in columns: either the line runs downwards, or its polygon is that of the whole column.
 * @param {string} text
 * @param {Point} along
 * @param {number} length
 * @param {number} thickness
 */
function isColumn(text, [x, y], length, thickness) {
  const characters = [...text.replace(/\s/gu, "")].length;
  const ideographs = text.match(IDEOGRAPHS)?.length ?? 0;
  const down = y > Math.abs(x) || (characters > 1 && thickness > 1.8 * length);
  return down && 2 * ideographs > characters;
}
