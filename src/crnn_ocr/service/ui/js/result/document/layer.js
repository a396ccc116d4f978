// The blocks over the picture: the outline of the one that is shown or pointed at, the grid of a table, and figures.

import { makeSvg } from "../../core/dom.js";
import { currentJob } from "../../jobs/jobs.js";
import { blocksOf, outlineOf } from "../../reading/blocks.js";

/** An SVG layer in the pixels of the page, below the boxes of the lines. */
export class BlockLayer {
  #page = null; // index of the page that is drawn
  #result = null;
  #blocks = [];
  #homes = new Map(); // line → key of its block
  #figures = makeSvg("g");
  #marks = makeSvg("g");
  #shown = "";
  #watching;

  /**
   * @param {Store} store
   * @param {{hover: DocumentAct["block"], pick: DocumentAct["pick"]}} act
   * @param {number | null} page its index; null: the page that is shown
   */
  constructor(store, act, page = null) {
    const pageOf = (job) => page ?? job?.page;
    this.element = makeSvg(
      "svg",
      { class: "boxes blocks", preserveAspectRatio: "none", "aria-hidden": "true" },
      this.#figures,
      this.#marks,
    );
    this.element.addEventListener("pointerover", (event) => act.hover(event.target.dataset.block ?? null));
    this.element.addEventListener("pointerleave", () => act.hover(null));
    this.element.addEventListener(
      "click",
      (event) => event.target.dataset.block && act.pick(event.target.dataset.block),
    );
    const draw = () => this.#draw(currentJob(store.get())?.result, pageOf(currentJob(store.get())));
    this.#watching = [
      store.watch((state) => [currentJob(state)?.result?.pages, pageOf(currentJob(state))], draw),
      store.watch(
        (state) => [
          state.active,
          state.hovered,
          state.block,
          state.blockHovered,
          pageOf(currentJob(state)),
          currentJob(state)?.result?.pages,
        ],
        (active, hovered, block, blockHovered) =>
          this.#mark(block ?? this.#homes.get(active), blockHovered ?? this.#homes.get(hovered)),
      ),
    ];
  }

  /** Looks no longer at the state. */
  close() {
    this.#watching.forEach((stop) => stop());
  }

  #draw(result, at) {
    this.#result = result ?? null;
    this.#page = at ?? null;
    this.#shown = "";
    this.#marks.replaceChildren();
    const page = this.#result?.pages[this.#page];
    this.#blocks = page ? blocksOf(this.#result, this.#page) : [];
    this.#homes = new Map(
      this.#blocks.flatMap((block, number) => block.lines.map((index) => [index, `${this.#page}/${number}`])),
    );
    this.element.setAttribute("viewBox", page ? `0 0 ${page.width} ${page.height}` : "0 0 1 1");
    // Other blocks have lines, and those can be pointed at.
    const figures = this.#blocks.flatMap((block, number) =>
      block.type === "figure" && block.polygon ? [{ block, number }] : [],
    );
    this.#figures.replaceChildren(
      ...figures.map(({ block, number }) =>
        makeSvg("polygon", {
          class: "block-figure",
          points: points(block.polygon),
          "data-block": `${this.#page}/${number}`,
        }),
      ),
    );
  }

  #mark(active, hovered) {
    const key = `${active} ${hovered}`;
    if (key === this.#shown) {
      return;
    }
    this.#shown = key;
    const parts = [...new Set([hovered, active])].flatMap((one) => this.#outline(one, one === active));
    this.#marks.replaceChildren(...parts);
  }

  #outline(key, active) {
    const [page, number] = (key ?? "").split("/").map(Number);
    const block = page === this.#page ? this.#blocks[number] : undefined;
    const outline = block && outlineOf(this.#result, block);
    if (!outline) {
      return [];
    }
    const cells = (block.table?.cells ?? []).map((cell) =>
      makeSvg("polygon", { class: "block-cell", points: points(cell.polygon) }),
    );
    return [
      ...cells,
      makeSvg("polygon", { class: `block-outline ${active ? "is-active" : ""}`.trim(), points: points(outline) }),
    ];
  }
}

/** The corners of a block of a result, or null. */
export function polygonOfBlock(result, key) {
  const [page, number] = key.split("/").map(Number);
  const block = result?.pages[page] ? blocksOf(result, page)[number] : undefined;
  return block ? outlineOf(result, block) : null;
}

function points(polygon) {
  return polygon.map((point) => point.join(",")).join(" ");
}
