// A long text has a room for every page. Only rooms near the window are written into; the others keep their height.

const LONG = 30; // pages from which on a text is long
const WRITTEN = 1; // heights of the window around it in which rooms are written into …
const KEPT = 3; // … and in which they stay as they are
const AT_ONCE = 2; // rooms per frame; half of it where the text rushes by

/** Whether a result has so many pages that they are not all written at once. */
export function isLong(result) {
  return (result?.pages.length ?? 0) >= LONG;
}

/** The rooms of the pages of one text. */
export class Rooms {
  #scroller;
  #act;
  #rooms = [];
  #written = new Set(); // indexes
  #looking = false;
  #top = 0; // where the window was when it was looked at last

  /** @param {HTMLElement} scroller @param act `write(page, room)` and `wipe(page, room)` */
  constructor(scroller, act) {
    this.#scroller = scroller;
    this.#act = act;
    scroller.addEventListener("scroll", () => this.look());
    new ResizeObserver(() => this.look()).observe(scroller);
  }

  /** What stands at the upper edge, for rooms that come in the place of these; null where there is nothing. */
  held() {
    const { top } = this.#scroller.getBoundingClientRect();
    const page = this.#at(top + 1);
    return this.used ? { page, offset: this.#rooms[page].getBoundingClientRect().top - top } : null;
  }

  /** Takes the rooms of another text, in their order; none: all is written elsewhere. `held`: what stays in its place. */
  use(rooms, held = null) {
    this.#rooms = rooms;
    this.#written.clear();
    this.#scroller.classList.toggle("is-long", this.used);
    if (held && rooms[held.page]) {
      this.ensure(held.page);
      const { top } = this.#scroller.getBoundingClientRect();
      this.#scroller.scrollTop += rooms[held.page].getBoundingClientRect().top - top - held.offset;
    }
    this.look();
  }

  /** Whether there are rooms. */
  get used() {
    return this.#rooms.length > 0;
  }

  /** Makes a page be written. */
  ensure(page) {
    const room = this.#rooms[page];
    if (room && !this.#written.has(page)) {
      this.#written.add(page);
      room.style.height = "";
      this.#act.write(page, room);
    }
  }

  /** Writes, with the next frames, what is near the window. */
  look() {
    if (this.used && !this.#looking) {
      this.#looking = true;
      requestAnimationFrame(() => {
        this.#looking = false;
        this.#look();
      });
    }
  }

  #look() {
    const { clientHeight } = this.#scroller;
    if (!this.used || clientHeight === 0) {
      return;
    }
    const { top } = this.#scroller.getBoundingClientRect();
    const held = this.#rooms[this.#at(top + 1)]; // what stands at the upper edge stays there
    const before = held.getBoundingClientRect().top;
    const near = (by) => [this.#at(top - by * clientHeight), this.#at(top + (1 + by) * clientHeight)];
    const [first, last] = near(WRITTEN);
    const here = this.#at(top + clientHeight / 2);
    const open = [];
    for (let page = first; page <= last; page += 1) {
      if (!this.#written.has(page)) {
        open.push(page);
      }
    }
    open.sort((a, b) => Math.abs(a - here) - Math.abs(b - here));
    const [from, to] = near(KEPT);
    const heights = [...this.#written]
      .filter((page) => (page < from || page > to) && !this.#rooms[page].contains(document.activeElement))
      .map((page) => [page, this.#rooms[page].offsetHeight]);
    for (const [page, height] of heights) {
      this.#written.delete(page);
      this.#act.wipe(page, this.#rooms[page]);
      this.#rooms[page].replaceChildren();
      this.#rooms[page].style.height = `${height}px`;
    }
    const rushes = Math.abs(this.#scroller.scrollTop - this.#top) > clientHeight / 2;
    const some = rushes ? AT_ONCE / 2 : AT_ONCE;
    this.#top = this.#scroller.scrollTop;
    open.slice(0, some).forEach((page) => this.ensure(page));
    const moved = open.length > 0 ? held.getBoundingClientRect().top - before : 0;
    if (moved !== 0) {
      this.#scroller.scrollTop += moved;
    }
    if (open.length > some) {
      this.look();
    }
  }

  // The last room that begins above a height of the window.
  #at(y) {
    let low = 0;
    let high = this.#rooms.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#rooms[middle].getBoundingClientRect().top <= y) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }
}
