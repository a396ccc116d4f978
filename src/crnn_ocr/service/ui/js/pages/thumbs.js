// The strip of small pages beside the picture: a list with one tab stop, of which only the part in sight is there.

import { make } from "../core/dom.js";
import { t } from "../words/words.js";

const STEP = 108; // CSS pixels from one page to the next: css/pages.css has the same
const AHEAD = 3;
const PAGE_STEP = 8;

/** Small pictures of all pages, to go to one. */
export class Thumbs {
  #list = make("div", { class: "thumbs", role: "listbox", tabindex: "0" });
  #room = make("div", { class: "thumbs-room", role: "presentation" });
  #items = new Map(); // page → element
  #pictures;
  #go;
  #count = 0;
  #page = 0;
  #frame;

  /** @param {HTMLElement} frame beside which it stands @param pictures the Pictures @param {(page: number) => void} go */
  constructor(frame, pictures, go) {
    this.#frame = frame;
    this.#pictures = pictures;
    this.#go = go;
    this.#list.append(this.#room);
    pictures.onSmall((page, url) =>
      this.#items.get(page)?.querySelector(".thumbs-paper").replaceChildren(imageOf(url)),
    );
    this.#list.addEventListener("scroll", () => requestAnimationFrame(() => this.#draw()));
    this.#list.addEventListener("click", ({ target }) => {
      const item = target.closest("[role=option]");
      if (item) {
        go(Number(item.dataset.number));
      }
    });
    this.#list.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#draw()).observe(this.#list);
  }

  /**
   * Shows the pages of a job.
   * @param {Job} job
   */
  show(job, pages) {
    this.#list.setAttribute("aria-label", t("pagesLabel"));
    if (!this.#list.isConnected || this.#count !== pages.length) {
      this.#clear();
      this.#count = pages.length;
      this.#room.style.height = `${pages.length * STEP}px`;
      this.#frame.before(this.#list);
      this.#page = job.page;
      this.mark(job.page);
    }
  }

  /** Takes the strip away. */
  hide() {
    this.#clear();
    this.#list.remove();
  }

  /** Marks the page that is read, and brings it into view. */
  mark(page) {
    this.#items.get(this.#page)?.setAttribute("aria-selected", "false");
    this.#page = page;
    const [top, room] = [page * STEP, this.#list.clientHeight];
    if (top < this.#list.scrollTop) {
      this.#list.scrollTop = top;
    } else if (top + STEP > this.#list.scrollTop + room) {
      this.#list.scrollTop = top + STEP - room;
    }
    this.#draw();
    this.#items.get(page)?.setAttribute("aria-selected", "true");
    this.#list.setAttribute("aria-activedescendant", `page-${page}`);
  }

  #clear() {
    this.#items.clear();
    this.#room.replaceChildren();
  }

  #draw() {
    const { scrollTop, clientHeight } = this.#list;
    if (!this.#list.isConnected || clientHeight === 0) {
      return;
    }
    const first = Math.max(0, Math.floor(scrollTop / STEP) - AHEAD);
    const last = Math.min(this.#count - 1, Math.floor((scrollTop + clientHeight) / STEP) + AHEAD);
    for (const [page, item] of this.#items) {
      if ((page < first || page > last) && page !== this.#page) {
        item.remove();
        this.#items.delete(page);
      }
    }
    for (let page = first; page <= last; page += 1) {
      if (!this.#items.has(page)) {
        this.#add(page);
      }
    }
    this.#add(this.#page);
    this.#pictures.wantSmall(Array.from({ length: last - first + 1 }, (_, at) => first + at));
  }

  #add(page) {
    if (this.#items.has(page) || page >= this.#count) {
      return;
    }
    const url = this.#pictures.small(page);
    const item = make(
      "div",
      {
        class: "thumbs-page",
        role: "option",
        id: `page-${page}`,
        "data-number": page,
        "aria-selected": String(page === this.#page),
        "aria-setsize": this.#count,
        "aria-posinset": page + 1,
        "aria-label": t("pageOf", { number: page + 1, count: this.#count }),
      },
      make("span", { class: "thumbs-paper" }, url ? imageOf(url) : null),
      make("span", { class: "thumbs-number" }, String(page + 1)),
    );
    item.style.top = `${page * STEP}px`;
    this.#items.set(page, item);
    this.#room.append(item);
  }

  #key(event) {
    const last = this.#count - 1;
    const to = {
      ArrowDown: this.#page + 1,
      ArrowRight: this.#page + 1,
      ArrowUp: this.#page - 1,
      ArrowLeft: this.#page - 1,
      PageDown: this.#page + PAGE_STEP,
      PageUp: this.#page - PAGE_STEP,
      Home: 0,
      End: last,
    }[event.key];
    if (to !== undefined && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      event.stopPropagation();
      this.#go(Math.min(last, Math.max(0, to)));
    }
  }
}

function imageOf(url) {
  return make("img", { src: url, alt: "", draggable: "false" });
}
