// The right side: the tabs of the shown job, and what is done to its result.

import { byId, reveal } from "../core/dom.js";
import { later } from "../core/later.js";
import { setPrefs } from "../core/prefs.js";
import { currentJob, jobOf, turnTo } from "../jobs/jobs.js";
import { withCell } from "../reading/changes.js";
import { t } from "../words/words.js";
import { Copying, selectionText, watchCopy } from "./copying.js";
import { Description } from "./description.js";
import { DocumentView } from "./document/view.js";
import { changeResult, redo, undo } from "./edits.js";
import { endEdit } from "./editor.js";
import { Proofread } from "./proofread/view.js";
import { watchSearch } from "./search/opener.js";
import { isLong } from "./rooms.js";
import { selectionAfter } from "./selection.js";
import { watchListKeys } from "./proofread/list-keys.js";
import { markTab, watchTabs } from "./tabs.js";

/** Shows the result of the current job and lets the user work with it. */
export class ResultView {
  #store;
  #say;
  #act;
  #proofread;
  #document;
  #search;
  #description;
  #copying;
  #drawn = new Map(); // view → what it shows

  /**
   * @param {Store} store
   * @param {Say} say
   * @param {ResultAct} act
   */
  constructor(store, say, act) {
    this.#store = store;
    this.#say = say;
    this.#act = act;
    this.#copying = new Copying(store, say);
    const choose = (index, event) => this.choose(index, event);
    const written = () => this.#search.written();
    this.#proofread = new Proofread(store, {
      choose,
      change: (job, make, index) => this.#change(job, make, index),
      copy: (text) => this.#copying.text(text),
      lookAt: act.lookAt,
      show: () => setPrefs(store, { view: "proofread" }),
      written,
    });
    const change = (make) => this.#change(currentJob(store.get()), make, null);
    const mark = (key) => this.#document.markGrid(key);
    const grid = later("result/document/grid.js", ({ gridToggle }) =>
      gridToggle(store, { put: act.put, change, mark, say }),
    );
    this.#document = new DocumentView(byId("document"), {
      choose,
      hover: (index) => store.set({ hovered: index }),
      written,
      grid: (key) => grid().then((toggle) => toggle(key), act.missing),
      block: (key) => store.set({ blockHovered: key }),
      pick: (key) => this.pick(key),
      edit: (index) => this.edit(index),
      cell: (at, rows) => change((result) => withCell(result, at, rows)),
      say,
    });
    this.#search = watchSearch(store, {
      found: (index) => this.#found(index),
      change: (make, index) => this.#change(currentJob(store.get()), make, index),
      show: () => setPrefs(store, { view: "proofread" }),
      say,
      missing: act.missing,
    });
    this.#description = new Description(act);
    watchCopy(byId("lines"));
    watchListKeys(byId("lines"), store, this.#proofread.list, {
      choose,
      edit: (index) => this.edit(index),
      copy: (indexes) => this.#copying.text(selectionText(currentJob(store.get()).result, indexes)),
    });
    byId("copy-all").addEventListener("click", () => this.copy());
    byId("undo").addEventListener("click", () => this.undo());
    byId("redo").addEventListener("click", () => this.redo());
    watchTabs(byId("result-tabs"), (view) => setPrefs(store, { view }));
    const shown = (state) => [currentJob(state)?.id, currentJob(state)?.result, state.prefs.view, state.prefs.language];
    store.watch(shown, () => this.#drawPanel());
    store.watch(
      (state) => [currentJob(state), state.prefs.language],
      () => this.#describe(),
    );
    store.watch(
      (state) => [state.active, state.block, currentJob(state)?.id],
      () => this.#mark(),
    );
    store.watch(
      (state) => [state.hovered, state.blockHovered],
      (index, key) => {
        this.#proofread.list.hover(index, this.#line(index));
        this.#document.hover(index, key);
      },
    );
  }

  /** Makes a line the active one, and selects with Ctrl and Shift as lists do. */
  choose(index, event) {
    const { active, selected } = this.#store.get();
    this.#store.set({ active: index, block: null, selected: selectionAfter(selected, active, index, event) });
    turnTo(this.#store, this.#line(index)?.page);
    this.#show(index);
    this.#act.reveal(index);
  }

  /** Makes a block without lines, such as a figure, the active one. */
  pick(key) {
    this.#store.set({ active: null, block: key, selected: new Set() });
    turnTo(this.#store, Number(key.split("/")[0]));
    this.#reveal(this.#document.block(key));
    this.#act.revealBlock(key);
  }

  /** Copies the selection or everything; resolves to whether it worked. */
  copy() {
    return this.#copying.copy();
  }

  /** Lets the user edit a line. */
  edit(index) {
    return this.#proofread.edit(index);
  }

  /** Keeps what is being typed into a line: the result is about to change. */
  endEdit() {
    endEdit();
  }

  /** Goes to the next line that is in doubt. */
  nextDoubt() {
    return this.#proofread.nextDoubt();
  }

  /** Takes the last change back. */
  undo() {
    this.#went(undo, t("undoDone"), t("undoNothing"));
  }

  /** Makes the last change again that was taken back. */
  redo() {
    this.#went(redo, t("redoDone"), t("redoNothing"));
  }

  /** Moves to another line by a step, in any tab. */
  step(by) {
    const last = (currentJob(this.#store.get())?.result?.lines.length ?? 0) - 1;
    if (last >= 0) {
      const index = Math.min(last, Math.max(0, (this.#store.get().active ?? -1) + by));
      this.choose(index, {});
      this.#proofread.list.row(index)?.focus({ preventScroll: true });
    }
  }

  #line(index) {
    return currentJob(this.#store.get())?.result?.lines[index];
  }

  #show(index) {
    this.#proofread.list.reveal(index);
    this.#reveal(index === null ? null : this.#document.line(index));
  }

  #reveal(element) {
    element?.checkVisibility() && reveal(byId("panel-document"), element, 24);
  }

  #found(index) {
    this.#store.set({ active: index, block: null });
    turnTo(this.#store, this.#line(index)?.page);
    this.#act.reveal(index);
  }

  // The job is the one whose line was edited, which may not be the one that is shown any more.
  #change({ id, result: { pages } }, make, index) {
    const job = jobOf(this.#store.get(), id);
    // Unless it has been removed, or read anew.
    if (job?.result?.pages === pages && changeResult(this.#store, id, make(job.result), index)) {
      this.#act.edited(id);
    }
  }

  #went(way, done, nothing) {
    endEdit();
    const job = currentJob(this.#store.get());
    const at = job ? way(this.#store, job.id) : undefined;
    this.#say(at === undefined ? nothing : done);
    if (at !== undefined) {
      this.#act.edited(job.id);
    }
    if (this.#line(at ?? null)) {
      this.choose(at, {});
    }
  }

  // Only what is seen is drawn, and of that only what has changed.
  #drawPanel() {
    const { prefs } = this.#store.get();
    const job = currentJob(this.#store.get());
    markTab(byId("result-tabs"), prefs.view);
    this.#describe();
    if (prefs.view === "data") {
      return;
    }
    const panel = byId(`panel-${prefs.view}`);
    const key = `${job?.id} ${job?.background?.at} ${prefs.language}`;
    const fresh = this.#drawn.get(prefs.view) !== key;
    this.#drawn.set(prefs.view, key);
    (prefs.view === "proofread" ? this.#proofread : this.#document).draw(job, fresh);
    if (fresh) {
      panel.scrollTo(0, 0); // another file begins at its beginning
    }
    this.#mark();
    const shown = prefs.view === "proofread" ? this.#proofread.list : this.#document;
    const texts = () => job.result.pages.flatMap((_, page) => shown.textsOf(page));
    this.#search.attach(panel, job?.result?.pages, isLong(job?.result) ? texts : null);
  }

  #mark() {
    const { active, block, selected } = this.#store.get();
    this.#proofread.list.mark(active, this.#line(active));
    this.#proofread.list.select(selected);
    this.#document.mark(active, block);
  }

  #describe() {
    const { prefs } = this.#store.get();
    const job = currentJob(this.#store.get());
    if (job) {
      this.#proofread.count(job.result);
      this.#description.show(job, prefs);
    }
  }
}
