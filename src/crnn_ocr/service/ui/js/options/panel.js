// The drawer with the options of a reading and the settings of the page.

import { byId, make } from "../core/dom.js";
import { setPrefs } from "../core/prefs.js";
import { currentJob } from "../jobs/jobs.js";
import { t } from "../words/words.js";
import { formOf } from "./form.js";
import { fieldsOf } from "./schema.js";

const SWITCHES = ["history", "keys"];

/** Wires the drawer. `act.start(id)` reads a file again, `act.unlock()` asks for the server's key, `act.lost()`: a part of the page did not arrive. */
export function watchOptions(store, act) {
  const dialog = byId("options-dialog");
  byId("open-options").addEventListener("click", () => dialog.showModal());
  byId("reset-options").addEventListener("click", () => {
    store.set({ options: {} });
    draw();
  });
  byId("read-again").addEventListener("click", () => {
    dialog.close();
    act.start(store.get().current);
  });
  byId("read-stale").addEventListener("click", () => act.start(store.get().current));
  let preview = null; // few look at it: loaded when it is first asked for
  byId("open-preview").addEventListener("click", async () => {
    try {
      preview ??= import("./preview.js").then(({ makePreview }) => makePreview(store));
      (await preview).open();
    } catch {
      preview = null;
      act.lost();
    }
  });
  for (const name of SWITCHES) {
    const box = byId(`pref-${name}`);
    box.addEventListener("change", () => setPrefs(store, { [name]: box.checked }));
  }
  store.watch((state) => [state.prefs], (prefs) => {
    for (const name of SWITCHES) {
      byId(`pref-${name}`).checked = prefs[name];
    }
  });
  store.watch((state) => [state.schema, state.models, state.server.locked, state.prefs.language], draw);
  store.watch((state) => [state.options, currentJob(state), state.prefs.language], (options, job) => {
    const changed = Object.keys(options).length;
    byId("options-count").textContent = changed ? String(changed) : "";
    byId("options-count").hidden = changed === 0;
    byId("reset-options").disabled = changed === 0;
    byId("open-preview").disabled = !job;
    byId("stale").hidden = !isStale(job, options);
  });

  function draw() {
    const { schema, models, options, server } = store.get();
    byId("open-preview").hidden = schema === null;
    const form = formOf(fieldsOf(schema), options, models, (changed) => store.set({ options: changed }));
    byId("options-form").replaceChildren(...(schema ? form : noOptions(server.locked)));
  }

  function noOptions(locked) {
    const words = make("p", { class: "option-help" }, t(locked ? "optionsLocked" : "noOptions"));
    const ask = make("button", { type: "button", class: "button wide", onclick: act.unlock }, t("enterKey"));
    return locked ? [words, ask] : [words];
  }
}

// Whether a result was read with other options than those chosen now.
function isStale(job, options) {
  return Boolean(job?.result && job.options) && JSON.stringify(sorted(job.options)) !== JSON.stringify(sorted(options));
}

function sorted(options) {
  return Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1));
}
