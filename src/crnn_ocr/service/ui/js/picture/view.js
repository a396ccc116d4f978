// The left side: the picture of the shown job, its boxes, and the controls of the view.

import { byId, icon, make } from "../core/dom.js";
import { sizeText } from "../core/files.js";
import { currentJob, pagesOf, patchJob, placeOf } from "../jobs/jobs.js";
import { linesOf } from "../reading/result.js";
import { t } from "../words/words.js";
import { bringIntoView, closeUp, fit, fitWidth, pan, transformOf, turnedSize, zoomAt } from "./camera.js";
import { watchGestures } from "./gestures.js";
import { Overlay, watchOverlaySwitch } from "./overlay.js";
import { pictureOf } from "./source.js";

const LONG = 2.4; // height to width from which on a page is shown in full width
const STEP = 1.4;
/** Shows the picture of the current job. */
export class PictureView {
  #store;
  #act;
  #frame = byId("picture");
  #sheet = byId("sheet");
  #overlay;
  #page = { width: 1, height: 1 };
  #view = null;
  #touched = false; // the user has moved the view, so it is not fitted anew when the window changes
  #shown = null; // "job/page" whose picture is on the sheet
  #missing = false; // there is none: a new reading of the file is reason to try again

  /** @param act `choose(index)` and `hover(index)` for the line under the pointer, `drawn(job, blob)`, `turnTo(id, at)` for a page that has to be fetched; `layer`: an SVG below the boxes */
  constructor(store, act) {
    this.#store = store;
    this.#act = act;
    this.#overlay = new Overlay((index, event) => act.choose(index, event));
    watchOverlaySwitch(store, this.#frame);
    watchGestures(this.#frame, {
      zoom: (factor, x, y) => this.#set(zoomAt(this.#view, factor, x, y, this.#page, this.#size())),
      pan: (dx, dy) => this.#set(pan(this.#view, dx, dy, this.#page, this.#size())),
      click: (event) => this.#act.choose(this.#overlay.lineAt(event.target), event),
      zoomed: () => this.#frame.classList.contains("is-zoomed"),
    });
    this.#frame.addEventListener("pointerover", (event) => act.hover(this.#overlay.lineAt(event.target)));
    this.#frame.addEventListener("pointerleave", () => act.hover(null));
    new ResizeObserver(() => this.#resized()).observe(this.#frame);
    this.#wireButtons();
    store.watch(
      (state) => [currentJob(state)?.id, currentJob(state)?.page, currentJob(state)?.result?.pages, currentJob(state)?.background?.place],
      () => this.#show(),
    );
    store.watch((state) => [currentJob(state)?.turn], () => this.#fit());
    store.watch((state) => [currentJob(state)?.result?.lines], () => this.#update());
    store.watch((state) => [state.active, state.hovered, state.hit, state.selected], () => this.#overlay.mark(store.get()));
    store.watch((state) => [currentJob(state), state.prefs.language], () => this.#describe());
  }

  /** Zooms around the middle. */
  zoom(factor) {
    const { width, height } = this.#size();
    this.#set(zoomAt(this.#view, factor, width / 2, height / 2, this.#page, this.#size()));
  }

  /** Shows the whole page. */
  fit() {
    this.#touched = false;
    this.#fit();
  }

  /** Turns the view by a quarter, clockwise. */
  turn() {
    const job = currentJob(this.#store.get());
    this.#touched = false;
    patchJob(this.#store, job.id, { turn: (job.turn + 90) % 360 });
  }

  /** Shows another page of the document. */
  turnPage(step) {
    const job = currentJob(this.#store.get());
    const { count, at } = job ? pagesOf(job) : { count: 1, at: 0 };
    const page = Math.min(count - 1, Math.max(0, at + step));
    if (page !== at) {
      job.background ? this.#act.turnTo(job.id, page) : patchJob(this.#store, job.id, { page });
    }
  }

  /** Moves the view so that a line can be seen. */
  reveal(index) {
    this.revealPolygon(this.#overlay.polygonOf(index));
  }

  /** Moves the view so that a part of the page can be seen. */
  revealPolygon(polygon, move = bringIntoView) {
    if (polygon && this.#view) {
      this.#set(move(this.#view, polygon, this.#page, this.#size()));
    }
  }

  /** Moves and zooms the view so that a line can be read, or the part of it that matters. */
  lookAt(index, part) {
    this.revealPolygon(this.#overlay.polygonOf(index), (view, polygon, page, size) => closeUp(view, polygon, part, page, size));
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

  async #show() {
    const job = currentJob(this.#store.get());
    const wanted = job ? placeOf(job) : null;
    if (this.#shown !== wanted || (this.#missing && (job?.result || job?.background?.place))) {
      this.#shown = wanted;
      this.#missing = false;
      this.#clear();
      if (job) {
        await this.#load(job, wanted);
      }
    } else if (job) {
      this.#draw(job);
    }
  }

  async #load(job, wanted) {
    this.#frame.classList.add("is-loading");
    let picture = null;
    try {
      picture = await pictureOf(job, job.page);
    } catch {
      // Told below: the result can be used without the picture.
    }
    if (this.#shown !== wanted) {
      return picture?.own && URL.revokeObjectURL(picture.url);
    }
    this.#frame.classList.remove("is-loading");
    const now = currentJob(this.#store.get());
    this.#missing = picture === null;
    if (picture) {
      if (!picture.own) {
        this.#act.drawn(now, picture.blob);
      }
      this.#page = now.result?.pages[now.page] ?? picture;
      const image = make("img", { src: picture.url, alt: job.name, draggable: "false" });
      image.addEventListener("load", () => picture.own && URL.revokeObjectURL(picture.url), { once: true });
      this.#sheet.replaceChildren(image, this.#act.layer, ...this.#overlay.elements);
      this.#sheet.hidden = false;
      this.#touched = false;
      this.#fit();
    } else {
      this.#sheet.hidden = true;
      byId("picture-none").replaceChildren(icon("page"), make("p", {}, t("noPreview")));
      byId("picture-none").hidden = false;
    }
    this.#draw(now);
    this.reveal(this.#store.get().hit ?? this.#store.get().active); // chosen before its page was there
  }

  #clear() {
    this.#view = null;
    this.#sheet.hidden = true;
    this.#sheet.replaceChildren();
    this.#overlay.clear();
    byId("picture-none").hidden = true;
  }

  #draw(job) {
    if (!job.result || this.#sheet.hidden) {
      this.#overlay.clear();
      return;
    }
    const page = job.result.pages[job.page];
    if (page.width !== this.#page.width || page.height !== this.#page.height) {
      this.#page = page;
      this.#fit();
    }
    const { first, lines } = linesOf(job.result, job.page);
    this.#overlay.draw(lines, first, page);
    this.#overlay.mark(this.#store.get());
    this.#rescale();
  }

  #update() {
    const job = currentJob(this.#store.get());
    if (job?.result && this.#shown === placeOf(job) && !this.#sheet.hidden) {
      this.#overlay.update(linesOf(job.result, job.page).lines);
    }
  }

  #rescale() {
    if (this.#view) {
      this.#frame.classList.toggle("is-dense", this.#overlay.resize(this.#view.scale));
    }
  }

  #resized() {
    if (this.#view && this.#touched) {
      this.#set(pan(this.#view, 0, 0, this.#page, this.#size()));
    } else {
      this.#fit();
    }
  }

  #fit() {
    if (this.#sheet.hidden) {
      return;
    }
    const turn = currentJob(this.#store.get())?.turn ?? 0;
    const { width, height } = turnedSize(this.#page, turn);
    this.#set((height > LONG * width ? fitWidth : fit)(this.#page, this.#size(), turn), false);
  }

  #set(view, touched = true) {
    if (!view || this.#sheet.hidden) {
      return;
    }
    this.#touched = touched;
    this.#view = view;
    const size = turnedSize(this.#page, view.turn);
    const { width, height } = this.#size();
    this.#frame.classList.toggle("is-zoomed", size.width * view.scale > width || size.height * view.scale > height);
    this.#sheet.style.width = `${this.#page.width * view.scale}px`;
    this.#sheet.style.height = `${this.#page.height * view.scale}px`;
    this.#sheet.style.transform = transformOf(view, this.#page);
    this.#rescale();
    byId("zoom").textContent = `${Math.round(view.scale * 100)} %`;
  }

  #size() {
    return { width: this.#frame.clientWidth, height: this.#frame.clientHeight };
  }

  #describe() {
    const state = this.#store.get();
    const job = currentJob(state);
    const { count, at } = job ? pagesOf(job) : { count: 0, at: 0 };
    const page = job?.result?.pages[job.page];
    byId("picture-name").textContent = byId("picture-name").title = job?.name ?? "";
    byId("picture-facts").textContent = job ? (page ? `${page.width} × ${page.height} · ` : "") + sizeText(job.background?.size ?? job.file.size) : "";
    byId("pager").hidden = count < 2;
    byId("page-number").textContent = count ? t("pageOf", { number: at + 1, count }) : "";
    byId("page-before").disabled = at === 0;
    byId("page-after").disabled = at >= count - 1;
  }
}
