// The pages of a job as a grid of numbers, some at a time: of thousands nobody needs all at once.

import { iconButton, make } from "../core/dom.js";
import { explain, Problem } from "../server/problem.js";
import { t } from "../words/words.js";

const SHOWN = 60;

/** The grid, and the ways through it. */
export class PageList {
  #turnTo;
  #background = null;
  #first = 0; // of the shown ones
  #failed = false; // only those that have failed
  #followed = null; // the page that was shown when the grid was last brought to it
  #grid = make("div", { class: "page-grid", role: "group" });
  #range = make("span", { class: "page-range" });
  #before;
  #after;
  #only = make("button", { type: "button", class: "chip", onclick: () => this.#show(0, !this.#failed) });
  #number = make("input", {
    type: "number",
    class: "field field-small",
    min: "1",
    inputmode: "numeric",
    onchange: (event) => this.#jump(event.target),
  });
  #words = make("span");

  /** @param {(at: number) => void} turnTo shows a page, by its index */
  constructor(turnTo) {
    this.#turnTo = turnTo;
    this.#before = iconButton("left", "", () => this.#show(this.#first - SHOWN));
    this.#after = iconButton("right", "", () => this.#show(this.#first + SHOWN));
    const jump = make("label", { class: "page-jump" }, this.#words, this.#number);
    const ways = make("div", { class: "page-ways" }, this.#before, this.#range, this.#after, this.#only, jump);
    this.element = make("div", { class: "background-pages", id: "background-pages", hidden: true }, ways, this.#grid);
    this.#grid.addEventListener("click", ({ target }) => target.dataset.at && this.#turnTo(Number(target.dataset.at)));
    this.#grid.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Shows how far the pages are. */
  draw(background) {
    this.#background = background;
    if (this.#followed !== `${background.id}/${background.at}`) {
      this.#followed = `${background.id}/${background.at}`;
      const place = this.#places().indexOf(background.at);
      this.#first = place < 0 ? this.#first : place - (place % SHOWN);
    }
    this.#fill();
  }

  /** Puts the focus on the shown page. */
  focus() {
    this.#grid.querySelector("[tabindex='0']")?.focus();
  }

  // The indexes of the pages on offer.
  #places() {
    const { count, pages } = this.#background;
    const all = [...Array(count).keys()];
    return this.#failed ? all.filter((at) => pages[at]?.state === "failed") : all;
  }

  #show(first, failed = this.#failed) {
    this.#failed = failed;
    this.#first = first;
    this.#fill();
  }

  // Buttons stay where they are, and with them the focus: only what has changed is written.
  #fill() {
    const { pages, at: current, failed } = this.#background;
    this.#failed &&= failed > 0;
    const places = this.#places();
    this.#first = Math.max(0, Math.min(this.#first, (Math.ceil(places.length / SHOWN) - 1) * SHOWN));
    const shown = places.slice(this.#first, this.#first + SHOWN);
    while (this.#grid.children.length > shown.length) {
      this.#grid.lastElementChild.remove();
    }
    while (this.#grid.children.length < shown.length) {
      this.#grid.append(make("button", { type: "button", class: "page-button" }));
    }
    const stop = shown.includes(current) ? current : shown[0];
    shown.forEach((at, index) => fillButton(this.#grid.children[index], pages[at], at, at === current, at === stop));
    this.#grid.setAttribute("aria-label", t("backgroundPages"));
    this.#range.textContent =
      shown.length > 0
        ? t("pageRange", { first: shown[0] + 1, last: shown.at(-1) + 1, count: this.#background.count })
        : "";
    this.#words.textContent = t("pageJump");
    this.#number.max = String(this.#background.count);
    label(this.#before, t("pagesBefore"), this.#first === 0);
    label(this.#after, t("pagesAfter"), this.#first + SHOWN >= places.length);
    this.#before.hidden = this.#after.hidden = places.length <= SHOWN;
    this.#only.hidden = failed === 0;
    this.#only.textContent = t("only_failed", { count: failed });
    this.#only.setAttribute("aria-pressed", String(this.#failed));
  }

  #jump(field) {
    const at = Math.round(Number(field.value)) - 1;
    if (field.value !== "" && at >= 0 && at < this.#background.count) {
      this.#failed = false;
      this.#turnTo(at);
    }
    field.value = "";
  }

  #key(event) {
    const buttons = [...this.#grid.children];
    const here = buttons.indexOf(document.activeElement);
    const columns = Math.max(1, buttons.filter((button) => button.offsetTop === buttons[0].offsetTop).length);
    const next = {
      ArrowRight: here + 1,
      ArrowLeft: here - 1,
      ArrowDown: here + columns,
      ArrowUp: here - columns,
      Home: 0,
      End: buttons.length - 1,
    }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      buttons[next]?.focus();
    }
  }
}

function fillButton(button, page, at, isCurrent, isStop) {
  const state = page?.state ?? "queued";
  const reason =
    state === "failed"
      ? `: ${explain(new Problem(page.error?.code ?? "JOB_FAILED", { message: page.error?.message }))}`
      : "";
  const words = t("pageState", { number: at + 1, state: t(`pageIs_${state}`) }) + reason;
  button.textContent = String(at + 1);
  button.dataset.at = String(at);
  button.dataset.state = state;
  button.tabIndex = isStop ? 0 : -1;
  button.toggleAttribute("aria-current", false);
  if (isCurrent) {
    button.setAttribute("aria-current", "page");
  }
  button.setAttribute("aria-label", words);
  button.title = words;
}

function label(button, words, disabled) {
  button.setAttribute("aria-label", words);
  button.title = words;
  button.disabled = disabled;
}
