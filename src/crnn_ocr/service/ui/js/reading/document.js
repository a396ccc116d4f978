// Readings with their edits as the server takes them (`POST /export`), and the names of files. Pure.

import { stem } from "../core/files.js";
import { charsOf, linesOf } from "./result.js";

/**
 * A reading as a document.
 * @param {Result} result
 * @param {{chars?: boolean}} how `chars`: with all characters and their places, as far as nobody has edited them
 */
export function documentOf(result, { chars = false } = {}) {
  const pages = result.pages.map((page, index) => pageOf(page, linesOf(result, index).lines, chars));
  return { model: result.model, layout: result.layout ?? "lines", pages };
}

/** Several readings as one document, whose pages are those of all. */
export function joinedDocument(results, how) {
  const documents = results.map((result) => documentOf(result, how));
  let before = 0;
  const pages = documents.flatMap(({ pages: own }) => {
    const moved = own.map((page, index) => renumbered(page, own, before, before + index + 1));
    before += own.length;
    return moved;
  });
  const layout = documents.some((document) => document.layout === "blocks") ? "blocks" : "lines";
  return { model: documents[0]?.model ?? "", layout, pages };
}

/** The file name for the export of these readings. */
export function exportName(readings, suffix) {
  const base = readings.length === 1 ? stem(readings[0].name) : "crnn-ocr";
  // Control characters and what file systems forbid.
  return base.replace(/[\p{Cc}<>:"/\\|?*]+/gu, "_") + suffix;
}

// Lines whose text has been deleted are gone, and with them the blocks that held nothing else.
function pageOf(page, lines, chars) {
  const places = new Map();
  lines.forEach((line, place) => line.text.trim() !== "" && places.set(place, places.size));
  const kept = (own) => own.filter((place) => places.has(place)).map((place) => places.get(place));
  const blocks = page.structure?.map((block) => ({
    ...block,
    lines: kept(block.lines),
    ...(block.table
      ? { table: { ...block.table, cells: block.table.cells.map((cell) => cellOf(cell, lines, kept)) } }
      : {}),
  }));
  const { number, width, height, dpi, rotation, origin, warnings, error } = page;
  return {
    number,
    width,
    height,
    dpi,
    rotation,
    origin,
    lines: lines.filter((_, place) => places.has(place)).map((line) => lineOf(line, chars)),
    blocks: blocks?.filter(
      ({ lines: own, table }, index) => table || own.length > 0 || page.structure[index].lines.length === 0,
    ),
    warnings,
    error,
  };
}

function cellOf(cell, lines, kept) {
  const own = kept(cell.lines);
  const text = cell.lines
    .map((place) => lines[place].text)
    .filter((one) => one.trim() !== "")
    .join("\n");
  return { ...cell, lines: own, text };
}

/** @param {Line} line */
function lineOf(line, chars) {
  const { text, confidence, polygon } = line;
  return chars ? { text, confidence, polygon, chars: charsOf(line) } : { text, confidence, polygon };
}

// A table that continues one of an earlier page names it by the number of that page.
function renumbered(page, own, before, number) {
  const moved = (id) => {
    const [, old, rest] = /^p(\d+)(\..*)$/.exec(id) ?? [];
    const at = own.findIndex((other) => String(other.number) === old);
    return at < 0 ? null : `p${before + at + 1}${rest}`;
  };
  const blocks = page.blocks?.map((block) =>
    block.table?.continues_from
      ? { ...block, table: { ...block.table, continues_from: moved(block.table.continues_from) } }
      : block,
  );
  return { ...page, number, blocks };
}
