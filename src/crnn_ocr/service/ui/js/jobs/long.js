// Which files are too long to wait for: those are read as jobs of the server, in the background.

import { load } from "../core/later.js";
import { countPages } from "../picture/source.js";
import { isLarge } from "./jobs.js";

const MANY = 10; // pages: of more one rather sees the first ones soon
const PATIENCE = 3_000; // milliseconds for a server that has not told its limits yet

/**
 * Resolves to whether a file is to be read in the background: it is large, or has many pages.
 * @param {Store} store
 */
export async function isLong(store, job) {
  const limits = await limitsOf(store);
  if (!limits?.jobs) {
    return false;
  }
  if (job.long || isLarge(job, limits)) {
    return true;
  }
  return (await pagesIn(job).catch(() => null)) > MANY; // what cannot be counted is read, or refused, at once
}

async function pagesIn(job) {
  const isTiff = /tiff/.test(job.file.type) || /\.tiff?$/i.test(job.name);
  return isTiff ? (await load("jobs/tiff.js")).countPages(job.file) : countPages(job);
}

/** @param {Store} store */
function limitsOf(store) {
  return new Promise((resolve) => {
    let stop = null;
    const timer = setTimeout(() => done(store.get().limits), PATIENCE);
    const done = (limits) => {
      clearTimeout(timer);
      queueMicrotask(() => stop());
      resolve(limits);
    };
    stop = store.watch(
      (state) => [state.limits],
      (limits) => limits && done(limits),
    );
  });
}
