// Where a page lies in the window: scale, position and turn. Pure arithmetic, in CSS pixels.

const LARGEST = 16; // CSS pixels per pixel of the page
const MARGIN = 12;
const READABLE = 44; // CSS pixels of the height of a line that is looked at closely …
const LEGIBLE = 30; // … and the least of one that has no room as a whole

/**
 * A view of a page.
 * @typedef {{scale: number, left: number, top: number, turn: number}} View left and top of the turned page
 * @typedef {{width: number, height: number}} Size
 */

/** The size of a page after its turn. */
export function turnedSize({ width, height }, turn) {
  return turn % 180 === 0 ? { width, height } : { width: height, height: width };
}

/** The view in which the whole page can be seen; small pages are not enlarged beyond twice. */
export function fit(page, frame, turn) {
  const size = turnedSize(page, turn);
  const room = { width: Math.max(1, frame.width - 2 * MARGIN), height: Math.max(1, frame.height - 2 * MARGIN) };
  const scale = Math.min(room.width / size.width, room.height / size.height, 2);
  return place({ scale, left: 0, top: 0, turn }, page, frame);
}

/** The view that shows the full width, from the top: for long pages, which fit as a whole only too small. */
export function fitWidth(page, frame, turn) {
  const size = turnedSize(page, turn);
  const scale = Math.min((frame.width - 2 * MARGIN) / size.width, 1);
  return place({ scale, left: 0, top: MARGIN, turn }, page, frame);
}

/** Scales by a factor; the point of the page under (x, y) stays where it is. */
export function zoomAt(view, factor, x, y, page, frame) {
  const least = Math.min(fit(page, frame, view.turn).scale / 2, 1);
  const scale = Math.min(LARGEST, Math.max(least, view.scale * factor));
  const ratio = scale / view.scale;
  return place({ ...view, scale, left: x - (x - view.left) * ratio, top: y - (y - view.top) * ratio }, page, frame);
}

/** Moves the page. */
export function pan(view, dx, dy, page, frame) {
  return place({ ...view, left: view.left + dx, top: view.top + dy }, page, frame);
}

/** Moves the page no further than needed to bring a polygon of the page into the window. */
export function bringIntoView(view, polygon, page, frame) {
  const points = polygon.map(([x, y]) => toFrame(view, x, y, page));
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const dx = shift(Math.min(...xs), Math.max(...xs), frame.width);
  const dy = shift(Math.min(...ys), Math.max(...ys), frame.height);
  return dx || dy ? pan(view, dx, dy, page, frame) : view;
}

/** The view in which a line can be read closely: all of it where it has room, else the part that matters. */
export function closeUp(view, polygon, part, page, frame) {
  const line = spanOf(polygon, page, view.turn);
  const side = ([x, y], [u, v]) => Math.hypot(x - u, y - v);
  const height = Math.min(side(polygon[0], polygon[1]), side(polygon[0], polygon[3])); // of a slanting line its frame is higher
  const most = Math.max(READABLE / height, fit(page, frame, view.turn).scale);
  const whole = (frame.width - 4 * MARGIN) / line.width;
  const scale = Math.min(LARGEST, Math.max(Math.min(most, whole), LEGIBLE / height), frame.height / 2 / height);
  const { x, y } = scale > whole ? spanOf(part ?? polygon, page, view.turn) : line;
  return place({ ...view, scale, left: frame.width / 2 - x * scale, top: frame.height / 2 - y * scale }, page, frame);
}

/** Size and middle of a polygon on the turned page. */
export function spanOf(polygon, page, turn) {
  const points = polygon.map(([x, y]) => turned(x, y, page, turn));
  const [left, right] = [Math.min(...points.map(([x]) => x)), Math.max(...points.map(([x]) => x))];
  const [top, bottom] = [Math.min(...points.map(([, y]) => y)), Math.max(...points.map(([, y]) => y))];
  return { width: right - left, height: bottom - top, x: (left + right) / 2, y: (top + bottom) / 2 };
}

// Where a point of the page lies in the window.
function toFrame(view, x, y, page) {
  const [u, v] = turned(x, y, page, view.turn);
  return { x: view.left + u * view.scale, y: view.top + v * view.scale };
}

/** The CSS that puts the unturned sheet, whose corner is the origin, into place. */
export function transformOf(view, page) {
  const corner = { 0: [0, 0], 90: [page.height, 0], 180: [page.width, page.height], 270: [0, page.width] }[view.turn];
  const x = view.left + corner[0] * view.scale;
  const y = view.top + corner[1] * view.scale;
  return `translate(${x}px, ${y}px) rotate(${view.turn}deg)`;
}

function turned(x, y, page, turn) {
  return { 0: [x, y], 90: [page.height - y, x], 180: [page.width - x, page.height - y], 270: [y, page.width - x] }[
    turn
  ];
}

// A side that fits is centred; one that does not may not be pulled off its edges.
function place(view, page, frame) {
  const size = turnedSize(page, view.turn);
  return {
    ...view,
    left: along(view.left, size.width * view.scale, frame.width),
    top: along(view.top, size.height * view.scale, frame.height),
  };
}

function along(start, length, room) {
  if (length <= room - 2 * MARGIN) {
    return (room - length) / 2;
  }
  return Math.min(MARGIN, Math.max(room - length - MARGIN, start));
}

// How far to move so that a span lies inside; of one that is too long, its beginning.
function shift(low, high, room) {
  if (low >= MARGIN && high <= room - MARGIN) {
    return 0;
  }
  return low < MARGIN || high - low > room - 2 * MARGIN ? MARGIN - low : room - MARGIN - high;
}
