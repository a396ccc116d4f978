// The tab Document: the pages as a person would write them, with headings, paragraphs, lists, tables and figures.

import { make } from "../../core/dom.js";
import { blocksOf } from "../../reading/blocks.js";
import { t } from "../../words/words.js";
import { watchFigures } from "./figures.js";
import { flow, lineAt, seamedLines, textsOfPage } from "./flow.js";
import { marked } from "../marked.js";
import { remarksOf } from "../notices.js";
import { isLong, Rooms } from "../rooms.js";
import { tableOf } from "./table.js";

const LINE = 27; // CSS pixels of a line that nobody has seen yet

/** Draws a result as a document, and redraws only the blocks that an edit has changed. */
export class DocumentView {
  #place;
  #act;
  #job = null;
  #result = null;
  #homes = []; // by line: the key of its block
  #blocks = new Map(); // key → { element, page, index }
  #active = null;
  #hovered = null;
  #marks = [null, undefined]; // line and block that the user works with
  #gridKey = null; // of the table whose grid is edited
  #rooms;
  #figures;

  /**
   * @param {HTMLElement} place
   * @param {DocumentAct} act
   */
  constructor(place, act) {
    this.#place = place;
    this.#act = act;
    this.#figures = watchFigures(place, () => this.#job);
    this.#rooms = new Rooms(place.parentElement, {
      write: (page, room) => this.#write(page, room),
      wipe: (page) => this.#wipe(page),
    });
    place.addEventListener("pointerover", (event) => this.#over(event.target));
    place.addEventListener("pointerleave", () => this.#over(null));
    place.addEventListener("click", (event) => this.#clicked(event));
    place.addEventListener("dblclick", (event) => {
      const line = lineAt(event.target);
      if (line !== null && !event.target.closest("table, textarea")) {
        act.edit(line);
      }
    });
  }

  /** Draws a job's result: anew, or only the blocks that an edit has changed. */
  draw(job, fresh) {
    const former = this.#result;
    this.#job = job;
    this.#result = job?.result ?? null;
    if (!fresh && former && this.#result && former.pages === this.#result.pages) {
      this.#update(former);
      return;
    }
    const held = this.#rooms.held();
    this.#figures.disconnect();
    this.#blocks.clear();
    this.#homes = [];
    this.#active = this.#hovered = null;
    const pages = this.#result?.pages ?? [];
    this.#place.classList.toggle("is-plain", this.#result?.layout !== "blocks");
    const long = isLong(this.#result);
    const sections = pages.map((page, index) => {
      const label = t("pageOf", { number: page.number, count: pages.length });
      const section = make("section", { class: "doc-page", "aria-label": long ? null : label, "data-page": index });
      if (long) {
        section.style.height = `${LINE * (page.count + 2)}px`;
      } else {
        section.append(...this.#page(page, index, pages.length));
      }
      return section;
    });
    this.#place.replaceChildren(...sections);
    this.#rooms.use(long ? sections : [], fresh ? null : held);
  }

  /** The element that shows a line. */
  line(index) {
    this.#rooms.ensure(this.#result?.lines[index]?.page);
    return this.#place.querySelector(`.doc-line[data-index="${index}"]`);
  }

  /** The element of a block. */
  block(key) {
    this.#rooms.ensure(Number(key?.split("/")[0] ?? -1));
    return this.#blocks.get(key)?.element;
  }

  /** What can be searched on a page: the texts as they are shown, and the elements that show them. */
  textsOf(page) {
    return textsOfPage(this.#result, page, (key) => this.block(key));
  }

  /** Shows that the grid of a table is being edited, or none. */
  markGrid(key) {
    const former = this.#gridKey;
    this.#gridKey = key;
    [former, key].forEach((one) => one && this.#redraw(one));
  }

  /** Marks the line that the user works with, and its block; or a block alone. */
  mark(index, key) {
    this.#marks = [index, key];
    this.#active = this.#swap(this.#active, index, key, "is-active");
  }

  /** Marks what the user points at. */
  hover(index, key) {
    this.#hovered = this.#swap(this.#hovered, index, key, "is-hovered");
  }

  #swap(old, index, key, name) {
    old?.forEach((element) => element.classList.remove(name));
    const now = [this.block(key ?? this.#homes[index]), index === null ? null : this.line(index)].filter(Boolean);
    now.forEach((element) => element.classList.add(name));
    return now;
  }

  #page(page, index, count) {
    const words = t("pageOf", { number: page.number, count });
    const remarks = count > 1 ? remarksOf(page) : [];
    const blocks = blocksOf(this.#result, index);
    const elements = blocks.map((block, number) => this.#block(block, index, number));
    const empty = elements.length === 0 && !page.error ? [make("p", { class: "doc-none" }, t("noTextShort"))] : [];
    const head = count > 1 ? [make("p", { class: "result-page", "aria-hidden": "true" }, words)] : [];
    return [...head, ...remarks, ...flow(this.#result, blocks, elements), ...empty];
  }

  #write(index, room) {
    room.append(...this.#page(this.#result.pages[index], index, this.#result.pages.length));
    const [line, key] = this.#marks;
    if (this.#result.lines[line]?.page === index || key?.startsWith(`${index}/`)) {
      this.mark(line, key);
    }
    this.#act.written();
  }

  #wipe(index) {
    blocksOf(this.#result, index).forEach((_, number) => this.#blocks.delete(`${index}/${number}`));
  }

  #block(block, page, number) {
    const key = `${page}/${number}`;
    block.lines.forEach((index) => {
      this.#homes[index] = key;
    });
    const element = this.#element(block, key);
    element.classList.add("doc-block", `doc-${block.type}`);
    element.dataset.block = key;
    this.#blocks.set(key, { element, page, number });
    return element;
  }

  #element(block, key) {
    const result = this.#result;
    if (block.table) {
      const [page, number] = key.split("/").map(Number);
      return tableOf(result, block, {
        edit: (cell, rows) => this.#act.cell({ page, block: number, cell }, rows),
        say: this.#act.say,
        redraw: () => this.#redraw(key),
        grid: () => this.#act.grid(key),
        gridOpen: key === this.#gridKey,
      });
    }
    if (block.type === "figure" && block.polygon) {
      const figure = make("figure", { role: "img", "aria-label": t("figure") }, ...this.#lines(block));
      this.#figures.observe(figure);
      return figure;
    }
    if (block.type === "heading") {
      return make(
        "div",
        {
          role: "heading",
          "aria-level": Math.min(6, (block.level || 2) + 2),
          "data-level": Math.min(4, block.level || 2),
        },
        ...this.#lines(block),
      );
    }
    if (block.type === "list_item") {
      return make("li", { "data-level": Math.min(6, block.level || 1) }, ...this.#lines(block));
    }
    return make("p", {}, ...this.#lines(block));
  }

  #lines(block) {
    const [lines, seams] = seamedLines(this.#result, block);
    return lines.flatMap((line, at) => {
      const parts = marked(line);
      if (seams[at]?.hyphen && typeof parts.at(-1) === "string") {
        parts.push(parts.pop().slice(0, -1));
      }
      return [make("span", { class: "doc-line", "data-index": line.index }, ...parts), seams[at]?.between ?? ""];
    });
  }

  #update(former) {
    const keys = new Set();
    this.#result.lines.forEach((line, index) => {
      if (line !== former.lines[index]) {
        keys.add(this.#homes[index]);
      }
    });
    keys.forEach((key) => this.#redraw(key));
  }

  #redraw(key) {
    const { element, page, number } = this.#blocks.get(key) ?? {};
    if (element) {
      const fresh = this.#block(blocksOf(this.#result, page)[number], page, number);
      element.replaceWith(fresh);
    }
  }

  #over(target) {
    const line = lineAt(target);
    const key = target instanceof Element ? (target.closest(".doc-block")?.dataset.block ?? null) : null;
    this.#act.hover(line);
    this.#act.block(line === null ? key : null);
  }

  #clicked(event) {
    if (!getSelection().isCollapsed || event.target.closest("button, textarea")) {
      return;
    }
    const line = lineAt(event.target);
    const key = event.target.closest(".doc-block")?.dataset.block;
    if (line !== null) {
      this.#act.choose(line, event);
    } else if (key) {
      this.#act.pick(key);
    }
  }
}
