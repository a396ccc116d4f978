// The lines of a result as a grid with one tab stop. Rows out of sight cost nothing (content-visibility).

import { make, reveal } from "../core/dom.js";
import { t } from "../words/words.js";
import { fillRow, rowOf } from "./row.js";
import { remarksOf } from "./notices.js";
import { RowTools } from "./tools.js";

const PAGE_STEP = 10;

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

  /**
   * @param {HTMLElement} grid
   * @param {HTMLElement} scroller what scrolls around it
   * @param {object} act `choose(index, event)`, `hover(index)`, `edit(index)`, `copy(index)`, `undo(index)`, `accept(index)`
   */
  constructor(grid, scroller, act) {
    this.#grid = grid;
    this.#scroller = scroller;
    this.#act = act;
    this.#activeTools = new RowTools(act);
    this.#hoverTools = new RowTools(act);
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
        act.choose(index, event);
      }
    });
  }

  /** How many lines there are. */
  get length() {
    return this.#rows.length;
  }

  /** Draws a result anew. */
  draw(result) {
    this.#active = this.#hovered = null;
    this.#rows = [];
    const parts = [];
    result.pages.forEach((page, index) => {
      if (result.pages.length > 1) {
        const words = t("pageOf", { number: page.number, count: result.pages.length });
        parts.push(make("h3", { class: "result-page", role: "presentation" }, words));
        parts.push(...remarksOf(page));
      }
      const rows = [];
      for (let number = 0; number < page.count; number += 1) {
        const at = page.first + number;
        rows.push(rowOf(result.lines[at], at, number + 1));
      }
      this.#rows.push(...rows);
      parts.push(make("div", { class: "line-page", role: "rowgroup", "data-page": index }, ...rows));
    });
    this.#grid.setAttribute("aria-rowcount", this.#rows.length);
    this.#grid.replaceChildren(...parts);
    this.#rows[0]?.setAttribute("tabindex", "0");
  }

  /** Writes one line anew, after an edit. */
  update(index, line) {
    if (this.#rows[index].querySelector("textarea")) {
      return; // whoever edits it writes it when the field goes
    }
    fillRow(this.#rows[index], line);
    if (index === this.#active) {
      this.#activeTools.show(this.#rows[index], index, line);
    }
  }

  /** The row of a line. */
  row(index) {
    return this.#rows[index];
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
    for (const row of this.#grid.querySelectorAll("[aria-selected=true]")) {
      row.removeAttribute("aria-selected");
    }
    for (const index of indexes) {
      this.#rows[index]?.setAttribute("aria-selected", "true");
    }
  }

  /** Brings a line into view. */
  reveal(index) {
    if (this.#rows[index]) {
      reveal(this.#scroller, this.#rows[index], 8);
    }
  }

  /** The line that a key leads to from the active one, or null where the key is none of these. */
  target(key) {
    const from = this.#active ?? -1;
    const last = this.#rows.length - 1;
    const targets = { ArrowDown: from + 1, ArrowUp: from - 1, Home: 0, End: last, PageDown: from + PAGE_STEP, PageUp: from - PAGE_STEP };
    return key in targets && last >= 0 ? Math.min(last, Math.max(0, targets[key])) : null;
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
