// How many pages a TIFF has, from its chain of directories (TIFF 6.0, section 2; BigTIFF): the pictures are not touched.

const MOST = 10_000; // a damaged chain may be a circle

/** Resolves to the number of directories of a file. */
export async function countPages(file) {
  const head = await viewOf(file, 0, 16);
  const little = head.getUint16(0) === 0x4949;
  const big = head.getUint16(2, little) === 43;
  const offsetAt = (view, at) => (big ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little));
  const [countBytes, entryBytes, offsetBytes] = big ? [8, 20, 8] : [2, 12, 4];
  let next = offsetAt(head, big ? 8 : 4);
  let pages = 0;
  while (next !== 0 && pages < MOST) {
    pages += 1;
    const entries = await viewOf(file, next, countBytes);
    const count = big ? Number(entries.getBigUint64(0, little)) : entries.getUint16(0, little);
    next = offsetAt(await viewOf(file, next + countBytes + count * entryBytes, offsetBytes), 0);
  }
  return pages;
}

async function viewOf(file, start, length) {
  return new DataView(await file.slice(start, start + length).arrayBuffer());
}
