// Search in the result: hits are highlighted without touching the elements (CSS Custom Highlight API).

import { byId, reveal } from "../core/dom.js";
import { t } from "../words/words.js";

const HOMES = ".line, .doc-block";
const canHighlight = typeof Highlight === "function" && Boolean(CSS.highlights);

/** Finds a text inside the panel that is shown. */
export class Search {
  #panel = null;
  #subject = null;
  #hits = [];
  #homes = []; // for each hit the number of its row or block
  #at = -1;

  #found;

  /** @param {(index: number) => void} found hears the line of every hit that the user goes to */
  constructor(found) {
    this.#found = found;
    byId("search").addEventListener("input", () => this.run());
    byId("search").addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        this.step(event.shiftKey ? -1 : 1);
      } else if (event.key === "Escape" && byId("search").value) {
        event.stopPropagation();
        this.clear();
      }
    });
    byId("search-clear").addEventListener("click", () => {
      this.clear();
      byId("search").focus();
    });
    byId("search-before").addEventListener("click", () => this.step(-1));
    byId("search-after").addEventListener("click", () => this.step(1));
  }

  /** Searches in this panel from now on; where it still shows the same subject, the hit that one is at stays. */
  attach(panel, subject) {
    const same = panel === this.#panel && subject === this.#subject;
    this.#panel = panel;
    this.#subject = subject;
    this.run(same && this.#at >= 0 ? this.#place() : null);
  }

  /** Empties the field. */
  clear() {
    byId("search").value = "";
    this.run();
  }

  /** Searches anew, and goes to the first hit; or stays at a place, as far as there still is a hit. */
  run(place = null) {
    const needle = byId("search").value.trim();
    this.#hits = needle && this.#panel ? rangesOf(this.#panel, needle) : [];
    const all = new Map([...(this.#panel?.querySelectorAll(HOMES) ?? [])].map((element, index) => [element, index]));
    this.#homes = this.#hits.map((hit) => all.get(homeOf(hit)));
    this.#at = -1;
    for (const row of document.querySelectorAll(".line.has-hit")) {
      row.classList.remove("has-hit");
    }
    for (const hit of this.#hits) {
      hit.startContainer.parentElement.closest(".line")?.classList.add("has-hit");
    }
    if (canHighlight) {
      CSS.highlights.set("search", new Highlight(...this.#hits));
      CSS.highlights.delete("search-current");
    }
    byId("search-found").hidden = !needle;
    if (this.#hits.length === 0) {
      tellHit(null);
    }
    if (this.#hits.length > 0 && place) {
      this.#mark(this.#nearest(place));
    } else if (this.#hits.length > 0) {
      this.step(1);
    } else {
      byId("search-count").textContent = t("hits", { at: 0, count: 0 });
    }
  }

  /** Goes to the next hit, or to the one before. */
  step(by) {
    const count = this.#hits.length;
    if (count > 0) {
      this.#mark((this.#at + by + count) % count);
      const hit = this.#hits[this.#at];
      const line = hit.startContainer.parentElement.closest("[data-index]");
      if (line) {
        this.#found(Number(line.dataset.index)); // first: the picture turns to it, too
      }
      reveal(this.#panel, hit.startContainer.parentElement.closest(".line, .cell, .doc-line") ?? homeOf(hit), 24);
    }
  }

  /** The line of the hit that the user is at, and which part of its text that is; null outside the list of lines. */
  current() {
    const hit = this.#hits[this.#at];
    const cell = hit?.startContainer.parentElement.closest(".line-text");
    if (!cell) {
      return null;
    }
    const before = document.createRange();
    before.setStart(cell, 0);
    before.setEnd(hit.startContainer, hit.startOffset);
    const start = before.toString().length;
    return { index: Number(cell.parentElement.dataset.index), start, end: start + hit.toString().length };
  }

  #mark(at) {
    this.#at = at;
    if (canHighlight) {
      CSS.highlights.set("search-current", new Highlight(this.#hits[at]));
    }
    byId("search-count").textContent = t("hits", { at: at + 1, count: this.#hits.length });
    tellHit(homeOf(this.#hits[at]).dataset.index);
  }

  // Which row or block the hit is in, and which of its hits it is; found anew even where all is drawn anew.
  #place() {
    const home = this.#homes[this.#at];
    return { home, number: this.#at - this.#homes.indexOf(home) };
  }

  #nearest({ home, number }) {
    const same = this.#homes.flatMap((other, at) => (other === home ? [at] : []));
    const next = this.#homes.findIndex((other) => other > home);
    return same.at(Math.min(number, same.length - 1)) ?? (next < 0 ? this.#hits.length - 1 : next);
  }
}

// The picture shows the line of the hit, where it has one.
function tellHit(index) {
  document.dispatchEvent(new CustomEvent("searchhit", { detail: index === undefined || index === null ? null : Number(index) }));
}

function homeOf(hit) {
  return hit.startContainer.parentElement.closest(HOMES);
}

/** Ranges of all places where the text of an element's lines or paragraphs contains a text, whatever its case. */
function rangesOf(panel, needle) {
  return [...panel.querySelectorAll(".line-text, .doc-block:not(.doc-table), .doc-table .cell")].flatMap((element) => hitsIn(element, needle));
}

function hitsIn(element, needle) {
  const starts = hitsOf(element.textContent, needle);
  const nodes = starts.length > 0 ? textNodes(element) : [];
  return starts.map((at) => {
    const range = document.createRange();
    range.setStart(...nodeAt(nodes, at, false));
    range.setEnd(...nodeAt(nodes, at + needle.length, true));
    return range;
  });
}

/** Where a text stands in another, whatever the case of both. */
export function hitsOf(text, needle) {
  const folded = fold(text);
  const wanted = fold(needle);
  const starts = [];
  for (let at = folded.indexOf(wanted); at >= 0; at = folded.indexOf(wanted, at + wanted.length)) {
    starts.push(at);
  }
  return starts;
}

function textNodes(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const nodes = [];
  for (let start = 0; walker.nextNode(); start += walker.currentNode.length) {
    nodes.push({ node: walker.currentNode, start });
  }
  return nodes;
}

// At the seam of two nodes a range ends in the first and starts in the second.
function nodeAt(nodes, offset, isEnd) {
  const found = nodes.findLast(({ start }) => (isEnd ? start < offset : start <= offset)) ?? nodes[0];
  return [found.node, offset - found.start];
}

// Positions have to stay those of the text, so letters whose lower case is longer keep their case.
function fold(text) {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : text;
}
