// An answer of the server as the page works with it: pages, and lines that can be edited.

/** From here on a character counts as unsure (docs/recheck.md: where doubt begins). */
export const UNSURE_BELOW = 0.9;
const FAIR_BELOW = 0.9;
const POOR_BELOW = 0.7;

/**
 * Takes an answer of POST /ocr apart.
 * @returns {{pages: object[], lines: object[], model: string, elapsed: number, cached: boolean, requestId: string,
 *   warnings: object[]}} lines of all pages in reading order, each with the index of its page
 */
export function resultOf(answer) {
  const pages = (answer.pages ?? [answer]).map((page, index) => ({
    number: page.number ?? index + 1,
    width: page.width,
    height: page.height,
    warnings: page.warnings ?? [],
    structure: page.blocks ?? null,
    blocks: page.blocks?.map((block) => block.lines.length) ?? null,
    rotation: page.rotation ?? 0,
    dpi: page.dpi ?? null,
    origin: page.origin ?? "ocr",
    error: page.error ?? null,
    turn: turnOf(page),
    lines: page.lines.map((line) => lineOf(line, index)),
  }));
  const lines = pages.flatMap((page) => page.lines);
  return {
    pages: pages.map(({ lines: own, ...page }) => ({ ...page, first: lines.indexOf(own[0]), count: own.length })),
    lines,
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
  return { text, original: text, confidence, polygon, page, chars: wanted ? chars : [] };
}

/** The lines of one page, and the index of the first among all. */
export function linesOf(result, page) {
  const { first, count } = result.pages[page];
  return { first, lines: count ? result.lines.slice(first, first + count) : [] };
}

/** The result with one line's text replaced. */
export function withText(result, index, text) {
  if (!(index in result.lines)) {
    return result;
  }
  const lines = result.lines.slice();
  lines[index] = { ...lines[index], text };
  return { ...result, lines };
}

/** A new result that keeps the edits of an older one, line by line where it read the same. */
export function keepEdits(fresh, old) {
  const edits = new Map(
    (old?.lines ?? []).filter((line) => line.text !== line.original).map((line) => [placeOf(line), line.text]),
  );
  if (edits.size === 0) {
    return fresh;
  }
  return { ...fresh, lines: fresh.lines.map((line) => ({ ...line, text: edits.get(placeOf(line)) ?? line.text })) };
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

function placeOf({ page, original, polygon }) {
  return JSON.stringify([page, original, polygon[0]]);
}
