// Lines of text are parted where a line of the grid goes through them, and whole again where it has gone. Pure.

import { isUnsure } from "../reading/result.js";

/** The lines of a table as they were read: parts that nobody has edited are one line again. */
export function wholeLines(lines) {
  const parts = new Map(); // whole line → its parts
  for (const line of lines.filter(({ whole }) => whole)) {
    parts.set(line.whole, [...(parts.get(line.whole) ?? []), line]);
  }
  const intact = (whole) =>
    parts.get(whole).every(({ text, part, checked }) => text === part && checked === whole.checked);
  const given = new Set();
  return lines.flatMap((line) => {
    if (!line.whole || !intact(line.whole)) {
      return [line];
    }
    const first = !given.has(line.whole);
    given.add(line.whole);
    return first ? [line.whole] : [];
  });
}

/**
 * Parts a line among places: every character goes where its middle is.
 * @param {Line} line
 * @param {(point: number[]) => number} placeOf the number of the place of a point of the page
 * @returns {{place: number, line: Line}[]}
 */
export function parted(line, placeOf) {
  const chars = [...line.text];
  const middle = (polygon) =>
    [0, 1].map((axis) => polygon.reduce((sum, point) => sum + point[axis], 0) / polygon.length);
  if (line.original === "" || chars.length < 2) {
    return [{ place: placeOf(middle(line.polygon)), line }];
  }
  const polygons = polygonsOf(line, chars.length);
  const runs = [];
  chars.forEach((char, index) => {
    // White space goes with what is before it.
    const place = char.trim() === "" && runs.length > 0 ? runs.at(-1).place : placeOf(middle(polygons[index]));
    if (runs.at(-1)?.place !== place) {
      runs.push({ place, start: index });
    }
    runs.at(-1).end = index + 1;
  });
  if (runs.length < 2) {
    return [{ place: runs[0].place, line }];
  }
  return runs
    .map(({ place, start, end }) => ({ place, line: partOf(line, chars, polygons, start, end) }))
    .filter((run) => run.line.text !== "");
}

/** @param {Line} line */
function partOf(line, chars, polygons, from, to) {
  let [start, end] = [from, to];
  while (start < end && chars[start].trim() === "") {
    start += 1;
  }
  while (end > start && chars[end - 1].trim() === "") {
    end -= 1;
  }
  const text = chars.slice(start, end).join("");
  const read = line.text === line.original;
  const own = read && line.places ? line.places.subarray(9 * start, 9 * end) : null;
  const marks = read && line.chars.length === chars.length ? line.chars.slice(start, end) : [];
  const doubt = marks.some(isUnsure);
  const [first, last] = [polygons[start] ?? line.polygon, polygons[end - 1] ?? line.polygon];
  return {
    ...line,
    text,
    original: read ? text : "", // of a line that a person has edited nobody knows which part was read
    // The doubt is about the part that holds it, where that is known.
    confidence: own && !doubt ? Math.max(line.confidence, least(own)) : line.confidence,
    polygon: [first[0], last[1], last[2], first[3]],
    chars: doubt ? marks : [],
    places: own,
    whole: line,
    part: text,
  };
}

function least(places) {
  return places.filter((_, at) => at % 9 === 0).reduce((low, one) => Math.min(low, one), 1);
}

/**
 * Where the characters are: as they were read, or side by side in equal widths.
 * @param {Line} line
 */
function polygonsOf(line, count) {
  if (line.text === line.original && line.places?.length === 9 * count) {
    return Array.from({ length: count }, (_, index) => {
      const at = line.places.subarray(9 * index + 1, 9 * index + 9);
      return [0, 2, 4, 6].map((corner) => [at[corner], at[corner + 1]]);
    });
  }
  const [a, b, c, d] = line.polygon;
  const along = (from, to, share) => [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
  return Array.from({ length: count }, (_, index) => {
    const [low, high] = [index / count, (index + 1) / count];
    return [along(a, b, low), along(a, b, high), along(d, c, high), along(d, c, low)];
  });
}
