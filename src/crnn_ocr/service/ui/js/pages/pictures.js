// The pictures of pages: asked for where the user stays, the nearest first, and small ones of what was seen or is idle.

import { pictureOf } from "../picture/source.js";

const AT_ONCE = 2;
const SETTLED = 90; // milliseconds without another wish after which pictures are asked for
const IDLE = 500; // the same for small pictures of pages that nobody looks at
const LARGEST = 16_000_000; // bytes of files that are sent for small pictures alone
const WIDTH = 144; // pixels of a small picture
const KEPT = 400; // small pictures

/** Fetches pictures of the pages of one job. */
export class Pictures {
  #tell;
  /** @type {(page: number, url: string) => void} */
  #tellSmall = () => {};
  #job = null;
  #wanted = [];
  #idle = []; // pages whose small pictures are wanted
  #running = new Set();
  #missing = new Set();
  #small = new Map(); // page → address; null while it is made
  #timers = [null, null];

  /** @param {(job: Job, page: number, picture: object | null) => void} tell null where there is none */
  constructor(tell) {
    this.#tell = tell;
  }

  /** Hears the address of every small picture. */
  onSmall(tell) {
    this.#tellSmall = tell;
  }

  /**
   * Serves this job from now on.
   * @param {Job} job
   */
  of(job) {
    if (job.id !== this.#job?.id) {
      this.#small.forEach((url) => url && URL.revokeObjectURL(url));
      this.#small.clear();
      this.again();
    }
    this.#job = job;
  }

  /** Tries again what could not be drawn. */
  again() {
    this.#missing.clear();
  }

  /** Asks for the pictures of these pages, the nearest first, as soon as the user stays. */
  want(pages, here) {
    this.#wanted = pages.toSorted((a, b) => Math.abs(a - here) - Math.abs(b - here));
    this.#later(0, SETTLED);
  }

  /** Asks for small pictures of these pages, once nothing else is wanted. */
  wantSmall(pages) {
    this.#idle = pages;
    this.#later(1, IDLE);
  }

  /** The address of a small picture, or undefined. */
  small(page) {
    return this.#small.get(page) ?? undefined;
  }

  #later(which, time) {
    clearTimeout(this.#timers[which]);
    this.#timers[which] = setTimeout(() => this.#next(), time);
  }

  #next() {
    const job = this.#job;
    const free = (page) => !this.#running.has(`${job.id}/${page}`);
    while (this.#running.size < AT_ONCE) {
      const page =
        this.#wanted.find(free) ?? (this.#wanted.length === 0 && this.#running.size === 0 ? this.#unseen() : undefined);
      if (page === undefined) {
        return;
      }
      this.#wanted = this.#wanted.filter((other) => other !== page);
      void this.#load(job, page);
    }
  }

  #unseen() {
    const all = this.#job.file.size > LARGEST ? [] : this.#idle;
    return all.find((page) => !this.#small.has(page) && !this.#missing.has(page));
  }

  /** @param {Job} job */
  async #load(job, page) {
    const key = `${job.id}/${page}`;
    this.#running.add(key);
    const picture = this.#missing.has(page) ? null : await pictureOf(job, page).catch(() => null);
    this.#running.delete(key);
    if (job.id === this.#job.id) {
      if (!picture) {
        this.#missing.add(page);
      }
      this.#tell(job, page, picture);
      if (picture && !this.#small.has(page)) {
        void this.#makeSmall(job, page, picture.blob);
      }
    }
    this.#next();
  }

  /** @param {Job} job */
  async #makeSmall(job, page, blob) {
    this.#small.set(page, null);
    const made = await shrunk(blob).catch(() => null);
    if (!made || job.id !== this.#job.id) {
      return;
    }
    const url = URL.createObjectURL(made);
    this.#small.set(page, url);
    if (this.#small.size > KEPT) {
      const [oldest, old] = this.#small.entries().next().value;
      this.#small.delete(oldest);
      URL.revokeObjectURL(old);
    }
    this.#tellSmall(page, url);
  }
}

/** @returns {Promise<Blob>} */
async function shrunk(blob) {
  const bitmap = await createImageBitmap(blob, { resizeWidth: WIDTH, resizeQuality: "medium" });
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [bitmap.width, Math.min(bitmap.height, 4 * WIDTH)];
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  return new Promise((resolve) => canvas.toBlob(resolve, "image/webp", 0.8));
}
