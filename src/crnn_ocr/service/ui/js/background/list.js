// The drawer with the jobs of the server: those of the key in use, else those that were sent from this browser.

import { byId, iconButton, icon, make } from "../core/dom.js";
import { hasKey } from "../server/key.js";
import { explain, Problem } from "../server/problem.js";
import { getJson } from "../server/request.js";
import { watchDialog } from "../shell/dialogs.js";
import { t } from "../words/words.js";
import { forget, known } from "./known.js";
import { itemOf } from "./list-item.js";
import { find, list, remove } from "./requests.js";
import { OVER } from "./state.js";

const EVERY = 3_000; // milliseconds between two looks at the jobs while the drawer is open

/** The list of jobs, its button in the header, and the drawer. */
export class JobList {
  #store;
  #act;
  #jobs = new Map(); // id → the server's answer
  #problem = null;
  #timer = null;
  #dialog = null;
  #place = make("ol", { class: "background-list" });
  #sure = null; // id of the job whose deletion has been asked for once

  /**
   * @param {Store} store
   * @param act `say(words)`, `open(answer)`, `ended(answer)`
   */
  constructor(store, act) {
    this.#store = store;
    this.#act = act;
    store.watch(
      (state) => [state.prefs.language],
      () => this.#draw(),
    );
  }

  /** Opens the drawer. */
  open() {
    this.#dialog ??= this.#make();
    this.#dialog.showModal();
    this.#draw();
    void this.#look();
  }

  /** Takes over what the server has told about a job. */
  put(answer) {
    this.#jobs.set(answer.id, answer);
    this.#draw();
  }

  /** Asks the server, also about jobs that are over where `fresh`; resolves to the jobs. */
  async refresh({ fresh = true } = {}) {
    try {
      const found = hasKey() ? await list() : await own(fresh ? new Map() : this.#jobs);
      this.#problem = null;
      this.#jobs = new Map(found.map((answer) => [answer.id, answer]));
    } catch (error) {
      this.#problem = Problem.of(error);
    }
    this.#draw();
    return this.#shown();
  }

  #shown() {
    return [...this.#jobs.values()]
      .filter(({ state }) => state !== "cancelled")
      .sort((a, b) => (a.created < b.created ? 1 : -1));
  }

  async #look(fresh = true) {
    clearTimeout(this.#timer);
    if (this.#dialog.open) {
      await this.refresh({ fresh });
      this.#timer = setTimeout(() => this.#look(false), EVERY);
    }
  }

  #make() {
    const title = make("h2", { id: "background-title" }, t("background"));
    const close = iconButton("close", t("close"), () => {});
    close.setAttribute("data-close", "");
    const more = make("p", { class: "option-help" });
    const inner = make(
      "div",
      { class: "sheet-inner" },
      make("header", { class: "sheet-head" }, title, close),
      make("div", { class: "sheet-body" }, this.#place),
      make("footer", { class: "sheet-foot" }, more),
    );
    const dialog = make(
      "dialog",
      { class: "drawer", id: "background-dialog", "aria-labelledby": "background-title" },
      inner,
    );
    document.body.append(dialog);
    watchDialog(dialog);
    dialog.addEventListener("close", () => {
      clearTimeout(this.#timer);
      this.#sure = null;
    });
    this.#store.watch(
      (state) => [state.prefs.language, state.server.keyed],
      () => {
        title.textContent = t("background");
        close.setAttribute("aria-label", t("close"));
        close.title = t("close");
        more.textContent = t(hasKey() ? "backgroundOfKey" : "backgroundOfBrowser");
      },
    );
    return dialog;
  }

  #draw() {
    const jobs = this.#shown();
    const busy = jobs.filter(({ state }) => !OVER.has(state)).length;
    byId("open-background").hidden = jobs.length === 0 && this.#problem === null;
    byId("background-count").hidden = busy === 0;
    byId("background-count").dataset.count = String(busy); // drawn, not said: the button's name tells it
    const label = busy > 0 ? t("backgroundUnderWay", { count: busy }) : t("background");
    byId("open-background").setAttribute("aria-label", label);
    byId("open-background").title = label;
    if (!this.#dialog?.open) {
      return;
    }
    const focused = /** @type {HTMLElement} */ (document.activeElement)?.dataset.key;
    const act = {
      open: (answer) => {
        this.#dialog.close();
        this.#act.open(answer);
      },
      remove: (answer) => this.#remove(answer),
      failed: (problem) => this.#fail(problem),
    };
    const items = jobs.map((answer) => itemOf(answer, act, this.#sure === answer.id));
    this.#place.replaceChildren(
      ...(this.#problem ? [this.#trouble()] : []),
      ...items,
      ...(items.length || this.#problem ? [] : [nothing()]),
    );
    // The list is drawn anew while it is looked at: the focus stays where it was.
    if (focused) {
      this.#place.querySelector(`[data-key="${focused}"]`)?.focus();
    }
  }

  #trouble() {
    const locked = this.#problem.code === "UNAUTHORIZED";
    const again = async () => {
      if (locked) {
        await getJson("/jobs?limit=1", { insist: true }).catch(() => null); // what goes wrong shows when it is asked again
      }
      await this.refresh();
    };
    return make(
      "li",
      { class: "notice is-failed", role: "alert" },
      icon("alert"),
      make("p", {}, this.#problem.code === "NETWORK" ? t("errorNetwork") : explain(this.#problem)),
      make(
        "button",
        { type: "button", class: "button button-small", "data-key": "again", onclick: again },
        t(locked ? "enterKeyNow" : "retry"),
      ),
    );
  }

  // What is deleted is gone, so it is asked for twice.
  async #remove({ id, state }) {
    if (state !== "expired" && this.#sure !== id) {
      this.#sure = id;
      this.#draw();
      return;
    }
    this.#sure = null;
    try {
      this.#act.ended(await remove(id));
    } catch (error) {
      if (error.code !== "JOB_NOT_FOUND") {
        this.#fail(error);
        return;
      }
    }
    forget(id);
    this.#jobs.delete(id);
    this.#draw();
    this.#act.say(t("backgroundDeleted"), { quiet: true });
    (this.#place.querySelector("button") ?? this.#dialog.querySelector("[data-close]")).focus();
  }

  #fail(error) {
    this.#problem = Problem.of(error);
    this.#draw();
  }
}

function nothing() {
  return make("li", { class: "history-none" }, icon("pages"), t("backgroundNone"));
}

async function own(before) {
  const isOver = (answer) =>
    OVER.has(answer?.state) && (answer.expires === null || Date.parse(answer.expires) > Date.now());
  const answers = await Promise.all(
    known().map((id) =>
      (isOver(before.get(id)) ? Promise.resolve(before.get(id)) : find(id)).catch((problem) => {
        if (problem.code !== "JOB_NOT_FOUND") {
          throw problem;
        }
        forget(id);
        return null;
      }),
    ),
  );
  return answers.filter(Boolean);
}
