// The pages near the window: which are there, and one of them filled per frame.

import { linesOf } from "../reading/result.js";
import { t } from "../words/words.js";
import { pageAt } from "./layout.js";
import { Sheet } from "./sheet.js";

const NEAR = 0.75; // heights of the window above and below it in which pages are there

/** The sheets of a strip that are there. */
export class Near {
  #store;
  #strip;
  #act;
  #sheets = new Map(); // index → Sheet
  #job = null;
  #layout = null;
  #extra = null; // { page, element } of the user's work
  #top = 0; // of the part that was drawn last

  /** @param {Store} store @param {HTMLElement} strip @param {PictureAct} act */
  constructor(store, strip, act) {
    this.#store = store;
    this.#strip = strip;
    this.#act = act;
    store.watch(
      (state) => [state.active, state.hovered, state.hit, state.selected],
      () => this.#sheets.forEach((sheet) => sheet.mark(store.get())),
    );
  }

  /**
   * Lays out the sheets of a job anew.
   * @param {Job} job
   */
  lay(job, layout) {
    this.#job = job;
    this.#layout = layout;
    this.#sheets.forEach((sheet, page) => this.#place(sheet, page));
  }

  /**
   * Draws all boxes and texts anew, one by one: the lines are others.
   * @param {Job} job
   */
  refill(job) {
    this.#job = job;
    this.#sheets.forEach((sheet) => sheet.empty());
  }

  /**
   * Writes anew what has been edited.
   * @param {Job} job
   */
  update(job) {
    this.#job = job;
    this.#sheets.forEach((sheet, page) => sheet.update(linesOf(job.result, page).lines));
  }

  /** Makes the pages near this part of the strip be there; tells whether there is more to do in the next frame. */
  draw(top, room) {
    const first = pageAt(this.#layout, top - NEAR * room);
    const last = pageAt(this.#layout, top + (1 + NEAR) * room);
    for (const [page, sheet] of this.#sheets) {
      if (page < first || page > last) {
        sheet.close();
        this.#sheets.delete(page);
      }
    }
    for (let page = first; page <= last; page += 1) {
      if (!this.#sheets.has(page)) {
        this.#add(page);
      }
    }
    // Nobody points at what rushes by: boxes and texts come where the user stays.
    const rushes = Math.abs(top - this.#top) > room / 2;
    this.#top = top;
    return rushes || this.#fillOne(pageAt(this.#layout, top + room / 2));
  }

  /** The pages that have no picture yet. */
  get bare() {
    return [...this.#sheets].filter(([, sheet]) => !sheet.pictured).map(([page]) => page);
  }

  /** Shows the picture of a page, where that is still there. */
  show(page, picture) {
    const { name, result } = this.#job;
    this.#sheets.get(page)?.show(picture, `${name} · ${t("pageOf", { number: page + 1, count: result.pages.length })}`);
  }

  /** Puts something over a page, as long as it is wanted there; null takes it away. */
  put(page, element) {
    this.#extra?.element.remove();
    this.#extra = element ? { page, element } : null;
    if (element) {
      this.#sheets.get(page)?.put(element);
    }
  }

  /** Takes all pages away. */
  clear() {
    this.#sheets.forEach((sheet) => sheet.close());
    this.#sheets.clear();
  }

  #place(sheet, page) {
    sheet.place(this.#layout.leftOf(page), this.#layout.tops[page], this.#layout.scales[page], this.#job.turn);
  }

  #add(page) {
    const sheet = new Sheet(page, this.#layout.sizes[page], this.#act);
    this.#sheets.set(page, sheet);
    this.#place(sheet, page);
    this.#strip.append(sheet.element);
    if (this.#extra?.page === page) {
      sheet.put(this.#extra.element);
    }
  }

  // The nearest one, and another one with the next frame.
  #fillOne(here) {
    const open = [...this.#sheets].filter(([, sheet]) => !sheet.filled);
    if (open.length === 0) {
      return false;
    }
    const [page, sheet] = open.reduce((best, one) => (Math.abs(one[0] - here) < Math.abs(best[0] - here) ? one : best));
    sheet.fill(linesOf(this.#job.result, page), this.#store.get());
    return open.length > 1;
  }
}
