// The history of this browser: pictures and results in IndexedDB, bounded in number and bytes.

const NAME = "crnn-ocr";
const MOST_ENTRIES = 100;
const MOST_BYTES = 100_000_000;
const LARGEST_FILE = 20_000_000; // larger pictures are not kept, only their text

let opened = null;

/**
 * Keeps a reading; the oldest ones make room.
 * @param {{id: string, time: number, name: string, file: Blob, thumb: Blob | null, result: object, options: object}} entry
 */
export async function keep(entry) {
  const file = entry.file && entry.file.size <= LARGEST_FILE ? entry.file : null;
  const bytes = (file?.size ?? 0) + 200 * entry.result.lines.length;
  await run("readwrite", (store) => store.put({ ...entry, file, bytes }));
  await trim();
}

/** All readings without their pictures, the newest first. */
export async function list() {
  const entries = await run("readonly", (store) => store.getAll());
  return entries.sort((a, b) => b.time - a.time);
}

/** One reading with its picture. */
export function find(id) {
  return run("readonly", (store) => store.get(id));
}

/** Forgets one reading. */
export function forget(id) {
  return run("readwrite", (store) => store.delete(id));
}

/** Forgets all. */
export function clear() {
  return run("readwrite", (store) => store.clear());
}

async function trim() {
  let bytes = 0;
  const entries = await list();
  for (const [index, entry] of entries.entries()) {
    bytes += entry.bytes;
    if (index > 0 && (index >= MOST_ENTRIES || bytes > MOST_BYTES)) {
      await forget(entry.id);
    }
  }
}

async function run(mode, act) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction("readings", mode);
    const request = act(transaction.objectStore("readings"));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? request.error);
  });
}

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("readings", { keyPath: "id" });
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
  opened.catch(() => {
    opened = null;
  });
  return opened;
}
