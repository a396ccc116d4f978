// Search in the result: hits are highlighted without touching the elements (CSS Custom Highlight API).

import { byId, reveal } from "../../core/dom.js";
import { t } from "../../words/words.js";

const HOMES = ".line, .doc-block";
const canHighlight = typeof Highlight === "function" && Boolean(CSS.highlights);

/** Finds a text inside the panel that is shown. */
export class Search {
  #panel = null;
  #subject = null;
  #hits = [];
  #texts = null; // of a long text, of which only a part is there: gives what can be found in it
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

  /**
   * Searches in this panel from now on; where it still shows the same subject, the hit that one is at stays.
   * @param {HTMLElement} panel
   * @param {unknown} subject
   * @param {(() => {text: string, element: () => HTMLElement}[]) | null} texts gives what a long text holds
   */
  attach(panel, subject, texts = null) {
    const same = panel === this.#panel && subject === this.#subject;
    this.#panel = panel;
    this.#subject = subject;
    this.#texts = texts;
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
    const shown = this.written();
    this.#hits =
      !needle || !this.#panel ? [] : this.#texts ? hitsInTexts(this.#texts(), needle) : hitsInPanel(this.#panel, shown);
    this.#at = -1;
    if (canHighlight) {
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

  /** Marks the hits in what is there; of a long text also when more of it has come. */
  written() {
    const needle = byId("search").value.trim();
    const shown = needle && this.#panel ? rangesOf(this.#panel, needle) : [];
    for (const row of document.querySelectorAll(".line.has-hit")) {
      row.classList.remove("has-hit");
    }
    for (const hit of shown) {
      hit.startContainer.parentElement.closest(".line")?.classList.add("has-hit");
    }
    if (canHighlight) {
      CSS.highlights.set("search", new Highlight(...shown));
    }
    return shown;
  }

  /** Goes to the next hit, or to the one before. */
  step(by) {
    const count = this.#hits.length;
    if (count > 0) {
      this.#mark((this.#at + by + count) % count);
      const hit = this.#hits[this.#at].range();
      const line = hit.startContainer.parentElement.closest("[data-index]");
      if (line) {
        this.#found(Number(line.dataset.index)); // first: the picture turns to it, too
      }
      reveal(this.#panel, hit.startContainer.parentElement.closest(".line, .cell, .doc-line") ?? homeOf(hit), 24);
    }
  }

  /** The line of the hit that the user is at, and which part of its text that is; null outside the list of lines. */
  current() {
    const hit = this.#hits[this.#at]?.range();
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
    const hit = this.#hits[at].range();
    if (canHighlight) {
      CSS.highlights.set("search-current", new Highlight(hit));
    }
    byId("search-count").textContent = t("hits", { at: at + 1, count: this.#hits.length });
    tellHit(homeOf(hit).dataset.index);
  }

  // Which row or block the hit is in, and which of its hits it is; found anew even where all is drawn anew.
  #place() {
    const { home } = this.#hits[this.#at];
    return { home, number: this.#at - this.#hits.findIndex((hit) => hit.home === home) };
  }

  #nearest({ home, number }) {
    const same = this.#hits.flatMap((other, at) => (other.home === home ? [at] : []));
    const next = this.#hits.findIndex((other) => other.home > home);
    return same.at(Math.min(number, same.length - 1)) ?? (next < 0 ? this.#hits.length - 1 : next);
  }
}

// The picture shows the line of the hit, where it has one.
function tellHit(index) {
  document.dispatchEvent(
    new CustomEvent("searchhit", { detail: index === undefined || index === null ? null : Number(index) }),
  );
}

function homeOf(hit) {
  return hit.startContainer.parentElement.closest(HOMES);
}

// A hit: the number of its row or block, and a function that tells its range.
function hitsInPanel(panel, ranges) {
  const all = new Map([...panel.querySelectorAll(HOMES)].map((element, index) => [element, index]));
  return ranges.map((range) => ({ home: all.get(homeOf(range)), range: () => range }));
}

// The elements come only when one goes there.
function hitsInTexts(texts, needle) {
  return texts.flatMap(({ text, element }, home) =>
    hitsOf(text, needle).map((_, number) => ({
      home,
      range: () => {
        const there = element();
        return hitsIn(there, needle).at(number) ?? rangeAround(there);
      },
    })),
  );
}

function rangeAround(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  return range;
}

/** Ranges of all places where the text of an element's lines or paragraphs contains a text, whatever its case. */
function rangesOf(panel, needle) {
  return [...panel.querySelectorAll(".line-text, .doc-block:not(.doc-table), .doc-table .cell")].flatMap((element) =>
    hitsIn(element, needle),
  );
}

function hitsIn(element, needle) {
  const starts = hitsOf(element.textContent, needle);
  const nodes = starts.length > 0 ? textNodes(element) : [];
  return starts.map((at) => {
    const range = document.createRange();
    const [first, last] = [nodeAt(nodes, at, false), nodeAt(nodes, at + needle.length, true)];
    range.setStart(first.node, first.offset);
    range.setEnd(last.node, last.offset);
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
  for (let start = 0; walker.nextNode(); start += walker.currentNode.nodeValue.length) {
    nodes.push({ node: walker.currentNode, start });
  }
  return nodes;
}

// At the seam of two nodes a range ends in the first and starts in the second.
function nodeAt(nodes, offset, isEnd) {
  const found = nodes.findLast(({ start }) => (isEnd ? start < offset : start <= offset)) ?? nodes[0];
  return { node: found.node, offset: offset - found.start };
}

// Positions have to stay those of the text, so letters whose lower case is longer keep their case.
function fold(text) {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : text;
}
