// A job of the server as the page works with it. Pure.

import { Problem } from "../server/problem.js";

/** States in which nothing happens any more. */
export const OVER = new Set(["succeeded", "partial", "failed", "cancelled", "expired"]);

/** States in which there are results. */
export const HAS_RESULT = new Set(["succeeded", "partial"]);

/**
 * What the server tells about a job, with what is known of its pages already.
 * @param {object} answer of GET /jobs/ID
 * @param {BackgroundJob | null} [before]
 */
export function stateOf(answer, before = null) {
  const { id, state, created, finished, expires, formats, options, files, position, sequence, error } = answer;
  const total = answer.pages_total ?? files.reduce((sum, file) => sum + (file.pages ?? 0), 0);
  return placed({
    id,
    state,
    created: Date.parse(created),
    finished: finished === null ? null : Date.parse(finished),
    expires: expires === null ? null : Date.parse(expires),
    formats,
    options,
    files,
    name: files.length === 1 ? files[0].name : `${files[0].name} +${files.length - 1}`,
    size: files.reduce((sum, file) => sum + file.size, 0),
    total,
    done: answer.pages_done,
    failed: answer.pages_failed,
    position,
    sequence,
    error: error ?? files.find((file) => file.error !== null)?.error ?? null,
    place: before?.place ?? null,
    trouble: before?.trouble ?? null, // why nothing has been heard of it lately
    pages: before?.pages ?? [],
    at: before?.at ?? 0,
  });
}

/**
 * The same with pages that have changed.
 * @param {BackgroundJob} background
 * @param {BackgroundPage[]} changes
 */
export function withPages(background, changes) {
  const pages = new Map(background.pages.map((page) => [`${page.file}/${page.number}`, page]));
  for (const { file, number, state, error } of changes) {
    pages.set(`${file}/${number}`, { file, number, state, error });
  }
  return placed({ ...background, pages: [...pages.values()].sort((a, b) => a.file - b.file || a.number - b.number) });
}

/**
 * The same with another page shown.
 * @param {BackgroundJob} background
 * @param {number} at
 */
export function withPlace(background, at) {
  return placed({ ...background, at: Math.min(Math.max(0, at), Math.max(0, background.count - 1)) });
}

/**
 * `place` stays the same object while it is the same page, so that a picture is not drawn anew.
 * @param {Omit<BackgroundJob, "count">} background
 * @returns {BackgroundJob}
 */
function placed(background) {
  const count = Math.max(background.pages.length, background.total);
  const page = background.pages[background.at];
  const same =
    page && background.place && page.file === background.place.file && page.number === background.place.number;
  return {
    ...background,
    count,
    place: same ? background.place : page ? { file: page.file, number: page.number } : null,
  };
}

/**
 * How the item on the page stands that shows it.
 * @param {BackgroundJob} background
 * @returns {JobStatus}
 */
export function statusOf({ state }) {
  return HAS_RESULT.has(state) ? "done" : state === "cancelled" ? "cancelled" : OVER.has(state) ? "failed" : "reading";
}

/**
 * Why it has come to nothing, or null.
 * @param {BackgroundJob} background
 */
export function problemOf({ state, error }) {
  if (state === "expired") {
    return new Problem("JOB_EXPIRED");
  }
  return state === "failed" ? problemFrom(error) : null;
}

/**
 * What stands in the place of the shown page's result, or null where its result does.
 * @param {BackgroundJob} background
 * @returns {Note | null}
 */
export function noteOf(background) {
  const { state, pages, at, position } = background;
  const problem = problemOf(background);
  if (problem) {
    return { problem, retry: false };
  }
  if (state === "cancelled") {
    return { symbol: "stop", words: "backgroundCancelled" };
  }
  const page = pages[at];
  if (!page) {
    return position > 0
      ? { symbol: "clock", words: "backgroundQueued", values: { position } }
      : { symbol: "clock", words: "backgroundCounting" };
  }
  if (page.state === "failed") {
    return { problem: problemFrom(page.error), retry: false };
  }
  return page.state === "done"
    ? null
    : { symbol: "clock", words: page.state === "running" ? "pageRunning" : "pageQueued" };
}

function problemFrom(error) {
  return new Problem(error?.code ?? "JOB_FAILED", { message: error?.message ?? "", hint: error?.hint ?? "" });
}
