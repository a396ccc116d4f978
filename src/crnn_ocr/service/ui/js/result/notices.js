// What is remarked above the lines: warnings, and a later reading that failed while the earlier result stands.

import { icon, make } from "../core/dom.js";
import { explain } from "../server/problem.js";
import { errorText, t, warningText } from "../words/words.js";

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
   * @param {Job} job
   * @param {boolean} shown whether the lines of its result are shown
   */
  show(job, shown) {
    const failed = shown && job.status === "failed" && !job.background ? job.problem : null;
    // Of several pages each says its own, where it stands.
    const own = (job.result?.pages.length ?? 0) > 1 && shown;
    const warnings = (shown || job.status === "done") && !own ? (job.result?.warnings ?? []) : [];
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

/** What is remarked about one page among several: why it could not be read, and its warnings. */
export function remarksOf({ warnings, error }) {
  const remark = (words, extra) =>
    make("p", { class: `notice ${extra}`.trim() }, icon("alert"), make("span", {}, words));
  return [
    ...(error ? [remark(errorText(error.code) ?? error.message, "is-failed")] : []),
    ...warnings.map(({ code, message }) => remark(warningText(code) ?? message, "")),
  ];
}

/** The code of a problem, and the id of its request where there is one. */
export function codeOf(problem) {
  return problem.requestId ? t("code", { code: problem.code, id: problem.requestId }) : problem.code;
}
