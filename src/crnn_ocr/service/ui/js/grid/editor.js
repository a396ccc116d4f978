// The lines of a table over the picture: drag one, or move it by arrow keys; + adds one, Delete removes one.

import { make, makeSvg } from "../core/dom.js";
import { currentJob } from "../jobs/jobs.js";
import { t } from "../words/words.js";
import { KINDS, lineOf, place, plusOf, wordsOf } from "./draw.js";
import { tableAt, withLineAdded, withLineMoved, withLineRemoved } from "./change.js";
import { between, pointAt, shareOf } from "./lines.js";

const STEP = 2; // pixels of the page per arrow key
const FAR = 12; // with Shift

/** Edits the grid of one table at a time. */
export class GridEditor {
  #store;
  #act;
  #svg = makeSvg("svg", { class: "boxes grid-lines", preserveAspectRatio: "none" });
  #home = make("div", { class: "grid-editor", role: "group" }, this.#svg);
  #at = null; // { page, block } of the table
  #drag = null; // { kind, number, share }
  #chosen = null; // { kind, number } of the line that was chosen last
  #minus = make("button", { type: "button", class: "grid-plus grid-minus", onclick: () => this.#remove() }, "\u2212");

  /**
   * @param {Store} store
   * @param {GridAct & {ended: () => void}} act
   */
  constructor(store, act) {
    this.#store = store;
    this.#act = act;
    this.#home.addEventListener("keydown", (event) => this.#key(event));
    this.#home.addEventListener("pointerdown", (event) => this.#grip(event));
    this.#home.addEventListener("pointermove", (event) => this.#move(event));
    this.#home.addEventListener("pointerup", () => this.#drop(true));
    this.#home.addEventListener("pointercancel", () => this.#drop(false));
    this.#home.addEventListener("focusin", ({ target }) => {
      if (target.dataset.grip) {
        this.#choose(target.dataset.grip);
      }
    });
    store.watch(
      (state) => [currentJob(state)?.id, state.prefs.view],
      () => this.close(),
    );
    store.watch(
      (state) => [currentJob(state)?.result, state.prefs.language],
      () => this.#at && this.#draw(),
    );
  }

  /** Shows the lines of a table; false where nobody knows where they are. */
  open(key) {
    const [page, block] = key.split("/").map(Number);
    this.#at = { page, block };
    this.#chosen = null;
    if (!this.#table) {
      this.#at = null;
      return false;
    }
    this.#draw();
    this.#act.put(page, this.#home);
    this.#home.querySelector(".grid-line")?.focus({ preventScroll: true });
    return true;
  }

  /** Ends the editing. */
  close() {
    if (this.#at) {
      this.#at = null;
      this.#act.put(0, null);
      this.#act.ended();
    }
  }

  get #result() {
    return currentJob(this.#store.get())?.result;
  }

  get #table() {
    return tableAt(this.#result, this.#at);
  }

  // The line that has the focus keeps it, whatever is drawn anew.
  #draw() {
    const found = this.#table;
    if (!found) {
      this.close();
      return;
    }
    const { width, height } = this.#result.pages[this.#at.page];
    const focused = this.#home.contains(document.activeElement)
      ? /** @type {HTMLElement} */ (document.activeElement).dataset.name
      : null;
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#home.setAttribute("aria-label", t("gridEdit"));
    const lines = KINDS.flatMap((kind) =>
      found.grid[kind].map((_, number) => lineOf(found.grid, kind, number, this.#share(found.grid, kind, number))),
    );
    const buttons = KINDS.flatMap((kind) =>
      found.grid[kind]
        .slice(1)
        .map((_, number) => plusOf(found.grid, kind, number, { width, height }, () => this.#add(kind, number))),
    );
    this.#svg.replaceChildren(...lines);
    this.#home.replaceChildren(this.#svg, ...buttons, this.#minus);
    this.#placeMinus(found.grid);
    if (focused) {
      this.#focus(focused);
    }
  }

  // Where a line is, or where it is being dragged to.
  #share(grid, kind, number) {
    const dragged = this.#drag?.kind === kind && this.#drag.number === number;
    return dragged ? this.#drag.share : grid[kind][number];
  }

  #add(kind, number) {
    this.#change((result) => withLineAdded(result, this.#at, kind, number));
    this.#focus(`${kind}/${number + 1}`);
  }

  #choose(grip) {
    const [kind, number] = grip.split("/");
    this.#chosen = { kind, number: Number(number) };
    this.#placeMinus(this.#table.grid);
  }

  // At the end of the line that was chosen; for those who have no key for it.
  #placeMinus(grid) {
    const { kind, number } = this.#chosen ?? {};
    const inner = kind !== undefined && number > 0 && number < grid[kind].length - 1;
    this.#minus.hidden = !inner;
    if (inner) {
      const { width, height } = this.#result.pages[this.#at.page];
      const end = grid[kind === "rows" ? "cols" : "rows"].at(-1);
      const share = this.#drag?.share ?? grid[kind][number];
      const label = `${t("gridRemove")}: ${wordsOf(grid, kind, number)}`;
      this.#minus.setAttribute("aria-label", label);
      this.#minus.title = label;
      this.#minus.dataset.kind = kind;
      place(this.#minus, pointAt(grid.frame, kind === "rows" ? [end, share] : [share, end]), { width, height });
    }
  }

  #remove() {
    const { kind, number } = this.#chosen;
    this.#change((result) => withLineRemoved(result, this.#at, kind, number));
    this.#focus(`${kind}/${number - 1}`);
  }

  #change(changed) {
    this.#store.set({ active: null, hovered: null, block: null, selected: new Set() }); // lines are numbered anew
    this.#act.change(changed);
    const table = this.#table?.table;
    if (table) {
      this.#act.say(t("gridChanged", table));
    }
  }

  #focus(name) {
    this.#home.querySelector(`[data-name="${name}"]`)?.focus({ preventScroll: true });
  }

  #key(event) {
    const [kind, number] = (event.target.dataset.grip ?? "").split("/");
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.close();
      return;
    }
    const forth = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const along = kind === "rows" ? ["ArrowDown", "ArrowUp"] : ["ArrowRight", "ArrowLeft"];
    if (!kind || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === "Delete" || event.key === "Backspace") {
      if (!this.#minus.hidden) {
        this.#remove();
      }
    } else if (along.includes(event.key)) {
      const { frame, [kind]: lines } = this.#table.grid;
      const share = lines[number] + (forth * (event.shiftKey ? FAR : STEP)) / lengthOf(frame, kind);
      this.#change((result) => withLineMoved(result, this.#at, kind, Number(number), share));
    } else if (forth === undefined) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  #grip(event) {
    const grip = event.target.closest("[data-grip]");
    if (grip && event.button === 0) {
      event.preventDefault();
      const [kind, number] = grip.dataset.grip.split("/");
      this.#focus(grip.dataset.name);
      this.#home.setPointerCapture(event.pointerId);
      this.#drag = { kind, number: Number(number), share: this.#table.grid[kind][number], moved: false };
    }
  }

  #move(event) {
    if (!this.#drag) {
      return;
    }
    const { kind, number } = this.#drag;
    const { frame, [kind]: lines } = this.#table.grid;
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.#svg.getScreenCTM().inverse());
    const share = shareOf(frame, [point.x, point.y])[kind === "rows" ? 1 : 0];
    this.#drag = { kind, number, share: between(share, lines[number - 1] ?? -1, lines[number + 1] ?? 2), moved: true };
    this.#draw();
  }

  #drop(wanted) {
    const drag = this.#drag;
    this.#drag = null;
    if (drag?.moved && wanted) {
      this.#change((result) => withLineMoved(result, this.#at, drag.kind, drag.number, drag.share));
    } else if (drag?.moved) {
      this.#draw();
    }
  }
}

// Pixels of the page across the lines.
function lengthOf([a, b, , d], kind) {
  const end = kind === "rows" ? d : b;
  return Math.hypot(end[0] - a[0], end[1] - a[1]) || 1;
}
