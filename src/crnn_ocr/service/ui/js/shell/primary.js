// The one button that matters most now: add files, stop the reading, copy the text.

import { byId, icon } from "../core/dom.js";
import { currentJob, UNDER_WAY } from "../jobs/jobs.js";
import { t } from "../words/words.js";

const ICONS = { add: "plus", stop: "stop", copy: "copy", copied: "check" };
const COPIED = 1500; // milliseconds for which the button says so

/**
 * Wires the button; `act` has `add()`, `stop()` and `copy()`, which resolves to whether it worked.
 * @param {Store} store
 */
export function watchPrimary(store, act) {
  const button = byId("primary");
  let timer = null;
  let said = ""; // what "Copied" was about
  button.addEventListener("click", async () => {
    const done = await act[button.dataset.action]();
    if (done === true) {
      clearTimeout(timer);
      said = meaning();
      show("copied", t("copied"));
      timer = setTimeout(draw, COPIED);
    }
  });
  byId("stop-others").addEventListener("click", act.stop);
  store.watch(
    (state) => [state.jobs, state.current, state.selected, state.prefs.language],
    () => {
      // What it has just said stays for its time, unless it would do something else.
      if (button.dataset.symbol !== "copied" || said !== meaning()) {
        clearTimeout(timer);
        draw();
      }
    },
  );

  function meaning() {
    const { current, selected, prefs } = store.get();
    return [actionOf(store.get()), current, prefs.language, ...selected].join();
  }

  function draw() {
    const state = store.get();
    const action = actionOf(state);
    button.dataset.action = action;
    const words = {
      add: t("addMore"),
      stop: t("stopAll"),
      copy: t(currentJob(state)?.background ? "copyPage" : "copy"),
    };
    const some = action === "copy" && state.selected.size > 0;
    show(action, some ? t("copySome", { count: state.selected.size }) : words[action]);
    byId("stop-others").hidden = action === "stop" || !isBusy(state);
    document.body.classList.toggle("is-busy", isBusy(state));
    document.body.dataset.primary = action;
  }

  function show(symbol, words) {
    if (button.dataset.symbol !== symbol) {
      button.dataset.symbol = symbol;
      button.replaceChildren(icon(ICONS[symbol]), document.createElement("span"));
    }
    button.lastElementChild.textContent = words;
  }
}

// What has been read can be copied while other files are still being read.
function actionOf(state) {
  const job = currentJob(state);
  if (job && UNDER_WAY.has(job.status) && !job.background) {
    return "stop";
  }
  if (job?.result?.lines.length > 0) {
    return "copy";
  }
  return isBusy(state) && !job?.background ? "stop" : "add";
}

function isBusy({ jobs }) {
  return jobs.some((job) => UNDER_WAY.has(job.status));
}
