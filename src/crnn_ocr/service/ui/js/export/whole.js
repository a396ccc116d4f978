// All pages of a document that is read in the background: the server has them, the page only what it shows.

import { resultOf } from "../background/requests.js";
import { HAS_RESULT } from "../background/state.js";
import { exportName } from "../reading/document.js";
import { exportFile } from "../server/request.js";
import { t } from "../words/words.js";

/**
 * Whether all pages can be written: the job has been read to its end.
 * @param {Job} job
 */
export function hasWhole(job) {
  return HAS_RESULT.has(job?.background?.state);
}

/**
 * The choices between the whole document and the shown page: value, words, and whether there is nothing to write.
 * @param {Job} job
 */
export function scopesOf(job) {
  const { count, at } = job.background;
  return [
    ["document", hasWhole(job) ? t("scopeDocument", { count }) : t("scopeLater"), !hasWhole(job)],
    ["page", t("scopePage", { number: at + 1 }), !job.result],
  ];
}

/**
 * The shown page as a reading of its own: it has a name with its number, and no file.
 * @param {Job} job
 */
export function pageAlone(job) {
  if (!job?.background) {
    return job;
  }
  const name = job.name.replace(/(\.[^.]{1,5})?$/, ` - ${job.background.at + 1}$1`);
  return { ...job, name, file: new Blob([]) };
}

/** Whether the whole document can be written in a format: the job has done so, or it is made of what the job tells. */
export function isWholePossible(format, { background }) {
  return background.formats.includes(format.name) || (!format.needsFile && background.files.length === 1);
}

/**
 * Lets the server write the whole document; resolves to its name and content.
 * @param {Job} job
 */
export async function writtenWhole(job, format) {
  const { id, formats } = job.background;
  if (formats.includes(format.name)) {
    return resultOf(id, format.name);
  }
  const { content } = await resultOf(id, "json");
  const written = await exportFile(JSON.parse(await content.text()), format.name);
  const suffix = written.type === "application/zip" ? `${format.suffix}.zip` : format.suffix;
  return { name: exportName([job], suffix), content: written };
}
