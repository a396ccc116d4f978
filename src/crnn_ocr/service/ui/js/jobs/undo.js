// Removing files from the list, and taking that back.

import { clearJobs, jobOf, removeJob, UNDER_WAY } from "./jobs.js";

/**
 * Removes one file; the function that comes back restores it.
 * @param {Store} store
 */
export function removeOne(store, id, runner) {
  return removing(store, runner, () => {
    runner.leave([jobOf(store.get(), id)]);
    removeJob(store, id);
  });
}

/**
 * Removes all files; the function that comes back restores them.
 * @param {Store} store
 */
export function removeAll(store, runner) {
  return removing(store, runner, () => {
    runner.leave(store.get().jobs);
    clearJobs(store);
  });
}

/** @param {Store} store */
function removing(store, runner, remove) {
  const { jobs: before, current, active, selected } = store.get();
  remove();
  return () => {
    const now = store.get();
    const gone = before.filter(({ id }) => !jobOf(now, id));
    const back = gone.map((job) => (UNDER_WAY.has(job.status) ? stopped(job) : job));
    // Where they were; what has come since stands behind them.
    const old = before.flatMap(({ id }) => jobOf(now, id) ?? back.find((job) => job.id === id) ?? []);
    const since = now.jobs.filter(({ id }) => !before.some((job) => job.id === id));
    store.set({ jobs: [...old, ...since], current, active, selected });
    runner.start(gone.filter((job) => UNDER_WAY.has(job.status)).map(({ id }) => id));
  };
}

function stopped(job) {
  return { ...job, status: job.result ? "done" : "cancelled", waitUntil: null };
}
