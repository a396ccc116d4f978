// An answer of the server as the page works with it: pages, and lines that can be edited.

import { withCell } from "./changes.js";

/** From here on a character counts as unsure (docs/recheck.md: where doubt begins). */
export const UNSURE_BELOW = 0.9;
const FAIR_BELOW = 0.9;
const POOR_BELOW = 0.7;

/**
 * Takes an answer of POST /ocr apart.
 * @returns {Result}
 */
export function resultOf(answer) {
  const given = answer.pages ?? [answer];
  let first = 0;
  const pages = given.map((page, index) => {
    const own = {
      number: page.number ?? index + 1,
      width: page.width,
      height: page.height,
      warnings: page.warnings ?? [],
      structure: page.blocks ?? null,
      rotation: page.rotation ?? 0,
      dpi: page.dpi ?? null,
      origin: page.origin ?? "ocr",
      error: page.error ?? null,
      turn: turnOf(page),
      first,
      count: page.lines.length,
    };
    first += own.count;
    return own;
  });
  return {
    pages,
    lines: given.flatMap((page, index) => page.lines.map((line) => lineOf(line, index))),
    model: answer.model,
    layout: answer.layout ?? "lines",
    elapsed: answer.elapsed_ms,
    cached: answer.cached === true,
    requestId: answer.request_id,
    warnings: answer.warnings ?? [],
  };
}

// Columns of Chinese are read lying on their left side, which the server tells as a turn of 270 degrees; their
// characters stand upright all the same. Latin text does not come in columns, so there the page really lies.
function turnOf({ rotation = 0, lines }) {
  const text = lines.map((line) => line.text).join("");
  const latin = text.match(/\p{Script=Latin}/gu)?.length ?? 0;
  return rotation === 270 && 2 * latin < text.length ? 0 : rotation;
}

function lineOf({ text, confidence, polygon, chars }, page) {
  // Marks are only drawn where the characters are exactly those of the line; sure lines need none of them.
  const fits = Array.isArray(chars) && chars.map((char) => char.text).join("") === text;
  const wanted = fits && chars.some((char) => char.confidence < UNSURE_BELOW);
  return {
    text,
    original: text,
    confidence,
    polygon,
    page,
    chars: wanted ? chars : [],
    places: fits ? placesOf(text, chars) : null,
  };
}

// Confidence and corners of all characters, for formats with words and their places. As numbers in a row they take a
// tenth of the memory of objects, which counts with hundreds of files.
function placesOf(text, chars) {
  const plain = [...text];
  if (plain.length !== chars.length || chars.some((char, index) => char.text !== plain[index])) {
    return null;
  }
  return Float32Array.from(chars.flatMap(({ confidence, polygon }) => [confidence, ...polygon.flat()]));
}

/** The characters of a line as the server takes them; none where the line has been edited. */
export function charsOf({ text, original, places, chars }) {
  if (text !== original) {
    return [];
  }
  return places ? [...text].map((char, index) => charAt(char, places.subarray(9 * index, 9 * index + 9))) : chars;
}

function charAt(text, [confidence, ...corners]) {
  const round = (value, steps) => Math.round(value * steps) / steps;
  const polygon = [0, 2, 4, 6].map((at) => [round(corners[at], 10), round(corners[at + 1], 10)]);
  return { text, confidence: round(confidence, 10_000), polygon };
}

/** The lines of one page, and the index of the first among all. */
export function linesOf(result, page) {
  const { first, count } = result.pages[page];
  return { first, lines: result.lines.slice(first, first + count) };
}

/** A new result that keeps the edits of an older one, line by line where it read the same. */
export function keepEdits(fresh, old) {
  const edits = new Map(
    (old?.lines ?? [])
      .filter((line) => line.checked || line.text !== line.original)
      .map((line) => [placeOf(line), line]),
  );
  if (edits.size === 0) {
    return fresh;
  }
  const kept = (line) => {
    const { text, checked } = edits.get(placeOf(line)) ?? line;
    return text === line.text && !checked ? line : { ...line, text, checked };
  };
  return withTyped({ ...fresh, lines: fresh.lines.map(kept) }, old);
}

// Lines that a person has typed into a cell were not read: they go into the same cell of the new result.
function withTyped(fresh, old) {
  let result = fresh;
  old.pages.forEach(({ structure, first }, page) => {
    for (const cell of structure?.flatMap((block) => block.table?.cells ?? []) ?? []) {
      const typed = cell.lines.map((place) => old.lines[first + place]).filter(({ original }) => original === "");
      const at = typed.length > 0 ? cellAt(result.pages[page], cell.polygon) : null;
      if (at) {
        const { lines } = result.pages[page].structure[at.block].table.cells[at.cell];
        const read = lines.map((place) => result.lines[result.pages[page].first + place].text);
        result = withCell(result, { page, ...at }, [...read, ...typed.map(({ text }) => text)]);
      }
    }
  });
  return result;
}

function cellAt(page, polygon) {
  const place = JSON.stringify(polygon);
  const cells =
    page?.structure?.map(
      ({ table }) => table?.cells.findIndex((cell) => JSON.stringify(cell.polygon) === place) ?? -1,
    ) ?? [];
  const block = cells.findIndex((cell) => cell >= 0);
  return block < 0 ? null : { block, cell: cells[block] };
}

/** Where each line of an older result is in a new one, by index; lines that are not there any more are left out. */
export function movesOf(old, fresh) {
  const places = new Map(fresh.lines.map((line, index) => [placeOf(line), index]));
  const moves = old.lines.map((line, index) => [index, places.get(placeOf(line))]);
  return new Map(moves.filter(([, to]) => to !== undefined));
}

/** How sure a line is, as a word for style and speech. */
export function levelOf(confidence) {
  return confidence < POOR_BELOW ? "poor" : confidence < FAIR_BELOW ? "fair" : "good";
}

/** Whether somebody should look at a line: it is unsure, and nobody has corrected or accepted it yet. */
export function isDoubtful({ text, original, confidence, chars, checked }) {
  return !checked && text === original && text !== "" && (levelOf(confidence) !== "good" || chars.some(isUnsure));
}

/** Whether a character is unsure; white space is nothing to doubt. */
export function isUnsure({ text, confidence }) {
  return confidence < UNSURE_BELOW && text.trim() !== "";
}

function placeOf({ page, original, polygon }) {
  return JSON.stringify([page, original, polygon[0]]);
}
