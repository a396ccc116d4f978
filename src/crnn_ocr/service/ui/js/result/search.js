// Search in the result: hits are highlighted without touching the elements (CSS Custom Highlight API).

import { byId, reveal } from "../core/dom.js";
import { t } from "../words/words.js";

const canHighlight = typeof Highlight === "function" && Boolean(CSS.highlights);

/** Finds a text inside the panel that is shown. */
export class Search {
  #panel = null;
  #hits = [];
  #at = -1;

  constructor() {
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

  /** Searches in another panel from now on. */
  attach(panel) {
    this.#panel = panel;
    this.run();
  }

  /** Empties the field. */
  clear() {
    byId("search").value = "";
    this.run();
  }

  /** Searches anew, for example after the text has changed. */
  run() {
    const needle = byId("search").value.trim();
    this.#hits = needle && this.#panel ? rangesOf(this.#panel, needle) : [];
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
    if (this.#hits.length > 0) {
      this.step(1);
    } else {
      byId("search-count").textContent = t("hits", { at: 0, count: 0 });
    }
  }

  /** Goes to the next hit, or to the one before. */
  step(by) {
    const count = this.#hits.length;
    if (count === 0) {
      return;
    }
    this.#at = (this.#at + by + count) % count;
    const hit = this.#hits[this.#at];
    if (canHighlight) {
      CSS.highlights.set("search-current", new Highlight(hit));
    }
    byId("search-count").textContent = t("hits", { at: this.#at + 1, count });
    const element = hit.startContainer.parentElement;
    reveal(this.#panel, element.closest(".line") ?? element, 24);
  }
}

/** Ranges of all places where the text of an element's lines or paragraphs contains a text, whatever its case. */
function rangesOf(panel, needle) {
  const wanted = fold(needle);
  return [...panel.querySelectorAll(".line-text, .paragraph")].flatMap((element) => hitsIn(element, wanted));
}

function hitsIn(element, wanted) {
  const folded = fold(element.textContent);
  let at = folded.indexOf(wanted);
  if (at < 0) {
    return [];
  }
  const nodes = textNodes(element);
  const hits = [];
  while (at >= 0) {
    const range = document.createRange();
    range.setStart(...nodeAt(nodes, at, false));
    range.setEnd(...nodeAt(nodes, at + wanted.length, true));
    hits.push(range);
    at = folded.indexOf(wanted, at + wanted.length);
  }
  return hits;
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
