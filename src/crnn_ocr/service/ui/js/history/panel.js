// The drawer with earlier readings of this browser.

import { byId, icon, iconButton, make } from "../core/dom.js";
import { addFinished, jobOf } from "../jobs/jobs.js";
import { thumbnail } from "../jobs/thumbnail.js";
import { localeOf, t } from "../words/words.js";
import * as archive from "./archive.js";

/** Wires the drawer and keeps what is read from now on. */
export class HistoryPanel {
  #store;
  #say;
  #urls = [];

  /**
   * @param {Say} say
   * @param {Store} store
   */
  constructor(store, say) {
    this.#store = store;
    this.#say = say;
    byId("clear-history").addEventListener("click", () => this.#clear());
    byId("history-dialog").addEventListener("close", () => this.#release());
    store.watch(
      (state) => [state.prefs.language, state.prefs.history],
      () => {
        if (byId("history-dialog").open) {
          void this.#draw();
        }
      },
    );
  }

  /** Opens the drawer. */
  show() {
    byId("history-dialog").showModal();
    void this.#draw();
  }

  /** Keeps a reading, or what has been edited since; does nothing where the history is off. */
  async keep(id) {
    const job = jobOf(this.#store.get(), id);
    if (!this.#store.get().prefs.history || !job?.result) {
      return;
    }
    const { name, file, result, options, historyId } = job;
    try {
      const thumb = job.thumb ?? (await thumbnail(file));
      await archive.keep({ id: historyId, name, file, thumb, result, options });
    } catch {
      return; // no IndexedDB in this window, or it is full: the page works without a history
    }
    if (byId("history-dialog").open) {
      await this.#draw();
    }
  }

  async #draw() {
    this.#release();
    const place = byId("history-list");
    let entries;
    try {
      entries = await archive.list();
    } catch {
      place.replaceChildren(make("li", { class: "history-none" }, t("historyUnavailable")));
      return;
    }
    const words = this.#store.get().prefs.history ? "historyEmpty" : "historyOff";
    const items = entries.map((entry) => this.#item(entry));
    place.replaceChildren(...(items.length ? items : [make("li", { class: "history-none" }, icon("clock"), t(words))]));
    byId("clear-history").disabled = items.length === 0;
  }

  #item(entry) {
    const picture = make("span", { class: "thumb" }, icon("page"));
    if (entry.thumb) {
      const url = URL.createObjectURL(entry.thumb);
      this.#urls.push(url);
      picture.replaceChildren(make("img", { src: url, alt: "", width: "40", height: "40" }));
    }
    const time = new Intl.DateTimeFormat(localeOf(), { dateStyle: "medium", timeStyle: "short" }).format(entry.time);
    const words = make(
      "span",
      { class: "history-words" },
      make("span", { class: "job-name" }, entry.name),
      make("span", { class: "history-text" }, entry.text || t("noTextShort")),
      make("span", { class: "job-status" }, `${time} · ${t("lineCount", { count: entry.lines })}`),
    );
    return make(
      "li",
      { class: "history-item" },
      make("button", { type: "button", class: "job-open", onclick: () => this.open(entry.id) }, picture, words),
      iconButton("trash", t("forgetFile", { name: entry.name }), () => this.#forget(entry.id)),
    );
  }

  /** The readings that are kept, the newest first; none where the history is off or cannot be kept. */
  async recent() {
    return this.#store.get().prefs.history ? archive.list().catch(() => []) : [];
  }

  /** Puts a reading back on the page. */
  async open(id) {
    const reading = await archive.find(id);
    byId("history-dialog").close();
    if (reading) {
      // Without its picture a reading still has its text; an empty file stands for the picture.
      addFinished(this.#store, { ...reading, file: reading.file ?? new Blob([]), historyId: id });
    }
  }

  async #forget(id) {
    await archive.forget(id);
    await this.#draw();
    byId("history-list").querySelector("button")?.focus();
  }

  async #clear() {
    await archive.clear();
    await this.#draw();
    this.#say(t("historyCleared"));
  }

  #release() {
    this.#urls.forEach((url) => URL.revokeObjectURL(url));
    this.#urls = [];
  }
}
