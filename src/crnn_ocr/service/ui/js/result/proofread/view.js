// The tab Proofread: the list of lines, editing them, and going from doubt to doubt.

import { byId, iconButton, make } from "../../core/dom.js";
import { load } from "../../core/later.js";
import { isDoubtful, isUnsure } from "../../reading/result.js";
import { withLine } from "../../reading/changes.js";
import { t } from "../../words/words.js";
import { currentJob } from "../../jobs/jobs.js";
import { editIn, endEdit } from "../editor.js";
import { LineList } from "./list.js";

const CROP_MARGIN = 6; // pixels of the page around a line
const CROP_HIGHEST = 72; // CSS pixels

/** The list of lines, and what is done to them. */
export class Proofread {
  #store;
  #act;
  #list;
  #drawn = null;
  #counted = {}; // the lines whose doubts have been counted

  /**
   * @param {Store} store
   * @param {ProofreadAct} act
   */
  constructor(store, act) {
    this.#store = store;
    this.#act = act;
    this.#list = new LineList(byId("lines"), byId("panel-proofread"), {
      choose: act.choose,
      hover: (index) => store.set({ hovered: index }),
      edit: (index) => this.edit(index),
      undo: (index) =>
        act.change(
          currentJob(store.get()),
          (result) => withLine(result, index, { text: result.lines[index].original }),
          index,
        ),
      accept: (index) => this.#accept(index),
      copy: (index) => act.copy(currentJob(store.get()).result.lines[index].text),
      written: act.written,
    });
    byId("next-doubt").addEventListener("click", () => this.nextDoubt());
  }

  /** The list, for marks. */
  get list() {
    return this.#list;
  }

  /** Draws the lines of a job's result, or only those that an edit has changed. */
  draw(job, fresh) {
    const former = this.#drawn;
    const result = job?.result ?? null;
    this.#drawn = result;
    if (!fresh && former && result && former.pages === result.pages) {
      this.#list.take(result);
      result.lines.forEach((line, index) => line !== former.lines[index] && this.#list.update(index, line));
      return;
    }
    endEdit();
    const focused = byId("lines").contains(document.activeElement);
    this.#list.draw(result ?? { pages: [], lines: [] });
    const { active, selected } = this.#store.get();
    this.#list.mark(active, this.#line(active));
    this.#list.select(selected);
    if (focused && active !== null) {
      this.#list.row(active)?.focus({ preventScroll: true });
    }
  }

  /** How many doubts there are, and how many are left. */
  count(result) {
    if (result?.lines === this.#counted.lines && this.#counted.language === document.documentElement.lang) {
      return;
    }
    this.#counted = { lines: result?.lines, language: document.documentElement.lang };
    const left = result?.lines.filter(isDoubtful).length ?? 0;
    const words = left > 0 ? t("doubtsLeft", { count: left }) : t("doubtsNone");
    byId("doubts").classList.toggle("is-clear", left === 0);
    if (byId("doubts-count").textContent !== words) {
      byId("doubts-count").textContent = words;
    }
    byId("next-doubt").disabled = left === 0;
  }

  /** Lets the user edit a line; `flow`: from there on from doubt to doubt. */
  edit(index, flow = false) {
    if (!this.#line(index)) {
      return false;
    }
    this.#act.show();
    if (byId("panel-proofread").hidden) {
      return false;
    }
    endEdit();
    this.#act.choose(index, {});
    this.#act.lookAt(index, this.#line(index).chars.find(isUnsure)?.polygon);
    const job = currentJob(this.#store.get());
    const { text } = this.#line(index);
    const row = this.#list.row(index);
    editIn(
      row.querySelector(".line-text"),
      { text, label: t("editLine", { text }), above: this.#crop(job, index) },
      (value, how) => this.#edited(job, index, value, how, flow),
    );
    row.classList.add("is-open");
    this.#list.reveal(index);
    return true;
  }

  /** Goes to the next doubt after the line that the user works with, or to the first. */
  nextDoubt(step = 1) {
    const { result } = currentJob(this.#store.get()) ?? {};
    const next = result
      ? this.#doubt(result, this.#store.get().active ?? (step > 0 ? -1 : result.lines.length), step, true)
      : null;
    return next !== null && this.edit(next, true);
  }

  #line(index) {
    return index === null ? undefined : currentJob(this.#store.get())?.result?.lines[index];
  }

  // The next doubtful line, in a round where that is wanted.
  #doubt(result, from, step, round) {
    const count = result.lines.length;
    for (let moved = 1; moved <= count; moved += 1) {
      const at = from + step * moved;
      if (!round && (at < 0 || at >= count)) {
        return null;
      }
      const index = ((at % count) + count) % count;
      if (isDoubtful(result.lines[index])) {
        return index;
      }
    }
    return null;
  }

  #accept(index) {
    this.#act.change(currentJob(this.#store.get()), (result) => withLine(result, index, { checked: true }), index);
  }

  #edited(job, index, value, how, flow) {
    const patch =
      how === "accept" && isDoubtful(job.result.lines[index]) ? { text: value, checked: true } : { text: value };
    this.#list.row(index)?.classList.remove("is-open");
    this.#act.change(job, (result) => withLine(result, index, patch), index);
    const now = currentJob(this.#store.get());
    if (now?.id !== job.id || now.result.pages !== job.result.pages) {
      return false;
    }
    this.#list.update(index, now.result.lines[index]); // the field has taken the place of the text
    if (how === "leave") {
      return false;
    }
    const step = { accept: flow ? 1 : 0, next: 1, before: -1 }[how] ?? 0;
    const next = step ? this.#doubt(now.result, index, step, how === "accept") : null;
    if (next !== null && this.edit(next, true)) {
      return true;
    }
    this.#list.row(index).focus({ preventScroll: true });
    return false;
  }

  // The line as it is printed, above the field; with buttons for those who do not use keys.
  #crop(job, index) {
    const line = this.#line(index);
    const picture = make("span", { class: "crop-picture" });
    const page = job.result.pages[line.page];
    const room = {
      size: page,
      margin: CROP_MARGIN,
      widest: Math.max(120, byId("panel-proofread").clientWidth - 110),
      highest: CROP_HIGHEST,
    };
    load("result/crops.js")
      .then(({ cropOf }) => cropOf(job, line.page, line.polygon, room))
      .then(
        (canvas) => canvas && picture.replaceChildren(canvas),
        () => {},
      ); // the field does without
    const press = (key) => (event) => {
      event.preventDefault(); // the field keeps the focus, and with it what has been typed
      const field = event.currentTarget.closest(".line-text").querySelector("textarea");
      field.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    };
    const accept = iconButton("check", t("acceptLine"), () => {});
    const next = iconButton("down", t("nextDoubt"), () => {});
    accept.addEventListener("pointerdown", press("Enter"));
    next.addEventListener("pointerdown", press("Tab"));
    [accept, next].forEach((button) => button.setAttribute("tabindex", "-1"));
    return make("span", { class: "crop" }, picture, make("span", { class: "crop-tools" }, accept, next));
  }
}
