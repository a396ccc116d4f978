// The lines of a result as a grid with one tab stop. Rows out of sight cost nothing (content-visibility).

import { make, reveal } from "../../core/dom.js";
import { t } from "../../words/words.js";
import { fillRow, rowOf } from "./row.js";
import { remarksOf } from "../notices.js";
import { isLong, Rooms } from "../rooms.js";
import { RowTools } from "./tools.js";

const PAGE_STEP = 10;
const ROW = 36; // CSS pixels of a row that nobody has seen yet

/** Draws lines, keeps their marks, and tells what the user does with them. */
export class LineList {
  #grid;
  #scroller;
  #act;
  #rows = [];
  #active = null;
  #hovered = null;
  #activeTools;
  #hoverTools;
  #result = null;
  #selected = new Set();
  #rooms;

  /**
   * @param {HTMLElement} grid
   * @param {HTMLElement} scroller what scrolls around it
   * @param {ListAct} act
   */
  constructor(grid, scroller, act) {
    this.#grid = grid;
    this.#scroller = scroller;
    this.#act = act;
    this.#activeTools = new RowTools(act);
    this.#hoverTools = new RowTools(act);
    this.#rooms = new Rooms(scroller, {
      write: (page, room) => this.#write(page, room),
      wipe: (page) => this.#wipe(page),
    });
    grid.addEventListener("pointerover", (event) => act.hover(this.#indexAt(event.target)));
    grid.addEventListener("pointerleave", () => act.hover(null));
    grid.addEventListener("click", (event) => this.#clicked(event));
    grid.addEventListener("dblclick", (event) => {
      const index = this.#indexAt(event.target);
      if (index !== null && event.target.closest(".line-text")) {
        act.edit(index);
      }
    });
    grid.addEventListener("focusin", (event) => {
      const index = this.#indexAt(event.target);
      // By the keyboard only: a click follows its own rules, with Ctrl and Shift.
      if (index !== null && index !== this.#active && event.target.matches(".line:focus-visible")) {
        act.choose(index, {});
      }
    });
  }

  /** How many lines there are. */
  get length() {
    return this.#rows.length;
  }

  /** Draws a result anew. */
  draw(result) {
    const held = this.#rooms.held();
    this.#result = result;
    this.#active = this.#hovered = null;
    this.#rows = new Array(result.lines.length);
    const long = isLong(result);
    const pages = result.pages.map((page, index) => {
      // Of a long text the head stands within the room, and both come when they are near.
      const home = make("div", { class: "line-page", role: "rowgroup", "data-page": index });
      if (long) {
        home.style.height = `${ROW * (page.count + 1)}px`;
        return [home];
      }
      home.append(...this.#makeRows(page));
      return [...this.#head(page), home];
    });
    this.#grid.setAttribute("aria-rowcount", String(this.#rows.length));
    this.#grid.replaceChildren(...pages.flat());
    this.#rooms.use(long ? pages.map(([room]) => room) : [], held);
    this.row(0)?.setAttribute("tabindex", "0");
  }

  /** Takes the same lines with edits; `update` writes those that are shown. */
  take(result) {
    this.#result = result;
  }

  /** Writes one line anew, after an edit. */
  update(index, line) {
    if (!this.#rows[index] || this.#rows[index].querySelector("textarea")) {
      return; // it is out of sight, or whoever edits it writes it when the field goes
    }
    fillRow(this.#rows[index], line);
    if (index === this.#active) {
      this.#activeTools.show(this.#rows[index], index, line);
    }
  }

  /** The row of a line. */
  row(index) {
    this.#rooms.ensure(this.#result?.lines[index]?.page);
    return this.#rows[index];
  }

  /** What can be searched on a page: the texts as they are shown, and the elements that show them. */
  textsOf(page) {
    const { first, count } = this.#result.pages[page];
    return Array.from({ length: count }, (_, at) => ({
      text: this.#result.lines[first + at].text,
      element: () => this.row(first + at).querySelector(".line-text"),
    }));
  }

  /** Marks the line that the user works with, or none. */
  mark(index, line) {
    if (index !== this.#active) {
      const old = this.#rows[this.#active];
      old?.classList.remove("is-active");
      old?.setAttribute("tabindex", "-1");
      (this.#rows[0] ?? old)?.setAttribute("tabindex", index === null || index === 0 ? "0" : "-1");
      this.#active = index;
      this.#rows[index]?.classList.add("is-active");
      this.#rows[index]?.setAttribute("tabindex", "0");
    }
    this.#activeTools.show(this.#rows[index], index, line);
  }

  /** Marks the line that the user points at, or none. */
  hover(index, line) {
    this.#rows[this.#hovered]?.classList.remove("is-hovered");
    this.#hovered = index;
    this.#rows[index]?.classList.add("is-hovered");
    this.#hoverTools.show(index === this.#active ? undefined : this.#rows[index], index, line);
  }

  /** Marks the selected lines. */
  select(indexes) {
    this.#selected = indexes;
    for (const row of this.#grid.querySelectorAll("[aria-selected=true]")) {
      row.removeAttribute("aria-selected");
    }
    for (const index of indexes) {
      this.#rows[index]?.setAttribute("aria-selected", "true");
    }
  }

  /** Brings a line into view. */
  reveal(index) {
    const row = index === null ? undefined : this.row(index);
    if (row) {
      reveal(this.#scroller, row, 8);
    }
  }

  /** The line that a key leads to from the active one, or null where the key is none of these. */
  target(key) {
    const from = this.#active ?? -1;
    const last = this.#rows.length - 1;
    const targets = {
      ArrowDown: from + 1,
      ArrowUp: from - 1,
      Home: 0,
      End: last,
      PageDown: from + PAGE_STEP,
      PageUp: from - PAGE_STEP,
    };
    return key in targets && last >= 0 ? Math.min(last, Math.max(0, targets[key])) : null;
  }

  #head(page) {
    const count = this.#result.pages.length;
    const words = t("pageOf", { number: page.number, count });
    return count > 1 ? [make("h3", { class: "result-page", role: "presentation" }, words), ...remarksOf(page)] : [];
  }

  #makeRows({ first, count }) {
    return Array.from(
      { length: count },
      (_, at) => (this.#rows[first + at] = rowOf(this.#result.lines[first + at], first + at, at + 1)),
    );
  }

  #write(index, room) {
    const page = this.#result.pages[index];
    room.append(...this.#head(page), ...this.#makeRows(page));
    const own = (line) => line !== null && line >= page.first && line < page.first + page.count;
    this.#selected.forEach((line) => own(line) && this.#rows[line].setAttribute("aria-selected", "true"));
    const active = this.#active;
    if (own(active)) {
      this.#active = null;
      this.mark(active, this.#result.lines[active]);
    }
    this.#act.written();
  }

  #wipe(index) {
    const { first, count } = this.#result.pages[index];
    this.#rows.fill(undefined, first, first + count);
  }

  #indexAt(target) {
    const row = target instanceof Element ? target.closest(".line") : null;
    return row ? Number(row.dataset.index) : null;
  }

  #clicked(event) {
    const index = this.#indexAt(event.target);
    // Whoever has just selected a part of the text with the mouse does not choose a line by that.
    const selecting = !getSelection().isCollapsed && !event.shiftKey;
    if (index !== null && !selecting && !event.target.closest("button, textarea")) {
      this.#act.choose(index, event);
      this.#rows[index].focus({ preventScroll: true });
    }
  }
}
