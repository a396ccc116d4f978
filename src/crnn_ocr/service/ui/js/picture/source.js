// The picture of a page: the browser's own where it can show the file, else one that the server draws.

import { previewPage } from "../server/request.js";

const KEPT = 6; // pictures of pages drawn by the server, in memory

const pages = new Map(); // "job/page" → Promise<{url, width, height}>

/**
 * Resolves to a picture of the page.
 * @returns {Promise<{url: string, width: number, height: number, own: boolean}>} `own`: it has to be released
 */
export async function pictureOf(job, page) {
  if (page === 0 && !isDocument(job)) {
    const url = URL.createObjectURL(job.file);
    try {
      return { url, ...(await sizeOf(url)), own: true };
    } catch {
      URL.revokeObjectURL(url);
    }
  }
  return drawnByServer(job, page);
}

/** Whether a file of this kind is shown by the server alone. */
export function isDocument({ file, name }) {
  return /pdf|tiff/.test(file.type) || /\.(pdf|tiff?)$/i.test(name);
}

/** Lets the pictures of a job go. */
export function forgetPictures(id) {
  for (const [key, picture] of pages) {
    if (key.startsWith(`${id}/`)) {
      pages.delete(key);
      picture.then(({ url }) => URL.revokeObjectURL(url)).catch(() => {});
    }
  }
}

function drawnByServer(job, page) {
  const key = `${job.id}/${page}`;
  const known = pages.get(key);
  pages.delete(key);
  const picture = known ?? draw(job, page);
  pages.set(key, picture); // now the last one used
  picture.catch(() => pages.delete(key));
  if (pages.size > KEPT) {
    const [oldest, old] = pages.entries().next().value;
    pages.delete(oldest);
    old.then(({ url }) => URL.revokeObjectURL(url)).catch(() => {});
  }
  return picture;
}

async function draw(job, page) {
  const { picture } = await previewPage(job.file, { page: page + 1, stage: "original" });
  const url = URL.createObjectURL(picture);
  return { url, ...(await sizeOf(url)), own: false };
}

async function sizeOf(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return { width: image.naturalWidth, height: image.naturalHeight };
}
