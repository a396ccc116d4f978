// What is copied: the selected lines, or everything, as the shown tab has it.

import { copyRich, copyText } from "../core/clipboard.js";
import { byId, make } from "../core/dom.js";
import { currentJob } from "../jobs/jobs.js";
import { blocksOf, flowText, textOf, textOfBlock } from "../reading/blocks.js";
import { t } from "../words/words.js";
import { plainTable, rowsWithBreaks } from "./document/table.js";

/** Copies what is selected or everything, tells how it went, and names the button by what it would copy. */
export class Copying {
  #store;
  #say;
  #label = byId("copy-all").lastElementChild;

  /** @param {Store} store */
  constructor(store, say) {
    this.#store = store;
    this.#say = say;
    store.watch(
      (state) => [state.selected, Boolean(currentJob(state)?.background), state.prefs.language],
      () => this.#name(),
    );
  }

  /** Copies a text; resolves to whether it worked. */
  text(text) {
    return this.#told(copyText(text));
  }

  /** Copies the selection or everything; resolves to whether it worked. */
  async copy() {
    const { selected, prefs } = this.#store.get();
    const { result } = currentJob(this.#store.get()) ?? {};
    if (!result?.lines.length) {
      return false;
    }
    const done = await this.#told(copyResult(result, selected, prefs.view === "document"));
    if (done) {
      this.#label.textContent = t("copied");
      setTimeout(() => this.#name(), 1500);
    }
    return done;
  }

  #name() {
    this.#label.textContent = copyWords(currentJob(this.#store.get()), this.#store.get().selected);
  }

  async #told(copying) {
    const done = await copying;
    this.#say(t(done ? "copied" : "copyFailed"), { quiet: done });
    return done;
  }
}

/**
 * Copies the selected lines, or everything where none is selected; resolves to whether it worked.
 * @param {Result} result
 * @param {Set<number>} selected
 * @param {boolean} formatted whether all goes as a document, with headings and tables for programs that know them
 */
function copyResult(result, selected, formatted) {
  if (selected.size > 0) {
    return copyText(selectionText(result, selected));
  }
  return formatted && result.layout === "blocks"
    ? copyRich(flowText(result), richText(result))
    : copyText(textOf(result));
}

/** The text of the selected lines, in reading order; pages are separated by an empty row. */
export function selectionText(result, selected) {
  const chosen = [...selected]
    .sort((a, b) => a - b)
    .map((index) => result.lines[index])
    .filter(Boolean);
  const pages = [...new Set(chosen.map((line) => line.page))];
  return pages
    .map((page) =>
      chosen
        .filter((line) => line.page === page)
        .map((line) => line.text)
        .join("\n"),
    )
    .join("\n\n");
}

/** Makes copying a part of the list with the mouse give its text alone, one row per line. */
export function watchCopy(list) {
  list.addEventListener("copy", (event) => {
    const selection = getSelection();
    if (selection.isCollapsed || event.target instanceof HTMLTextAreaElement) {
      return;
    }
    const range = selection.getRangeAt(0);
    const cells = [...list.querySelectorAll(".line-text")].filter((cell) => range.intersectsNode(cell));
    if (cells.length > 0) {
      event.preventDefault();
      event.clipboardData.setData("text/plain", cells.map((cell) => partOf(cell, range)).join("\n"));
    }
  });
}

// Elements without the page's own classes and marks; only their source is used.
function richText(result) {
  const blocks = result.pages.flatMap((_, page) => blocksOf(result, page));
  const parts = blocks
    .filter(({ type }) => !["header", "footer", "page_number"].includes(type))
    .flatMap((block) => rich(result, block));
  return make("div", {}, ...parts).innerHTML;
}

function rich(result, block) {
  if (block.table) {
    return [plainTable(result, block.table)];
  }
  const text = textOfBlock(result, block);
  const name = block.type === "heading" ? `h${Math.min(6, block.level || 2)}` : "p";
  return text.trim() ? [make(name, {}, ...rowsWithBreaks(text))] : [];
}

function partOf(cell, range) {
  const part = document.createRange();
  part.selectNodeContents(cell);
  if (part.comparePoint(range.startContainer, range.startOffset) === 0) {
    part.setStart(range.startContainer, range.startOffset);
  }
  if (part.comparePoint(range.endContainer, range.endOffset) === 0) {
    part.setEnd(range.endContainer, range.endOffset);
  }
  return part.toString();
}

function copyWords(job, selected) {
  return selected.size > 0 ? t("copySome", { count: selected.size }) : t(job?.background ? "copyPage" : "copyAll");
}
