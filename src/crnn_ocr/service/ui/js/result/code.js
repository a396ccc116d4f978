// The API panel: the request of what was just done, to copy.

import { copyText } from "../core/clipboard.js";
import { byId } from "../core/dom.js";
import { setPrefs } from "../core/prefs.js";
import { currentJob } from "../jobs/jobs.js";
import { LANGUAGES, snippet } from "../server/snippets.js";
import { t } from "../words/words.js";

/** Wires the panel. */
export function watchCode(store, say) {
  for (const language of LANGUAGES) {
    byId(`code-${language}`).addEventListener("click", () => setPrefs(store, { code: language }));
  }
  byId("copy-code").addEventListener("click", async () => {
    say(t((await copyText(byId("code").textContent)) ? "copied" : "copyFailed"));
  });
  store.watch(
    (state) => [currentJob(state)?.id, currentJob(state)?.options, currentJob(state)?.wanted, state.options, state.server.keyed, state.prefs.code],
    () => draw(store.get()),
  );
}

function draw(state) {
  const job = currentJob(state);
  if (!job) {
    return;
  }
  const options = job.options ?? job.wanted ?? state.options;
  const request = { name: job.name, file: job.file, options, origin: location.origin, key: state.server.keyed === true };
  const language = LANGUAGES.includes(state.prefs.code) ? state.prefs.code : LANGUAGES[0];
  byId("code").textContent = snippet(request, language);
  for (const name of LANGUAGES) {
    byId(`code-${name}`).setAttribute("aria-pressed", String(name === language));
  }
}
