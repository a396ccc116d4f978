// Which files are too long to wait for: those are read as jobs of the server, in the background.

import { load } from "../core/later.js";
import { countPages, isDocument } from "../picture/source.js";

const LARGE = 20_000_000; // bytes
const MANY = 10; // pages: of more one rather sees the first ones soon
const COUNTED_FROM = 100_000; // bytes: smaller documents are read faster than they are looked at twice
const PATIENCE = 3_000; // milliseconds for a server that has not told its limits yet

/** Whether it has to be found out at all; of most pictures it need not be. */
export function mayBeLong({ file, name, long }, limits) {
  return long === true || file.size > largest(limits) || (isDocument({ file, name }) && file.size >= COUNTED_FROM);
}

/** Resolves to whether a file is to be read in the background: it is large, or has many pages. */
export async function isLong(store, job) {
  const limits = await limitsOf(store);
  if (!limits?.jobs) {
    return false;
  }
  if (job.long || job.file.size > largest(limits)) {
    return true;
  }
  return (await pagesIn(job).catch(() => null)) > MANY; // what cannot be counted is read, or refused, at once
}

function largest(limits) {
  return Math.min(LARGE, limits?.max_image_bytes ?? LARGE);
}

async function pagesIn(job) {
  const isTiff = /tiff/.test(job.file.type) || /\.tiff?$/i.test(job.name);
  return isTiff ? (await load("jobs/tiff.js")).countPages(job.file) : countPages(job);
}

function limitsOf(store) {
  return new Promise((resolve) => {
    let stop = null;
    const timer = setTimeout(() => done(store.get().limits), PATIENCE);
    const done = (limits) => {
      clearTimeout(timer);
      queueMicrotask(() => stop());
      resolve(limits);
    };
    stop = store.watch((state) => [state.limits], (limits) => limits && done(limits));
  });
}
