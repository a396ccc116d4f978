// The history of this browser: pictures and results in IndexedDB, bounded in number and bytes.

const NAME = "crnn-ocr.history";
const MOST_ENTRIES = 100;
const MOST_BYTES = 100_000_000;
const LARGEST_FILE = 20_000_000; // larger pictures are not kept, only their text
const SNIPPET = 120; // characters of the text that stand in the list

// A reading is large, the list of all is not: each has a store of its own, under the same ids.
const READINGS = "readings";
const ENTRIES = "entries";

let opened = null;

/**
 * Keeps a reading; the oldest ones make room.
 * @param {{id: string, name: string, file: Blob, thumb: Blob | null, result: Result, options: Options}} reading
 * @param {number} time in milliseconds since 1970
 */
export async function keep(reading, time = Date.now()) {
  const { id, name, thumb, result } = reading;
  const file = reading.file.size <= LARGEST_FILE ? reading.file : null;
  const text = result.lines.map((line) => line.text).join(" ");
  // The small picture lies in both stores; of the result, what its JSON takes without the places of single characters
  // comes near to what is stored.
  const bytes =
    (file?.size ?? 0) +
    2 * (thumb?.size ?? 0) +
    2 * JSON.stringify(result, (key, value) => (key === "places" ? undefined : value)).length;
  const entry = { id, time, name, thumb, bytes, text: text.slice(0, SNIPPET), lines: result.lines.length };
  await run("readwrite", (readings, entries) => {
    readings.put({ ...reading, file });
    return entries.put(entry);
  });
  await trim();
}

/**
 * What the list shows of all readings, the newest first.
 * @returns {Promise<{id: string, time: number, name: string, thumb: Blob | null, text: string, lines: number,
 *   bytes: number}[]>}
 */
export async function list() {
  const all = await run("readonly", (_, entries) => entries.getAll());
  return all.sort((a, b) => b.time - a.time);
}

/** One reading with its picture. */
export function find(id) {
  return run("readonly", (readings) => readings.get(id));
}

/** Forgets readings. */
export function forget(...ids) {
  return run("readwrite", (readings, entries) => ids.flatMap((id) => [readings.delete(id), entries.delete(id)]).at(-1));
}

/** Forgets all. */
export function clear() {
  return run("readwrite", (readings, entries) => [readings.clear(), entries.clear()].at(-1));
}

async function trim() {
  let bytes = 0;
  const old = (await list()).filter((entry, index) => {
    bytes += entry.bytes;
    return index > 0 && (index >= MOST_ENTRIES || bytes > MOST_BYTES);
  });
  if (old.length > 0) {
    await forget(...old.map((entry) => entry.id));
  }
}

// Resolves to what the request that `act` returns has brought, once all of the transaction is on the disk.
async function run(mode, act) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction([READINGS, ENTRIES], mode);
    const request = act(transaction.objectStore(READINGS), transaction.objectStore(ENTRIES));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? request.error);
  });
}

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      for (const store of [READINGS, ENTRIES]) {
        request.result.createObjectStore(store, { keyPath: "id" });
      }
    };
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
