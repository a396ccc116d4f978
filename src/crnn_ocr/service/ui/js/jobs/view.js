// The queue: one entry per file with its small picture, name, state and progress.

import { byId, icon, iconButton, make, reveal } from "../core/dom.js";
import { statusText } from "../result/message.js";
import { explain } from "../server/problem.js";
import { t } from "../words/words.js";
import { hasDoubts, UNDER_WAY } from "./jobs.js";

const FILTERS = { failed: (job) => job.status === "failed", doubtful: hasDoubts };

/** Shows the jobs of the store. */
export class QueueView {
  #act;
  #list = byId("queue-list");
  #entries = new Map(); // id → the elements of an entry, and what they show
  #filter = null; // name of the only files to be seen

  /**
   * @param {Store} store
   * @param {Record<"select" | "start" | "cancel" | "remove", (id: number) => unknown>} act
   */
  constructor(store, act) {
    this.#act = act;
    store.watch(
      (state) => [state.jobs, state.current, state.prefs.language],
      () => this.#draw(store.get()),
    );
    this.#list.addEventListener("keydown", (event) => this.#key(event));
    for (const name of Object.keys(FILTERS)) {
      byId(`only-${name}`).addEventListener("click", () => {
        this.#filter = this.#filter === name ? null : name;
        this.#draw(store.get());
      });
    }
  }

  #draw({ jobs, current, prefs }) {
    const ids = new Set(jobs.map((job) => job.id));
    for (const [id, entry] of this.#entries) {
      if (!ids.has(id)) {
        entry.element.remove();
        URL.revokeObjectURL(entry.url);
        this.#entries.delete(id);
      }
    }
    const counts = this.#drawFilters(jobs);
    for (const [place, job] of jobs.entries()) {
      const entry = this.#entries.get(job.id) ?? this.#add(job);
      if (this.#list.children[place] !== entry.element) {
        this.#list.insertBefore(entry.element, this.#list.children[place] ?? null);
      }
      entry.element.hidden = this.#filter !== null && !counts[this.#filter].has(job.id);
      if (entry.job !== job || entry.language !== prefs.language) {
        this.#fill(entry, job, prefs.language);
      }
      const chosen = job.id === current;
      if (entry.chosen !== chosen) {
        entry.chosen = chosen;
        entry.element.classList.toggle("is-current", chosen);
        entry.open.setAttribute("aria-current", String(chosen));
        if (chosen) {
          reveal(this.#list, entry.element, 8);
        }
      }
    }
    const done = jobs.filter((job) => job.status === "done").length;
    byId("queue-count").textContent = t("queueCount", { done, count: jobs.length });
    byId("work").classList.toggle("is-single", jobs.length === 1);
  }

  // The ids that each filter shows; a filter that shows nothing any more is over.
  #drawFilters(jobs) {
    const found = {};
    for (const [name, belongs] of Object.entries(FILTERS)) {
      found[name] = new Set(jobs.filter(belongs).map((job) => job.id));
      const count = found[name].size;
      if (count === 0 && this.#filter === name) {
        this.#filter = null;
      }
      byId(`only-${name}`).hidden = count === 0;
      byId(`only-${name}`).textContent = t(`only_${name}`, { count });
    }
    for (const name of Object.keys(FILTERS)) {
      byId(`only-${name}`).setAttribute("aria-pressed", String(this.#filter === name));
    }
    return found;
  }

  #add(job) {
    const picture = make("span", { class: "thumb" }, icon("page"));
    const name = make("span", { class: "job-name" }, job.name);
    const status = make("span", { class: "job-status" });
    const bar = make("span", { class: "job-bar" });
    const open = make(
      "button",
      { type: "button", class: "job-open", title: job.name, onclick: () => this.#act.select(job.id) },
      picture,
      make("span", { class: "job-words" }, name, status),
    );
    const tools = make("span", { class: "job-tools" });
    const element = make("li", { class: "job" }, open, tools, bar);
    const entry = {
      element,
      open,
      picture,
      status,
      bar,
      tools,
      job: null,
      thumb: null,
      url: null,
      kind: "",
      action: null,
    };
    this.#entries.set(job.id, entry);
    return entry;
  }

  #fill(entry, job, language) {
    entry.job = job;
    entry.language = language;
    const words = job.status === "failed" && !job.background ? t("status_failed") : statusText(job);
    entry.status.textContent = words;
    entry.status.title = job.status === "failed" ? explain(job.problem) : "";
    entry.element.dataset.status = job.status;
    if (entry.thumb !== job.thumb) {
      URL.revokeObjectURL(entry.url);
      entry.thumb = job.thumb;
      entry.url = URL.createObjectURL(job.thumb);
      entry.picture.replaceChildren(make("img", { src: entry.url, alt: "", width: "40", height: "40" }));
    }
    entry.bar.style.transform = `scaleX(${shareOf(job)})`;
    const again = ["failed", "cancelled"].includes(job.status) && !job.problem?.hopeless && !job.note;
    const kind = UNDER_WAY.has(job.status) ? "cancel" : again ? "retry" : "";
    if (entry.kind !== `${kind} ${language}`) {
      this.#equip(entry, job, kind, language);
    }
  }

  // What has the focus keeps it.
  #equip(entry, { id, name }, kind, language) {
    const buttons = {
      cancel: () => iconButton("stop", t("cancelFile", { name }), () => this.#act.cancel(id)),
      retry: () => iconButton("again", t("retryFile", { name }), () => this.#act.start(id)),
    };
    const action = kind ? buttons[kind]() : null;
    const focused = entry.action !== null && entry.action === document.activeElement;
    entry.action?.remove();
    if (!entry.kind.endsWith(` ${language}`)) {
      entry.tools.replaceChildren(iconButton("close", t("removeFile", { name }), () => this.#act.remove(id)));
    }
    if (action) {
      entry.tools.prepend(action);
    }
    if (focused) {
      (action ?? entry.open).focus();
    }
    entry.action = action;
    entry.kind = `${kind} ${language}`;
  }

  #key(event) {
    if (event.target.matches(".job-open") && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      const all = [...this.#list.querySelectorAll(".job:not([hidden]) .job-open")];
      const next = all[all.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
      if (next) {
        event.preventDefault();
        next.focus();
        next.click();
      }
    }
  }
}

function shareOf({ status, share, background }) {
  if (background) {
    return background.count > 0 ? (background.done + background.failed) / background.count : 0;
  }
  return status === "sending" ? 0.9 * share : 1;
}
