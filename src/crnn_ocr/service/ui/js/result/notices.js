// What is remarked above the lines: warnings, and a later reading that failed while the earlier result stands.

import { icon, make } from "../core/dom.js";
import { explain } from "../server/problem.js";
import { t, warningText } from "../words/words.js";

/** Remarks about the shown job; their elements stay while they say the same, and with them the focus. */
export class Notices {
  #place;
  #retry;
  #said = "";

  /** @param {HTMLElement} place @param {(id: number) => void} retry reads a job again */
  constructor(place, retry) {
    this.#place = place;
    this.#retry = retry;
  }

  /**
   * Shows what there is to say about a job.
   * @param {object} job
   * @param {boolean} shown whether the lines of its result are shown
   */
  show(job, shown) {
    const failed = shown && job.status === "failed" ? job.problem : null;
    const warnings = shown || job.status === "done" ? (job.result?.warnings ?? []) : [];
    const words = warnings.map(({ code, message }) => warningText(code) ?? message);
    const said = JSON.stringify([job.id, words, failed && [explain(failed), failed.requestId, t("retry")]]);
    if (said === this.#said) {
      return;
    }
    this.#said = said;
    const notices = words.map((text) => make("p", { class: "notice" }, icon("alert"), make("span", {}, text)));
    this.#place.replaceChildren(...(failed ? [this.#failure(job.id, failed)] : []), ...notices);
  }

  #failure(id, problem) {
    const retry = () => this.#retry(id);
    return make(
      "div",
      { class: "notice is-failed", role: "alert" },
      icon("alert"),
      make("p", { title: codeOf(problem) }, t("againFailed"), " ", explain(problem)),
      make("button", { type: "button", class: "button button-small", onclick: retry }, t("retry")),
    );
  }
}

/** The code of a problem, and the id of its request where there is one. */
export function codeOf(problem) {
  return problem.requestId ? t("code", { code: problem.code, id: problem.requestId }) : problem.code;
}
