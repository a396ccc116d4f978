// One job in the drawer: how far it is, how old, until when it is kept, and what can be done with it.

import { download } from "../core/files.js";
import { make } from "../core/dom.js";
import { explain } from "../server/problem.js";
import { localeOf, t } from "../words/words.js";
import { resultOf } from "./requests.js";
import { HAS_RESULT, OVER, problemOf, stateOf } from "./state.js";

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const STEPS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/**
 * The element of a job.
 * @param {object} answer what the server tells about it
 * @param {object} act `open(answer)`, `remove(answer)`, `failed(problem)`
 * @param {boolean} sure whether its deletion has been asked for once
 */
export function itemOf(answer, act, sure) {
  const job = stateOf(answer);
  const over = OVER.has(job.state);
  const problem = problemOf(job);
  const key = (name) => ({ "data-key": `${name}-${job.id}` });
  const remove = t(sure ? "backgroundSure" : over ? "backgroundDelete" : "backgroundStopNow");
  return make(
    "li",
    { class: "background-item", "data-state": job.state },
    make("p", { class: "job-name", title: job.name }, job.name),
    make("p", { class: "background-words" }, t("backgroundStatus", job)),
    over
      ? null
      : make("progress", { class: "progress", max: "1", "aria-label": t("backgroundProgress"), value: shareOf(job) }),
    problem && job.state !== "expired" ? make("p", { class: "background-problem" }, explain(problem)) : null,
    make("p", { class: "job-status" }, [age(job.created), kept(job)].filter(Boolean).join(" · ")),
    make(
      "div",
      { class: "background-tools" },
      job.state === "expired"
        ? null
        : action(t("backgroundOpen"), t("backgroundOpenOf", job), () => act.open(answer), key("open")),
      action(remove, `${remove}: ${job.name}`, () => act.remove(answer), {
        ...key("remove"),
        class: `button button-small${sure ? " is-sure" : ""}`,
      }),
    ),
    HAS_RESULT.has(job.state) ? savers(job, act, key) : null,
  );
}

/** @param {BackgroundJob} job */
function savers(job, act, key) {
  const words = t("backgroundFormats");
  const buttons = job.formats.map((format) => saver(job, format, act, key(format)));
  return make(
    "div",
    { class: "background-formats", role: "group", "aria-label": words },
    make("span", { "aria-hidden": "true" }, words),
    ...buttons,
  );
}

function saver({ id, name }, format, act, key) {
  const words = t(`format_${format}`) ?? format;
  const save = async ({ currentTarget: button }) => {
    button.disabled = true;
    try {
      const { content, name: file } = await resultOf(id, format);
      download(file, content);
    } catch (error) {
      act.failed(error);
    } finally {
      button.disabled = false;
    }
  };
  return action(words, t("backgroundSave", { name, format: words }), save, { ...key, class: "background-format" });
}

function action(words, label, onclick, attributes) {
  return make(
    "button",
    { type: "button", class: "button button-small", "aria-label": label, title: label, onclick, ...attributes },
    words,
  );
}

function shareOf({ count, done, failed }) {
  return count > 0 ? (done + failed) / count : undefined;
}

function age(created) {
  const passed = Math.max(0, Date.now() - created);
  const [unit, length] = STEPS.find(([, step]) => passed >= step) ?? STEPS.at(-1);
  return new Intl.RelativeTimeFormat(localeOf(), { numeric: "auto" }).format(-Math.floor(passed / length), unit);
}

function kept({ state, expires }) {
  if (expires === null || state === "expired") {
    return "";
  }
  return t("backgroundKept", {
    time: new Intl.DateTimeFormat(localeOf(), { dateStyle: "medium", timeStyle: "short" }).format(expires),
  });
}
