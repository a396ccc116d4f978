// Undo and redo: of every result that was changed the former ones are kept, as long as nothing is read anew.

import { jobOf, patchJob } from "../jobs/jobs.js";

const MOST = 200; // steps that can be undone; results share all lines that did not change

const NONE = { past: [], future: [] };

/**
 * Gives a job a changed result; `at` is the line that the change is about, or null.
 * @param {Store} store
 */
export function changeResult(store, id, result, at = null) {
  const job = jobOf(store.get(), id);
  if (!job?.result || job.result === result) {
    return false;
  }
  const past = [...editsOf(job).past, { result: job.result, at }].slice(-MOST);
  patchJob(store, id, { result, edits: { past, future: [], now: result } });
  return true;
}

/**
 * Takes the last change back; tells the line that it was about, or undefined where there is nothing to undo.
 * @param {Store} store
 */
export function undo(store, id) {
  return go(store, id, "past", "future");
}

/**
 * Makes a change again that was taken back.
 * @param {Store} store
 */
export function redo(store, id) {
  return go(store, id, "future", "past");
}

/**
 * What can be undone and done again: nothing of a result that was read since.
 * @param {Job | undefined} job
 * @returns {Edits}
 */
export function editsOf(job) {
  return job?.edits?.now === job?.result ? (job?.edits ?? NONE) : NONE;
}

/** @param {Store} store */
function go(store, id, from, to) {
  const job = jobOf(store.get(), id);
  const edits = editsOf(job);
  const step = edits[from].at(-1);
  if (!step) {
    return undefined;
  }
  const rest = { [from]: edits[from].slice(0, -1), [to]: [...edits[to], { result: job.result, at: step.at }] };
  patchJob(store, id, { result: step.result, edits: { ...edits, ...rest, now: step.result } });
  return step.at;
}
