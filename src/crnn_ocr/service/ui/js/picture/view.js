// The left side: the picture of the shown job, of one page or of several under one another, and the controls of the view.

import { byId } from "../core/dom.js";
import { later } from "../core/later.js";
import { currentJob, pagesOf, patchJob, turnTo } from "../jobs/jobs.js";
import { watchGestures } from "./gestures.js";
import { describe } from "./head.js";
import { watchOverlaySwitch } from "./overlay.js";
import { SinglePage } from "./single.js";

const STEP = 1.4;
/** Shows the picture of the current job. */
export class PictureView {
  #store;
  #act;
  #frame = byId("picture");
  #single;
  #pages = null; // shows documents of several pages; loaded with the first one
  #load;

  /**
   * @param {Store} store
   * @param {PictureAct} act
   */
  constructor(store, act) {
    this.#store = store;
    this.#act = act;
    this.#single = new SinglePage(store, this.#frame, act);
    this.#load = later("pages/view.js", ({ PagesView }) => new PagesView(store, this.#frame, act), {
      styles: ["pages.css"],
    });
    watchOverlaySwitch(store, this.#frame);
    watchGestures(this.#frame, {
      zoom: (factor, x, y) => this.#view.zoomAt(factor, x, y),
      pan: (dx, dy) => this.#view.pan(dx, dy),
      click: (event) => act.choose(lineAt(event.target), event),
      zoomed: () => this.#frame.classList.contains("is-zoomed"),
      scrolls: () => this.#view !== this.#single,
    });
    this.#frame.addEventListener("pointerover", (event) => act.hover(lineAt(event.target)));
    this.#frame.addEventListener("pointerleave", () => act.hover(null));
    new ResizeObserver(() => this.#view.lay(this.#job)).observe(this.#frame);
    this.#wireButtons();
    store.watch(
      (state) => [
        currentJob(state)?.id,
        currentJob(state)?.page,
        currentJob(state)?.result?.pages,
        currentJob(state)?.background?.place,
      ],
      () => this.#show(),
    );
    store.watch(
      (state) => [currentJob(state)?.turn],
      () => this.#view.lay(this.#job, true),
    );
    store.watch(
      (state) => [currentJob(state)?.result?.lines],
      () => this.#job?.result && this.#view.update(this.#job),
    );
    store.watch(
      (state) => [currentJob(state), state.prefs.language],
      (job) => describe(job),
    );
  }

  /** Zooms around the middle. */
  zoom(factor) {
    this.#view.zoomAt(factor, this.#frame.clientWidth / 2, this.#frame.clientHeight / 2);
  }

  /** Shows the whole page, or pages in the whole width. */
  fit() {
    this.#view.fit();
  }

  /** Turns the view by a quarter, clockwise. */
  turn() {
    patchJob(this.#store, this.#job.id, { turn: (this.#job.turn + 90) % 360 });
  }

  /** Shows another page of the document. */
  turnPage(step) {
    const job = this.#job;
    const { count, at } = job ? pagesOf(job) : { count: 1, at: 0 };
    const page = Math.min(count - 1, Math.max(0, at + step));
    if (job?.background) {
      page !== at && this.#act.turnTo(job.id, page);
    } else {
      turnTo(this.#store, page);
    }
  }

  /** Moves the view so that a line can be seen. */
  reveal(index) {
    const line = this.#line(index);
    this.revealPolygon(line?.page, line?.polygon);
  }

  /** Moves the view so that a part of a page can be seen. */
  revealPolygon(page, polygon) {
    if (polygon) {
      this.#view.reveal(page, polygon);
    }
  }

  /** Moves and zooms the view so that a line can be read, or the part of it that matters. */
  lookAt(index, part) {
    const line = this.#line(index);
    if (line) {
      this.#view.lookAt(line.page, line.polygon, part);
    }
  }

  /** Puts an element over a page, in that page's place and size; null takes it away. */
  put(page, element) {
    this.#single.put(page, element);
    this.#pages?.put(page, element);
  }

  get #job() {
    return currentJob(this.#store.get());
  }

  get #view() {
    return this.#pages?.shown ? this.#pages : this.#single;
  }

  #line(index) {
    return index === null ? undefined : this.#job?.result?.lines[index];
  }

  #show() {
    const job = this.#job;
    const many = job?.result?.pages.length > 1;
    if (many && this.#pages) {
      this.#single.hide();
      this.#pages.show(job);
      return;
    }
    this.#pages?.hide();
    void this.#single.show(job);
    if (many) {
      this.#load().then(
        (pages) => {
          this.#pages = pages;
          this.#show();
        },
        () => {}, // one page at a time, until it arrives
      );
    }
  }

  #wireButtons() {
    const actions = {
      "zoom-in": () => this.zoom(STEP),
      "zoom-out": () => this.zoom(1 / STEP),
      "zoom-fit": () => this.fit(),
      turn: () => this.turn(),
      "page-before": () => this.turnPage(-1),
      "page-after": () => this.turnPage(1),
    };
    for (const [id, action] of Object.entries(actions)) {
      byId(id).addEventListener("click", action);
    }
  }
}

// The index of the line at an element, or null.
function lineAt(target) {
  const row = target instanceof Element ? target.closest(".lens-line") : null;
  return row && Number(row.dataset.index);
}
