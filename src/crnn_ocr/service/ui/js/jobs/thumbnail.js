// Small pictures for the queue and the history, made one at a time so that the page stays smooth.

const SIDE = 112;
let chain = Promise.resolve();

/** Resolves to a small WebP of a picture, or to null where the browser cannot show it. */
export function thumbnail(blob) {
  const made = chain.then(() => draw(blob)).catch(() => null);
  chain = made;
  return made;
}

async function draw(blob) {
  const bitmap = await createImageBitmap(blob);
  try {
    const scale = Math.max(SIDE / bitmap.width, SIDE / bitmap.height);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIDE;
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    const [width, height] = [bitmap.width * scale, bitmap.height * scale];
    // Of long pictures the beginning says more than the middle.
    context.drawImage(bitmap, (SIDE - width) / 2, height > 1.4 * SIDE ? 0 : (SIDE - height) / 2, width, height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/webp", 0.8));
  } finally {
    bitmap.close();
  }
}
