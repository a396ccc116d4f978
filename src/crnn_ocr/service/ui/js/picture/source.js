// The picture of a page: the browser's own where it can show the file, else one that the server draws.

import { Problem } from "../server/problem.js";
import { ask, previewPage } from "../server/request.js";

const KEPT = 24; // pictures of pages drawn by the server, in memory
const MOST_WAITS = 5; // how often a busy server is asked again

const pages = new Map(); // "job/page" → Promise<{url, width, height}>

/**
 * Resolves to a picture of the page.
 * @returns {Promise<{url: string, blob: Blob, width: number, height: number, own: boolean,
 *   total: number | null}>} `own`: it has to be
 *   released
 */
export async function pictureOf(job, page) {
  if (job.background?.place) {
    return drawnByServer(job, page);
  }
  if (job.file.size === 0) {
    throw new Problem("IMAGE_EMPTY");
  }
  if (page === 0 && !isDocument(job)) {
    const url = URL.createObjectURL(job.file);
    try {
      return { url, blob: job.file, ...(await sizeOf(url)), own: true, total: null };
    } catch {
      URL.revokeObjectURL(url);
    }
  }
  return drawnByServer(job, page);
}

/** The number of pages of a document, as the server counts them, or null where it does not tell. */
export async function countPages(job) {
  return (await pictureOf(job, 0)).total;
}

/** Whether a file is a document: of such files browsers show nothing, or the first page alone. */
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
  const key = keyOf(job, page);
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
  const { picture: blob, header } = await askFor(job, page);
  const url = URL.createObjectURL(blob);
  return { url, blob, ...(await sizeOf(url)), own: false, total: Number(header("X-Pages")) || null };
}

async function askFor(job, page, waits = 0) {
  try {
    return await (job.background?.place
      ? ofBackground(job.background)
      : previewPage(job.file, { page: page + 1, stage: "original" }));
  } catch (error) {
    const later = error instanceof Problem && error.passing && waits < MOST_WAITS && pages.has(keyOf(job, page));
    if (!later) {
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, error.retryAfter * 1000));
    return askFor(job, page, waits + 1);
  }
}

// The server has the file of a job that it reads in the background.
async function ofBackground({ id, place }) {
  const reply = await ask(`/jobs/${id}/pages/${place.file}/${place.number}/picture`);
  return { picture: await reply.blob(), header: (name) => reply.headers.get(name) };
}

function keyOf({ id, background }, page) {
  return background?.place
    ? `${id}/${background.id}/${background.place.file}/${background.place.number}`
    : `${id}/${page}`;
}

async function sizeOf(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return { width: image.naturalWidth, height: image.naturalHeight };
}
