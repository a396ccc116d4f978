// The drawer with the options of a reading and the settings of the page.

import { byId, make } from "../core/dom.js";
import { later } from "../core/later.js";
import { setPrefs } from "../core/prefs.js";
import { currentJob } from "../jobs/jobs.js";
import { loadWords, t } from "../words/words.js";
import { fieldsOf } from "./schema.js";

const SWITCHES = ["history", "keys"];

/**
 * Wires the drawer. `act.start(id)` reads a file again, `act.unlock()` asks for the server's key, `act.missing()` hears
 * of a part that has not arrived.
 * @param {Store} store
 */
export function watchOptions(store, act) {
  const dialog = byId("options-dialog");
  let formOf = null; // builds the form, once the drawer has been opened
  const form = later(
    "options/form.js",
    (module) => {
      formOf = module.formOf;
      draw();
    },
    { words: () => loadWords("options") },
  );
  const preview = later("options/preview.js", ({ makePreview }) => makePreview(store));
  byId("open-options").addEventListener("pointerenter", () => form().catch(() => {}), { once: true }); // told at the click
  byId("open-options").addEventListener("click", () => form().then(() => dialog.showModal(), act.missing));
  byId("open-preview").addEventListener("click", () => preview().then((open) => open(), act.missing));
  byId("reset-options").addEventListener("click", () => {
    store.set({ options: {} });
    draw();
  });
  byId("read-again").addEventListener("click", () => {
    dialog.close();
    act.start(store.get().current);
  });
  byId("read-stale").addEventListener("click", () => act.start(store.get().current));
  for (const name of SWITCHES) {
    const box = boxOf(name);
    box.addEventListener("change", () => setPrefs(store, { [name]: box.checked }));
  }
  store.watch(
    (state) => [state.prefs],
    (prefs) => {
      for (const name of SWITCHES) {
        boxOf(name).checked = prefs[name];
      }
    },
  );
  store.watch((state) => [state.schema, state.models, state.server.locked, state.prefs.language], draw);
  store.watch(
    (state) => [state.options, currentJob(state), state.prefs.language],
    (options, job) => {
      const changed = Object.keys(options).length;
      byId("options-count").textContent = changed ? String(changed) : "";
      byId("options-count").hidden = changed === 0;
      byId("reset-options").disabled = changed === 0;
      byId("open-preview").disabled = !job;
      byId("stale").hidden = !isStale(job, options);
    },
  );

  function draw() {
    const { schema, models, options, server } = store.get();
    byId("open-preview").hidden = schema === null;
    if (formOf) {
      const fields = formOf(fieldsOf(schema), options, models, (changed) => store.set({ options: changed }));
      byId("options-form").replaceChildren(...(schema ? fields : noOptions(server.locked)));
    }
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

function boxOf(name) {
  return /** @type {HTMLInputElement} */ (byId(`pref-${name}`));
}
