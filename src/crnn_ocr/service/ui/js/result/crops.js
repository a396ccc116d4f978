// Parts of the picture of a page, cut out and straightened: the line above its field, figures of the document.

import { pictureOf } from "../picture/source.js";

const SHARP = 2; // at most so many pixels of the screen for one of the picture

let held = null; // the last picture: { key, image: Promise<HTMLImageElement> }

/**
 * Draws a part of a page.
 * @param {Job} job
 * @param {number} page its index
 * @param {number[][]} polygon four corners, clockwise from the text's own top left
 * @param {{size: {width: number, height: number}, margin?: number, widest: number, highest: number}} how the size of
 *   the page in the pixels of the polygon; the margin around the polygon, and the room for the part, in CSS pixels
 * @returns {Promise<HTMLCanvasElement | null>} null where there is no picture
 */
export async function cropOf(job, page, polygon, { size, margin = 0, widest, highest }) {
  const image = await imageOf(job, page);
  if (!image) {
    return null;
  }
  const [a, b, , d] = polygon;
  const width = Math.hypot(b[0] - a[0], b[1] - a[1]) + 2 * margin;
  const height = Math.hypot(d[0] - a[0], d[1] - a[1]) + 2 * margin;
  const scale = Math.min(widest / width, highest / height, SHARP);
  const dense = Math.min(globalThis.devicePixelRatio || 1, 2) * scale;
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * dense));
  canvas.height = Math.max(1, Math.round(height * dense));
  canvas.style.width = `${width * scale}px`;
  canvas.style.height = `${height * scale}px`;
  const pen = canvas.getContext("2d");
  pen.scale(dense, dense);
  pen.translate(margin, margin);
  pen.rotate(-Math.atan2(b[1] - a[1], b[0] - a[0]));
  pen.translate(-a[0], -a[1]);
  pen.drawImage(image, 0, 0, size.width, size.height);
  return canvas;
}

/** @param {Job} job */
function imageOf(job, page) {
  const key = `${job.id}/${page}`;
  if (held?.key !== key || held.file !== job.file) {
    held = { key, file: job.file, image: load(job, page) };
  }
  return held.image;
}

/** @param {Job} job */
async function load(job, page) {
  let picture;
  try {
    picture = await pictureOf(job, page);
    const image = new Image();
    image.src = picture.url;
    await image.decode();
    return image;
  } catch {
    return null; // the result can be used without the picture
  } finally {
    if (picture?.own) {
      URL.revokeObjectURL(picture.url);
    }
  }
}
