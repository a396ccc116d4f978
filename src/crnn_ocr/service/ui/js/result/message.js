// What stands in the place of a result: waiting, working, failed, or no text at all.

import { icon, make } from "../core/dom.js";
import { timeText } from "../core/files.js";
import { explain } from "../server/problem.js";
import { t } from "../words/words.js";
import { codeOf } from "./notices.js";

/**
 * The elements for a job without lines to show.
 * @param {Job} job
 * @param {{start: () => void, cancel: () => void, hurry: () => void}} act
 */
function messageOf(job, act) {
  if (job.note) {
    return noted(job.note, act);
  }
  // A page of a job: what was read on it is there, or on its way, whether or not others are still being read.
  if (job.background && !job.result) {
    return [
      make(
        "div",
        { class: "message is-late" },
        make("progress", { class: "progress", "aria-label": t("pageLoading") }),
      ),
    ];
  }
  switch (job.background ? "done" : job.status) {
    case "new":
    case "queued":
      return working(t("queued"), null, act);
    case "sending":
      return working(t("sending", { percent: Math.round(job.share * 100) }), job.share, act);
    case "reading":
      return working(t("working"), null, act);
    case "delayed":
      return delayed(job, act);
    case "failed":
      return failed(job.problem, act);
    case "cancelled":
      return still("stop", t("cancelled"), button("retry", act.start));
    default:
      return still("blank", t("noText"), make("p", { class: "message-more" }, t("noTextMore")));
  }
}

/** One line about a job: for the queue. */
export function statusText(job) {
  if (job.background) {
    return t("backgroundStatus", { ...job.background, status: job.status });
  }
  switch (job.status) {
    case "sending":
      return t("sending", { percent: Math.round(job.share * 100) });
    case "delayed":
      return t("waitShort", { seconds: job.waitSeconds });
    case "done":
      return `${t("lineCount", { count: job.result.lines.length })} · ${timeText(job.result.elapsed)}`;
    default:
      return t(`status_${job.status}`);
  }
}

/** What is told beside the tabs about a result: lines, time, and whether it came from the cache. */
export function factsOf(job) {
  if (!job.result) {
    return [];
  }
  const facts = `${t("lineCount", { count: job.result.lines.length })} · ${timeText(job.result.elapsed)}`;
  return job.result.cached ? [facts, make("span", { class: "fact-more" }, ` · ${t("cached")}`)] : [facts];
}

/** Takes over figures from a fresh message into the one that stands: the elements stay, and with them the focus. */
function refreshMessage(place, fresh) {
  for (const selector of [".message-title", ".message-more"]) {
    const words = fresh.querySelector(selector)?.textContent;
    const old = place.querySelector(selector);
    if (old && words !== undefined && old.textContent !== words) {
      old.textContent = words;
    }
  }
  const bar = place.querySelector("progress");
  const now = fresh.querySelector("progress");
  if (bar && now?.hasAttribute("value")) {
    bar.value = now.value;
  }
}

/** The place where a result would stand. */
export class MessagePlace {
  #place;
  #act;
  #shown = null; // which message stands there

  /** @param {HTMLElement} place @param {JobAct} act */
  constructor(place, act) {
    this.#place = place;
    this.#act = act;
  }

  /** Shows what there is to say about a job, if wanted; elements stay where they say the same. */
  show(job, wanted, language) {
    this.#place.hidden = !wanted;
    const key = wanted
      ? `${job.id} ${job.status} ${language} ${job.problem?.code} ${job.note?.words} ${job.note?.problem?.code}`
      : null;
    if (key === null) {
      this.#place.replaceChildren();
    } else {
      const act = {
        start: () => this.#act.start(job.id),
        cancel: () => this.#act.cancel(job.id),
        hurry: () => this.#act.hurry(job.id),
      };
      const fresh = messageOf(job, act);
      if (this.#shown === key) {
        refreshMessage(this.#place, fresh[0]);
      } else {
        this.#place.setAttribute("role", job.status === "failed" || job.note?.problem ? "alert" : "group");
        this.#place.replaceChildren(...fresh);
      }
    }
    this.#shown = key;
  }
}

/**
 * About a page that is read in the background, or the job that does so: it waits, or what went wrong with it.
 * @param {Note} note
 */
function noted({ problem, retry, symbol, words, values }, act) {
  return problem ? failed(problem, act, retry) : still(symbol, t(words, values));
}

function still(symbol, words, ...more) {
  return [make("div", { class: "message" }, icon(symbol), make("p", { class: "message-title" }, words), ...more)];
}

function working(words, share, act) {
  const bar = make("progress", { class: "progress", max: "1", "aria-label": words });
  if (share !== null) {
    bar.value = share;
  }
  return [
    make("div", { class: "message" }, bar, make("p", { class: "message-title" }, words), button("cancel", act.cancel)),
  ];
}

function delayed(job, act) {
  const words = t(`delayed_${job.problem.code}`) ?? t(job.problem.code === "RATE_LIMITED" ? "rateLimited" : "busy");
  return [
    make(
      "div",
      { class: "message" },
      icon("clock"),
      make("p", { class: "message-title" }, words),
      make("p", { class: "message-more" }, t("waitMore", { seconds: job.waitSeconds })),
      make("div", { class: "message-buttons" }, button("tryNow", act.hurry), button("cancel", act.cancel)),
    ),
  ];
}

function failed(problem, act, retry = !problem.hopeless) {
  return [
    make(
      "div",
      { class: "message is-failed" },
      icon("alert"),
      make("p", { class: "message-title" }, explain(problem)),
      // Of a file that is refused for good, the number of the request is of no use to anybody.
      make("p", { class: "message-code" }, problem.hopeless ? problem.code : codeOf(problem)),
      retry ? button("retry", act.start) : null,
    ),
  ];
}

function button(name, onclick) {
  return make("button", { type: "button", class: "button button-small", onclick }, t(name));
}
