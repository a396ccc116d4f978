// Files of a drop; of folders, the pictures and documents inside.

const READABLE = /\.(jpe?g|png|bmp|gif|tiff?|webp|pdf)$/i;
const MOST = 500;

/** Resolves to the dropped files, those of folders sorted by name. */
export async function filesOfDrop(transfer) {
  // Both have to be taken before the first wait: the transfer is empty afterwards.
  const files = [...transfer.files];
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) {
    return files;
  }
  const found = [];
  for (const entry of entries) {
    await collect(entry, found, entry.isDirectory).catch(() => {}); // gone, or not allowed
  }
  return found;
}

async function collect(entry, found, inside) {
  if (found.length >= MOST) {
    return;
  }
  if (entry.isFile) {
    if (!inside || READABLE.test(entry.name)) {
      found.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    }
    return;
  }
  const reader = entry.createReader();
  const children = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) {
      break;
    }
    children.push(...some);
  }
  children.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  for (const child of children) {
    await collect(child, found, true).catch(() => {}); // the others can still be read
  }
}
