// What the server is busy with, out of its metrics in Prometheus' text format.

import { getText } from "./request.js";

const FIGURES = {
  readings: "crnn_ocr_queue_requests",
  busy: "crnn_ocr_cores_busy",
  cores: "crnn_ocr_cores",
};

/** Resolves to how many readings share how many cores, or to null where the server does not tell. */
export async function askForWork() {
  try {
    const text = await getText("/metrics");
    const figures = Object.entries(FIGURES).map(([name, metric]) => [name, sumOf(text, metric)]);
    return figures.every(([, value]) => value !== null) ? Object.fromEntries(figures) : null;
  } catch {
    return null;
  }
}

// A metric has one row, or one for each set of labels.
function sumOf(text, metric) {
  const rows = text.split("\n").filter((row) => row.startsWith(`${metric} `) || row.startsWith(`${metric}{`));
  return rows.length > 0 ? rows.reduce((sum, row) => sum + Number(row.slice(row.lastIndexOf(" ") + 1)), 0) : null;
}
