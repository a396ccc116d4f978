// The formats on offer, and writing readings in them: the server does that, from the documents with their edits.

import { documentOf, exportName, joinedDocument } from "../reading/document.js";
import { Problem } from "../server/problem.js";
import { exportFile } from "../server/request.js";
import { distinct, zipOf } from "./zip.js";

// What every server writes; the others are learned from its schema.
const BASIC = { text: ".txt", markdown: ".md", html: ".html", json: ".json" };

/** In which order the formats are offered, and under which heading; others stand last. */
const GROUPS = {
  office: ["docx", "xlsx", "pdf"],
  text: ["markdown", "html", "text"],
  data: ["json", "csv", "tsv", "hocr", "alto", "page-xml", "svg", "png", "webp", "report"],
};

// The first show the picture itself; in the others figures are parts of it.
const SHOW_PICTURE = ["svg", "png", "webp", "report"];
const SHOW_FIGURES = ["docx", "html", "markdown"];
const MOST_WAITS = 5; // how often a busy server is asked again

/**
 * The formats that the server's schema names.
 * @returns {{group: string, formats: {name: string, suffix: string, title?: string, needsFile: boolean}[]}[]}
 */
export function formatGroups(schema) {
  const writers = schema?.["x-export-writers"] ?? {};
  const named = Array.isArray(schema?.["x-export-formats"]) ? schema["x-export-formats"] : Object.keys(BASIC);
  const known = named.filter((name) => Object.hasOwn(writers, name) || Object.hasOwn(BASIC, name));
  const formatOf = (name) => ({
    name,
    suffix: writers[name]?.suffix ?? BASIC[name],
    title: writers[name]?.title,
    needsFile: writers[name]?.needs_original === true,
  });
  const grouped = Object.values(GROUPS).flat();
  const rest = known.filter((name) => !grouped.includes(name));
  return Object.entries({ ...GROUPS, other: rest })
    .map(([group, names]) => ({ group, formats: names.filter((name) => known.includes(name)).map(formatOf) }))
    .filter(({ formats }) => formats.length > 0);
}

/**
 * Whether a format can be written of a reading: a searchable PDF is made of the picture, which may be gone.
 * @param {Job} job
 */
export function isPossible(format, job) {
  return !format.needsFile || job.file.size > 0;
}

/**
 * Lets the server write one reading; resolves to a Blob.
 * @param {Job} job
 */
export function written(job, format) {
  const figures = job.result.pages.some((page) => page.structure?.some((block) => block.type === "figure"));
  const needed =
    format.needsFile || SHOW_PICTURE.includes(format.name) || (figures && SHOW_FIGURES.includes(format.name));
  const file = needed && job.file.size > 0 ? job.file : null;
  return patiently(() => exportFile(documentOf(job.result, { chars: true }), format.name, file, job.options));
}

/**
 * Lets the server write readings.
 * @param {Job[]} jobs
 * @param {object} format
 * @param {{together: boolean, onDone: (count: number) => void}} how `together`: as one document, else one file each,
 *   in an archive; `onDone` hears how many are written
 * @returns {Promise<{name: string, content: Blob}>}
 */
export async function writtenAll(jobs, format, { together, onDone }) {
  if (jobs.length === 1 || together) {
    const results = jobs.map((job) => job.result);
    const content =
      jobs.length === 1
        ? await written(jobs[0], format)
        : await patiently(() => exportFile(joinedDocument(results, { chars: true }), format.name));
    return { name: exportName(jobs, suffixOf(format, content)), content };
  }
  const files = [];
  for (const job of jobs) {
    const content = await written(job, format);
    files.push({ name: exportName([job], suffixOf(format, content)), content });
    onDone(files.length);
  }
  const names = distinct(files.map(({ name }) => name));
  return {
    name: "crnn-ocr.zip",
    content: await zipOf(files.map(({ content }, index) => ({ name: names[index], content }))),
  };
}

// A format of several files, such as one for each table, comes as an archive.
function suffixOf({ suffix }, { type }) {
  return type === "application/zip" ? `${suffix}.zip` : suffix;
}

async function patiently(send, waits = 0) {
  try {
    return await send();
  } catch (problem) {
    if (!(problem instanceof Problem) || !problem.passing || waits >= MOST_WAITS) {
      throw problem;
    }
    await new Promise((resolve) => setTimeout(resolve, problem.retryAfter * 1000));
  }
  return patiently(send, waits + 1);
}
