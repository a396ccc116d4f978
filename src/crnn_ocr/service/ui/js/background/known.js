// Which jobs are this browser's: without API keys all clients share theirs, and nobody is to be shown a stranger's.

const KNOWN = "crnn-ocr.background"; // in this browser: all jobs that were sent from it
const OPEN = "crnn-ocr.background.open"; // in this tab: those that stand on the page
const MOST = 100;

/** The ids of the jobs that were sent from this browser, the newest first. */
export function known() {
  return read(() => localStorage, KNOWN);
}

/** Remembers a job. */
export function remember(id) {
  write(() => localStorage, KNOWN, [id, ...known().filter((other) => other !== id)].slice(0, MOST));
}

/** Forgets a job that the server does not know any more. */
export function forget(id) {
  write(
    () => localStorage,
    KNOWN,
    known().filter((other) => other !== id),
  );
}

/** The ids of the jobs that stood on the page when it was loaded anew. */
export function wereOpen() {
  return read(() => sessionStorage, OPEN);
}

/** Remembers which jobs stand on the page. */
export function rememberOpen(ids) {
  write(() => sessionStorage, OPEN, ids);
}

// The storages themselves may be forbidden, so each is asked for where that does no harm.
function read(storage, key) {
  try {
    const ids = JSON.parse(storage().getItem(key));
    return Array.isArray(ids) ? ids.filter((id) => /^[0-9a-f]{32}$/.test(id)) : [];
  } catch {
    return [];
  }
}

function write(storage, key, ids) {
  try {
    storage().setItem(key, JSON.stringify(ids));
  } catch {
    // Without storage a job is found again by its key alone, or not at all.
  }
}
