// What a reading can be saved as. Pure functions from results to text; edits of the user are in them.

import { stem } from "../core/files.js";
import { linesOf } from "./result.js";
import { paragraphsOf } from "./paragraphs.js";

/** What the page can write itself, of several readings together too, by name, and what the file is called. */
export const FORMATS = {
  text: { suffix: ".txt", type: "text/plain;charset=utf-8", write: (readings, how) => readings.map((one) => titled(one, readings, how)).join("\n") },
  markdown: { suffix: ".md", type: "text/markdown;charset=utf-8", write: (readings, how) => readings.map((one) => markdownOf(one, how)).join("\n") },
  json: { suffix: ".json", type: "application/json", write: jsonOf },
  csv: { suffix: ".csv", type: "text/csv;charset=utf-8", write: csvOf },
};

// Of these the page knows more than the server: rows joined or not, and what a line said before it was edited.
const OWN = ["text", "json"];

/**
 * The formats on offer: those that the server's schema names and that the page or the server can write; without a
 * schema all of the page.
 * @returns {{name: string, suffix: string, title?: string, needs_original?: boolean}[]} those with a title are
 *   written by the server
 */
export function formatsOf(schema) {
  const named = schema?.["x-export-formats"];
  const written = schema?.["x-export-writers"] ?? {};
  const names = Array.isArray(named) ? named : Object.keys(FORMATS);
  return names
    .filter((name) => Object.hasOwn(FORMATS, name) || Object.hasOwn(written, name))
    .map((name) => ({ name, ...(OWN.includes(name) ? FORMATS[name] : written[name] ?? FORMATS[name]) }));
}

/** A reading with its edits as the server takes it (`POST /export`). */
export function documentOf({ result }) {
  const pages = result.pages.map((page, index) => ({
    number: page.number,
    width: page.width,
    height: page.height,
    dpi: page.dpi,
    rotation: page.rotation,
    origin: page.origin,
    lines: linesOf(result, index).lines.map(({ text, confidence, polygon }) => ({ text, confidence, polygon })),
    blocks: page.structure,
    warnings: page.warnings,
    error: page.error,
  }));
  return { model: result.model, layout: result.layout ?? "lines", pages };
}

/** The text of one reading; pages are separated by an empty row. */
export function textOf(result, { joined = false } = {}) {
  return result.pages.map((_, page) => pageTexts(result, page, joined).join("\n")).join("\n\n");
}

/** The rows of one page: its lines, or its paragraphs. */
export function pageTexts(result, page, joined) {
  const { lines } = linesOf(result, page);
  return joined ? paragraphsOf(lines, result.pages[page].blocks) : lines.map((line) => line.text);
}

/** The file name for the export of these readings. */
export function exportName(readings, { suffix }) {
  const base = readings.length === 1 ? stem(readings[0].name) : "crnn-ocr";
  // Control characters and what file systems forbid.
  return base.replace(/[\u0000-\u001f\u007f<>:"/\\|?*]+/g, "_") + suffix;
}

function titled({ name, result }, readings, how) {
  const text = `${textOf(result, how)}\n`;
  return readings.length > 1 ? `==> ${name} <==\n${text}` : text;
}

function markdownOf({ name, result }, { joined }) {
  const parts = [`# ${escapeMarkdown(name)}`];
  result.pages.forEach((page, index) => {
    if (result.pages.length > 1) {
      parts.push(`## ${page.number}`);
    }
    const texts = pageTexts(result, index, joined).map(escapeMarkdown);
    if (texts.length > 0) {
      // Two blanks at a row's end keep it a row of its own.
      parts.push(joined ? texts.join("\n\n") : texts.join("  \n"));
    }
  });
  return `${parts.join("\n\n")}\n`;
}

function escapeMarkdown(text) {
  return text
    .replace(/[\\`*_[\]<>|~&]/g, "\\$&")
    .replace(/^(\s*)([#+\-=])/, "$1\\$2")
    .replace(/^(\s*\d+)([.)])/, "$1\\$2")
    .replace(/\t/g, "    ");
}

function jsonOf(readings) {
  const values = readings.map(({ name, result }) => ({
    source: name,
    text: textOf(result),
    model: result.model,
    pages: result.pages.map((page, index) => ({
      number: page.number,
      width: page.width,
      height: page.height,
      text: pageTexts(result, index, false).join("\n"),
      lines: linesOf(result, index).lines.map(lineEntry),
      warnings: page.warnings,
    error: page.error,
    })),
  }));
  return `${JSON.stringify(values.length === 1 ? values[0] : values, null, 2)}\n`;
}

function lineEntry({ text, original, confidence, polygon }) {
  const entry = { text, confidence, polygon };
  return text === original ? entry : { ...entry, original };
}

function csvOf(readings) {
  const rows = [["file", "page", "line", "text", "confidence", "polygon"]];
  for (const { name, result } of readings) {
    result.pages.forEach((page, index) => {
      linesOf(result, index).lines.forEach((line, number) => {
        const polygon = line.polygon.map((point) => point.join(" ")).join(" ");
        rows.push([name, page.number, number + 1, line.text, line.confidence, polygon]);
      });
    });
  }
  // The mark at the start tells spreadsheets that this is UTF-8.
  return `\ufeff${rows.map((row) => row.map(csvField).join(",")).join("\r\n")}\r\n`;
}

// RFC 4180; text that a spreadsheet would take for a formula is made text by an apostrophe.
function csvField(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
