// One page in the window: its picture with boxes and text, moved and zoomed freely.

import { byId, icon, make } from "../core/dom.js";
import { currentJob, placeOf } from "../jobs/jobs.js";
import { linesOf } from "../reading/result.js";
import { t } from "../words/words.js";
import { bringIntoView, closeUp, fit, fitWidth, pan, transformOf, turnedSize, zoomAt } from "./camera.js";
import { Overlay } from "./overlay.js";
import { pictureOf } from "./source.js";

const LONG = 2.4; // height to width from which on a page is shown in full width

const WIDER = 2.2; // width to height of a picture that stands above its text where it would be shrunk beside it …
const SHRUNK = 0.8; // … to less than so much …
const MUCH_WIDER = 6; // … and of one that does so in any case

/** Shows the page that a job is at. */
export class SinglePage {
  #store;
  #act;
  #frame;
  #sheet = byId("sheet");
  #overlay;
  #page = { width: 1, height: 1 };
  #view = null;
  #touched = false; // the user has moved the view, so it is not fitted anew when the window changes
  #shown = null; // "job/page" whose picture is on the sheet
  #missing = false; // there is none: a new reading of the file is reason to try again
  #extra = null; // { page, element } of the user's work

  /**
   * @param {Store} store
   * @param {PictureAct} act
   */
  constructor(store, frame, act) {
    this.#store = store;
    this.#act = act;
    this.#frame = frame;
    this.#overlay = new Overlay((index, event) => act.choose(index, event));
    store.watch(
      (state) => [state.active, state.hovered, state.hit, state.selected],
      () => this.#overlay.mark(store.get()),
    );
  }

  /** Shows a job, or none. */
  async show(job) {
    const wanted = job ? placeOf(job) : null;
    if (this.#shown !== wanted || (this.#missing && (job?.result || job?.background?.place))) {
      this.hide();
      this.#shown = wanted;
      if (job) {
        await this.#load(job, wanted);
      }
    } else if (job) {
      this.#draw(job);
    }
  }

  /** Makes room for another view. */
  hide() {
    this.#shown = null;
    this.#missing = false;
    this.#view = null;
    this.#sheet.hidden = true;
    this.#sheet.replaceChildren();
    this.#overlay.clear();
    this.#frame.classList.remove("is-loading", "is-zoomed");
    byId("picture-none").hidden = true;
  }

  /** Fits the page into another window, unless the user has moved it; after a turn in any case. */
  lay(_job, turned = false) {
    if (this.#view && this.#touched && !turned) {
      this.pan(0, 0);
    } else {
      this.#fit();
    }
  }

  /** Shows the whole page. */
  fit() {
    this.#touched = false;
    this.#fit();
  }

  /** Zooms; the point of the page at (x, y) stays where it is. */
  zoomAt(factor, x, y) {
    if (this.#view) {
      this.#set(zoomAt(this.#view, factor, x, y, this.#page, this.#size()));
    }
  }

  /** Moves the page. */
  pan(dx, dy) {
    if (this.#view) {
      this.#set(pan(this.#view, dx, dy, this.#page, this.#size()));
    }
  }

  /** Moves the view so that a part of the page can be seen. */
  reveal(page, polygon) {
    this.#move(page, (view, size, room) => bringIntoView(view, polygon, size, room));
  }

  /** Moves and zooms the view so that a line can be read, or the part of it that matters. */
  lookAt(page, polygon, part) {
    this.#move(page, (view, size, room) => closeUp(view, polygon, part, size, room));
  }

  /** Writes anew what has been edited. */
  update(job) {
    if (this.#shown === placeOf(job) && !this.#sheet.hidden) {
      this.#overlay.update(linesOf(job.result, job.page).lines);
    }
  }

  /** Puts something over the page, as long as it is wanted there; null takes it away. */
  put(page, element) {
    this.#extra?.element.remove();
    this.#extra = element ? { page, element } : null;
    this.#putExtra();
  }

  #putExtra() {
    if (this.#extra && !this.#sheet.hidden && currentJob(this.#store.get())?.page === this.#extra.page) {
      this.#sheet.append(this.#extra.element);
    }
  }

  #move(page, how) {
    if (this.#view && page === currentJob(this.#store.get())?.page) {
      this.#set(how(this.#view, this.#page, this.#size()));
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
      this.#putExtra();
      this.#touched = false;
      this.#fit();
    } else {
      this.#sheet.hidden = true;
      byId("picture-none").replaceChildren(icon("page"), make("p", {}, t("noPreview")));
      byId("picture-none").hidden = false;
    }
    this.#draw(now);
    const { hit, active } = this.#store.get();
    const line = now.result?.lines[hit ?? active]; // chosen before its page was there
    if (line) {
      this.reveal(line.page, line.polygon);
    }
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

  #rescale() {
    if (this.#view) {
      this.#frame.classList.toggle("is-dense", this.#overlay.resize(this.#view.scale));
    }
  }

  #fit() {
    if (this.#sheet.hidden) {
      return;
    }
    const { turn = 0, background = null } = currentJob(this.#store.get()) ?? {};
    const { width, height } = turnedSize(this.#page, turn);
    // From page to page the window stays.
    this.#store.set({ wide: background ? 0 : wideness(width, height) });
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
}

// How much wider than high a picture is that would be shrunk too much beside the text; 0 for all others.
function wideness(width, height) {
  const beside = byId("work").clientWidth / 2;
  const wide = width > MUCH_WIDER * height || (width > WIDER * height && width * SHRUNK > beside);
  return wide ? width / height : 0;
}
