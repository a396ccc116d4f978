// The right side: tabs, the lines or paragraphs of the shown job, and what is remarked about it.

import { byId, make } from "../core/dom.js";
import { setPrefs } from "../core/prefs.js";
import { currentJob, jobOf, patchJob } from "../jobs/jobs.js";
import { pageTexts } from "../reading/formats.js";
import { withText } from "../reading/result.js";
import { t } from "../words/words.js";
import { editRow, endEdit } from "./editor.js";
import { copyResult, selectionText, watchCopy } from "./copying.js";
import { copyText } from "../core/clipboard.js";
import { LineList } from "./list.js";
import { factsOf, messageOf, refreshMessage } from "./message.js";
import { Notices } from "./notices.js";
import { Search } from "./search.js";
import { selectionAfter } from "./selection.js";
import { markTab, watchTabs } from "./tabs.js";

/** Shows the result of the current job and lets the user work with it. */
export class ResultView {
  #store;
  #say;
  #act;
  #list;
  #search = new Search();
  #notices;
  #message = { job: null, status: null };

  /** @param act `start(id)`, `cancel(id)`, `hurry(id)`, `edited(id)`, `reveal(index)` */
  constructor(store, say, act) {
    this.#store = store;
    this.#say = say;
    this.#act = act;
    this.#list = new LineList(byId("lines"), byId("panel-lines"), {
      choose: (index, event) => this.choose(index, event),
      hover: (index) => store.set({ hovered: index }),
      edit: (index) => this.edit(index),
      undo: (index) => this.#change(currentJob(store.get()), index, this.#line(index).original),
      copy: (index) => this.#copyLine(index),
    });
    this.#notices = new Notices(byId("notices"), (id) => act.start(id));
    watchCopy(byId("lines"));
    byId("lines").addEventListener("keydown", (event) => this.#key(event));
    byId("copy-all").addEventListener("click", () => this.copy());
    watchTabs(byId("result-tabs"), (view) => setPrefs(store, { view }));
    store.watch(
      (state) => [currentJob(state)?.id, currentJob(state)?.result?.pages, state.prefs.language],
      () => this.#drawList(),
    );
    store.watch((state) => [currentJob(state), state.prefs.language], () => this.#describe());
    store.watch(
      (state) => [currentJob(state)?.id, currentJob(state)?.result?.lines, state.prefs.view, state.prefs.language],
      () => this.#drawPanel(),
    );
    store.watch((state) => [state.active, currentJob(state)?.id], () => this.#list.mark(store.get().active, this.#line(store.get().active)));
    store.watch((state) => [state.hovered], (index) => this.#list.hover(index, this.#line(index)));
    store.watch((state) => [state.selected, state.prefs.language], (selected) => this.#selected(selected));
  }

  /** Makes a line the active one, and selects with Ctrl and Shift as lists do. */
  choose(index, event) {
    const { active, selected } = this.#store.get();
    const page = this.#line(index)?.page;
    this.#store.set({ active: index, selected: selectionAfter(selected, active, index, event) });
    const job = currentJob(this.#store.get());
    if (page !== undefined && page !== job.page) {
      patchJob(this.#store, job.id, { page });
    }
    this.#list.reveal(index);
    this.#act.reveal(index);
  }

  /** Copies the selection or everything; resolves to whether it worked. */
  async copy() {
    const { selected, prefs } = this.#store.get();
    const { result } = currentJob(this.#store.get()) ?? {};
    if (!result?.lines.length) {
      return false;
    }
    const done = await copyResult(result, selected, prefs.view === "paragraphs");
    this.#say(t(done ? "copied" : "copyFailed"), { quiet: done });
    if (done) {
      byId("copy-all").lastElementChild.textContent = t("copied");
      setTimeout(() => this.#selected(this.#store.get().selected), 1500);
    }
    return done;
  }

  /** Lets the user edit a line. */
  edit(index) {
    if (this.#line(index)) {
      setPrefs(this.#store, { view: "lines" });
      if (byId("panel-lines").hidden) {
        return;
      }
      endEdit();
      this.#store.set({ active: index });
      const { job, text } = { job: currentJob(this.#store.get()), ...this.#line(index) };
      editRow(this.#list.row(index), text, (edited) => this.#change(job, index, edited ?? text));
    }
  }

  /** Keeps what is being typed into a line: the result is about to change. */
  endEdit() {
    endEdit();
  }

  /** Moves to another line by a step. */
  step(key) {
    const index = this.#list.target(key);
    if (index !== null) {
      this.choose(index, {});
      this.#list.row(index).focus({ preventScroll: true });
    }
  }

  #line(index) {
    return index === null ? undefined : currentJob(this.#store.get())?.result?.lines[index];
  }

  // The job is the one whose line was edited, which may not be the one that is shown any more.
  #change({ id, result: { pages } }, index, text) {
    const job = jobOf(this.#store.get(), id);
    if (job?.result?.pages !== pages) {
      return; // removed, or read anew
    }
    const result = withText(job.result, index, text);
    if (this.#store.get().current === id) {
      this.#list.update(index, result.lines[index]); // first, as the search looks into the rows
    }
    patchJob(this.#store, job.id, { result });
    this.#list.mark(this.#store.get().active, this.#line(this.#store.get().active));
    if (text !== job.result.lines[index].text) {
      this.#act.edited(job.id);
    }
  }

  async #copyLine(index) {
    const done = await copyText(this.#line(index).text);
    this.#say(t(done ? "copied" : "copyFailed"));
    return done;
  }

  #key(event) {
    const { active, selected } = this.#store.get();
    if (!event.target.matches(".line")) {
      return;
    }
    const target = this.#list.target(event.key);
    const letter = event.key.toLowerCase(); // whatever the state of Caps Lock
    const command = event.ctrlKey || event.metaKey;
    if (target !== null && !command && !event.altKey) {
      this.choose(target, event);
      this.#list.row(target).focus({ preventScroll: true });
    } else if (event.key === "Enter" || event.key === "F2") {
      this.edit(active);
    } else if (event.key === " ") {
      this.choose(active, { ctrlKey: true });
    } else if (command && letter === "a") {
      this.#store.set({ selected: new Set(Array.from({ length: this.#list.length }, (_, index) => index)) });
    } else if (command && letter === "c" && getSelection().isCollapsed) {
      this.#copySelected(selected.size > 0 ? selected : new Set([active]));
    } else if (event.key === "Escape" && selected.size > 0) {
      this.#store.set({ selected: new Set() });
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  async #copySelected(selected) {
    const { result } = currentJob(this.#store.get());
    this.#say(t((await copyText(selectionText(result, selected, false))) ? "copied" : "copyFailed"));
  }

  #drawList() {
    endEdit();
    const job = currentJob(this.#store.get());
    const focused = byId("lines").contains(document.activeElement);
    this.#list.draw(job?.result ?? { pages: [], lines: [] });
    const { active, selected } = this.#store.get();
    this.#list.mark(active, this.#line(active));
    this.#list.select(selected);
    if (focused && active !== null) {
      this.#list.row(active)?.focus({ preventScroll: true });
    }
  }

  #drawPanel() {
    const { prefs } = this.#store.get();
    const job = currentJob(this.#store.get());
    markTab(byId("result-tabs"), prefs.view);
    if (prefs.view === "paragraphs" && job?.result) {
      const pages = job.result.pages.map((_, page) =>
        make("div", { class: "prose-page" }, ...pageTexts(job.result, page, true).map((text) => make("p", { class: "paragraph" }, text))),
      );
      byId("prose").replaceChildren(...pages);
    }
    this.#describe();
    this.#search.attach(byId(`panel-${prefs.view}`), job?.result?.pages);
  }

  #selected(selected) {
    this.#list.select(selected);
    const words = selected.size > 0 ? t("copySome", { count: selected.size }) : t("copyAll");
    byId("copy-all").lastElementChild.textContent = words;
  }

  #describe() {
    const { prefs } = this.#store.get();
    const job = currentJob(this.#store.get());
    if (!job) {
      return;
    }
    const shown = (job.result?.lines.length ?? 0) > 0; // also while it is read again, and where that has failed
    byId("result-tools").classList.toggle("is-off", !shown);
    byId("result-card").classList.toggle("is-api", prefs.view === "api");
    byId("result-facts").replaceChildren(...factsOf(job));
    byId("result-facts").title = job.result ? `${job.result.model} · ${job.result.requestId ?? ""}` : "";
    byId("result-card").classList.toggle("is-busy", ["queued", "sending", "reading", "delayed"].includes(job.status));
    byId("panel-lines").setAttribute("aria-busy", String(["sending", "reading"].includes(job.status)));
    this.#notices.show(job, shown);
    for (const view of ["lines", "paragraphs", "api"]) {
      byId(`panel-${view}`).hidden = prefs.view !== view || (view !== "api" && !shown);
    }
    this.#showMessage(job, !shown && prefs.view !== "api");
  }

  #showMessage(job, wanted) {
    const place = byId("message");
    place.hidden = !wanted;
    if (!wanted) {
      this.#message = { job: null, status: null };
      place.replaceChildren();
      return;
    }
    const act = Object.fromEntries(["start", "cancel", "hurry"].map((name) => [name, () => this.#act[name](job.id)]));
    const fresh = messageOf(job, act);
    const key = `${job.status} ${this.#store.get().prefs.language} ${job.problem?.code}`;
    if (this.#message.job === job.id && this.#message.key === key) {
      refreshMessage(place, fresh[0]);
    } else {
      place.setAttribute("role", job.status === "failed" ? "alert" : "group");
      place.replaceChildren(...fresh);
    }
    this.#message = { job: job.id, key };
  }
}
