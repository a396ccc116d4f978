// The tab Data: the document as JSON, and the request that gave it as code, to copy.

import { pathOf } from "../background/requests.js";
import { copyText } from "../core/clipboard.js";
import { byId } from "../core/dom.js";
import { setPrefs } from "../core/prefs.js";
import { currentJob } from "../jobs/jobs.js";
import { documentOf } from "../reading/document.js";
import { readPath } from "../server/request.js";
import { LANGUAGES, snippet } from "../server/snippets.js";
import { t } from "../words/words.js";

const KINDS = ["json", ...LANGUAGES];
const SHOWN = 200_000; // characters of JSON; copying gives all of it

/**
 * Wires the panel.
 * @param {Say} say
 * @param {Store} store
 */
export function watchData(store, say) {
  for (const kind of KINDS) {
    const button = /** @type {HTMLButtonElement} */ (byId(`code-${kind}`));
    button.addEventListener("click", () => setPrefs(store, { code: kind }));
    button.disabled = false; // before, a click would have been lost
  }
  byId("copy-code").disabled = false;
  byId("copy-code").addEventListener("click", async () => {
    say(t((await copyText(contentOf(store.get()))) ? "copied" : "copyFailed"));
  });
  store.watch(
    (state) => [
      currentJob(state)?.id,
      currentJob(state)?.options,
      currentJob(state)?.wanted,
      currentJob(state)?.result,
      state.options,
      state.server.keyed,
      state.prefs.code,
      state.prefs.view === "data",
      state.prefs.language,
    ],
    () => store.get().prefs.view === "data" && draw(store.get()),
  );
}

/** @param {State} state */
function draw(state) {
  const kind = kindOf(state);
  const content = contentOf(state);
  byId("code").textContent = content.length > SHOWN ? `${content.slice(0, SHOWN)}\n…` : content;
  byId("code-more").textContent = t(kind === "json" ? "jsonMore" : "codeMore");
  for (const name of KINDS) {
    byId(`code-${name}`).setAttribute("aria-pressed", String(name === kind));
  }
}

/**
 * Without a result there is no document, but there is a request.
 * @param {State} state
 */
function kindOf(state) {
  const kind = KINDS.includes(state.prefs.code) ? state.prefs.code : KINDS[0];
  return kind === "json" && !currentJob(state)?.result ? KINDS[1] : kind;
}

/** @param {State} state */
function contentOf(state) {
  const job = currentJob(state);
  if (!job) {
    return "";
  }
  const kind = kindOf(state);
  if (kind === "json") {
    return jsonText(documentOf(job.result));
  }
  const options = job.background?.options ?? job.options ?? job.wanted ?? state.options;
  // Long documents are sent as jobs, whose answer is an id.
  const sent = job.background
    ? { path: pathOf(job, { options, formats: job.background.formats }), field: "id" }
    : { path: readPath(options), field: "text" };
  return snippet(
    { ...sent, name: job.name, file: job.file, origin: location.origin, key: state.server.keyed === true },
    kind,
  );
}

/** JSON in which points, polygons and lists of numbers stand on one line. */
function jsonText(value) {
  const text = JSON.stringify(value, null, 2);
  // Inside strings JSON has no line feeds, so none of this can be text.
  const points = text.replace(
    /\[\n\s+(-?[\d.e+-]+(?:,\n\s+-?[\d.e+-]+)*)\n\s+\]/g,
    (_, inner) => `[${inner.replace(/,\n\s+/g, ", ")}]`,
  );
  return points.replace(
    /\[\n\s+(\[[^[\]\n]*\](?:,\n\s+\[[^[\]\n]*\])*)\n\s+\]/g,
    (_, inner) => `[${inner.replace(/,\n\s+/g, ", ")}]`,
  );
}
