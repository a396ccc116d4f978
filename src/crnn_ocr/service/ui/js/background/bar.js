// The strip above the shown page of a job: how far the job is, what can be done with it, and the way to its pages.

import { byId, make } from "../core/dom.js";
import { currentJob } from "../jobs/jobs.js";
import { explain } from "../server/problem.js";
import { localeOf, t } from "../words/words.js";
import { PageList } from "./page-list.js";
import { HAS_RESULT, OVER } from "./state.js";

/**
 * Wires the strip, which is there while such a job is shown.
 * @param {Store} store
 * @param {{turnTo: PictureAct["turnTo"], stop: (id: number) => void, again: (id: number) => void}} act
 */
export function watchBar(store, act) {
  const id = () => currentJob(store.get()).id;
  const pages = new PageList((at) => act.turnTo(id(), at));
  const meter = make("progress", { class: "progress", max: "1" });
  const words = make("p", { class: "background-words" });
  const more = make("p", { class: "background-more" });
  const toggle = button("background-toggle", () => open(pages.element.hidden));
  const stop = button("background-stop", () => act.stop(id()));
  const save = button("background-export", () => byId("export").click());
  toggle.setAttribute("aria-controls", "background-pages");
  const row = make(
    "div",
    { class: "background-row" },
    make("div", { class: "background-state" }, words, meter),
    toggle,
    save,
    stop,
  );
  const bar = make(
    "div",
    { class: "background-bar", id: "background-bar", role: "group", hidden: true },
    row,
    more,
    pages.element,
  );
  byId("notices").before(bar);
  store.watch((state) => [currentJob(state)?.background, currentJob(state)?.status, state.prefs.language], draw);

  function open(show) {
    pages.element.hidden = !show;
    draw(currentJob(store.get()).background, currentJob(store.get()).status);
    if (show) {
      pages.focus();
    }
  }

  function draw(background, status) {
    bar.hidden = !background;
    if (!background) {
      return;
    }
    bar.setAttribute("aria-label", t("background"));
    words.textContent = t("backgroundStatus", { ...background, status });
    meter.setAttribute("aria-label", t("backgroundProgress"));
    meter.hidden = status !== "reading";
    if (background.count > 0) {
      meter.value = (background.done + background.failed) / background.count;
    } else {
      meter.removeAttribute("value");
    }
    more.textContent = moreOf(background, status);
    more.hidden = more.textContent === "";
    toggle.hidden = background.count < 2;
    toggle.textContent = t("backgroundPages");
    toggle.setAttribute("aria-expanded", String(!pages.element.hidden));
    save.hidden = !HAS_RESULT.has(background.state);
    save.textContent = t("backgroundExport");
    stop.hidden = meter.hidden;
    stop.textContent = t("stopAll");
    if (!pages.element.hidden) {
      pages.draw(background);
    }
  }
}

function moreOf({ state, trouble, expires }, status) {
  if (status === "cancelled" || status === "failed") {
    return "";
  }
  if (trouble) {
    return trouble.code === "NETWORK" ? t("backgroundUnheard") : `${explain(trouble)} ${t("backgroundAsksAgain")}`;
  }
  if (!OVER.has(state)) {
    return t("backgroundGoesOn");
  }
  const time = new Intl.DateTimeFormat(localeOf(), { dateStyle: "medium", timeStyle: "short" });
  return expires === null ? "" : t("backgroundKept", { time: time.format(expires) });
}

function button(id, onclick) {
  return make("button", { type: "button", class: "button button-small", id, onclick });
}
