// The pages of a document under one another. Only those near the window are there: paper at once, boxes and text one
// page per frame, pictures where the user stays.

import { byId, make } from "../core/dom.js";
import { jobOf, patchJob } from "../jobs/jobs.js";
import { closeUp } from "../picture/camera.js";
import { GAP, Layout, pageAt, pageRead, shift } from "./layout.js";
import { Near } from "./near.js";
import { Pictures } from "./pictures.js";
import { Thumbs } from "./thumbs.js";

const LEAST = 0.2; // zoom
const MOST = 8;
const PACE = 60; // milliseconds between two turns of a page by scrolling

/** Shows all pages of the current job. */
export class PagesView {
  #store;
  #frame;
  #strip = make("div", { class: "page-strip" });
  #job = null;
  #pages = []; // of the result
  #layout = null;
  #zoom = 1;
  #page = -1; // the one that the job is at, as far as this view knows
  #free = false; // it is the user who scrolls: what this view itself scrolls turns no page
  #drawing = false; // a frame has been asked for
  #turning = null; // timer
  #near;
  #pictures;
  #thumbs;

  /**
   * @param {Store} store
   * @param {PictureAct} act
   */
  constructor(store, frame, act) {
    this.#store = store;
    this.#frame = frame;
    this.#near = new Near(store, this.#strip, act);
    this.#pictures = new Pictures((job, page, picture) => {
      this.#near.show(page, picture);
      if (page === 0 && picture && !picture.own && jobOf(store.get(), job.id)) {
        act.drawn(jobOf(store.get(), job.id), picture.blob);
      }
    });
    this.#thumbs = new Thumbs(frame, this.#pictures, (page) => patchJob(store, this.#job.id, { page }));
    frame.addEventListener("scroll", () => this.#job && this.#scrolled());
    for (const kind of ["wheel", "touchmove", "pointerdown", "keydown"]) {
      frame.addEventListener(kind, () => (this.#free = true), { capture: true, passive: true });
    }
    // Two fingers zoom, and do not scroll.
    frame.addEventListener("touchstart", (event) => this.#job && event.touches.length > 1 && event.preventDefault(), {
      passive: false,
    });
  }

  /** Shows the pages of a job, at the one that it is at. */
  show(job) {
    const { pages } = job.result;
    const same = this.#job?.id === job.id && sameSizes(this.#pages, pages);
    const others = pages !== this.#pages;
    if (!same) {
      this.hide();
      this.#store.set({ wide: 0 });
      this.#frame.classList.add("is-pages");
      this.#frame.parentElement.classList.add("has-pages");
      this.#frame.append(this.#strip);
      this.#zoom = 1;
      this.#page = -1;
    }
    this.#job = job;
    this.#pages = pages;
    this.#pictures.of(job);
    this.#thumbs.show(job, pages);
    if (!same) {
      this.#lay();
    } else if (others) {
      this.#pictures.again();
      this.#near.refill(job);
    }
    if (job.page !== this.#page) {
      this.#page = job.page;
      this.#thumbs.mark(job.page);
      this.#scrollTo(this.#frame.scrollLeft, this.#layout.tops[job.page] - GAP);
      this.#tell();
    }
    this.#drawSoon();
  }

  /** Whether there are pages in the window. */
  get shown() {
    return this.#job !== null;
  }

  /** Makes room for another view. */
  hide() {
    if (this.#job) {
      this.#near.clear();
      this.#job = null;
      this.#pages = [];
      this.#strip.remove();
      this.#thumbs.hide();
      this.#frame.classList.remove("is-pages");
      this.#frame.parentElement.classList.remove("has-pages");
    }
  }

  /** Lays the pages out anew, in another window or another turn; what is read stays there. */
  lay(job) {
    if (this.#job && job?.id === this.#job.id) {
      this.#job = job;
      const { width, height } = this.#size();
      this.zoomAt(1, width / 2, height / 4);
    }
  }

  /** Shows every page in the width of the window. */
  fit() {
    this.#zoom = 1;
    this.#lay();
    this.#scrollTo(0, this.#layout.tops[this.#page] - GAP);
  }

  /** Zooms; the point at (x, y) of the window stays where it is. */
  zoomAt(factor, x, y) {
    const { tops, scales, width } = this.#layout;
    const [left, top] = [this.#frame.scrollLeft + x, this.#frame.scrollTop + y];
    const page = pageAt(this.#layout, top);
    const [across, down] = [(left - width / 2) / scales[page], (top - tops[page]) / scales[page]];
    this.#zoom = Math.min(MOST, Math.max(LEAST, this.#zoom * factor));
    this.#lay();
    const now = this.#layout;
    this.#scrollTo(now.width / 2 + across * now.scales[page] - x, now.tops[page] + down * now.scales[page] - y);
  }

  /** Moves the pages. */
  pan(dx, dy) {
    this.#frame.scrollBy(-dx, -dy);
  }

  /** Scrolls no further than needed to bring a part of a page into the window. */
  reveal(page, polygon) {
    const { x, y, width, height } = this.#layout.spanOf(page, polygon);
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.#frame;
    this.#scrollTo(
      scrollLeft + shift(x - scrollLeft, width, clientWidth),
      scrollTop + shift(y - scrollTop, height, clientHeight),
    );
  }

  /** Zooms and scrolls so that a line can be read, or the part of it that matters. */
  lookAt(page, polygon, part) {
    const room = this.#size();
    const base = this.#layout.scales[page] / this.#zoom;
    const { scale } = closeUp({ turn: this.#job.turn }, polygon, part, this.#layout.sizes[page], room);
    this.#zoom = Math.min(MOST, Math.max(LEAST, scale / base));
    this.#lay();
    const whole = this.#layout.spanOf(page, polygon);
    const { x, y, width, height } = whole.width > room.width && part ? this.#layout.spanOf(page, part) : whole;
    this.#scrollTo(x + width / 2 - room.width / 2, y + height / 2 - room.height / 2);
  }

  /** Writes anew what has been edited. */
  update(job) {
    if (this.#job?.id === job.id) {
      this.#job = job;
      this.#near.update(job);
    }
  }

  /** Puts something over a page, as long as it is wanted there; null takes it away. */
  put(page, element) {
    this.#near.put(page, element);
  }

  #lay() {
    this.#layout = new Layout(this.#pages, this.#job.turn, this.#size(), this.#zoom);
    this.#zoom = this.#layout.zoom;
    this.#strip.style.width = `${this.#layout.width}px`;
    this.#strip.style.height = `${this.#layout.height}px`;
    this.#near.lay(this.#job, this.#layout);
    this.#tell();
    this.#drawSoon();
  }

  #tell() {
    byId("zoom").textContent = `${Math.round(this.#layout.scales[Math.max(0, this.#page)] * 100)} %`;
  }

  #scrollTo(left, top) {
    this.#free = false;
    this.#frame.scrollTo(left, top);
    this.#drawSoon();
  }

  #drawSoon() {
    if (!this.#drawing) {
      this.#drawing = true;
      requestAnimationFrame(() => {
        this.#drawing = false;
        if (this.#job) {
          this.#draw();
        }
      });
    }
  }

  #draw() {
    const { scrollTop, clientHeight } = this.#frame;
    if (this.#near.draw(scrollTop, clientHeight)) {
      this.#drawSoon();
    }
    this.#pictures.want(this.#near.bare, pageAt(this.#layout, scrollTop + clientHeight / 2));
  }

  #scrolled() {
    this.#drawSoon();
    if (this.#free) {
      this.#turning ??= setTimeout(() => this.#turn(), PACE);
    }
  }

  // What the user scrolls to is the page of the job; the text follows it.
  #turn() {
    this.#turning = null;
    if (!this.#job || !this.#free) {
      return;
    }
    const page = pageRead(this.#layout, this.#frame.scrollTop, this.#frame.clientHeight);
    if (page !== this.#page) {
      this.#page = page;
      this.#thumbs.mark(page);
      this.#tell();
      patchJob(this.#store, this.#job.id, { page });
    }
  }

  #size() {
    return { width: this.#frame.clientWidth, height: this.#frame.clientHeight };
  }
}

function sameSizes(old, fresh) {
  return (
    old.length === fresh.length &&
    old.every(({ width, height }, index) => width === fresh[index].width && height === fresh[index].height)
  );
}
