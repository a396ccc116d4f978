// What few visits need, and where it begins: the export sheet, the tab Data, the history.

import { byId } from "../core/dom.js";
import { later, load } from "../core/later.js";
import { jobOf, patchJob } from "../jobs/jobs.js";
import { loadWords } from "../words/words.js";

/**
 * Wires them. They are loaded when they are first asked for.
 * @param {Store} store
 * @param {Say} say
 * @param {() => void} missing hears of a part that has not arrived
 */
export function watchParts(store, say, missing) {
  const sheet = later("export/sheet.js", ({ ExportSheet }) => new ExportSheet(store, say), {
    styles: ["export.css"],
    words: () => loadWords("export"),
  });
  const data = later("result/data.js", ({ watchData }) => watchData(store, say));
  const history = later("history/panel.js", ({ HistoryPanel }) => new HistoryPanel(store, say));
  const share = later("shell/share.js", ({ watchShare }) => watchShare(store));
  const lens = () => load("picture/lens.js");
  byId("export").addEventListener("click", () => sheet().then((part) => part.open(), missing));
  byId("open-history").addEventListener("click", () => history().then((part) => part.show(), missing));
  store.watch(
    (state) => [state.prefs.view, state.current],
    (view, current) => {
      if (view === "data" && current !== null) {
        data().catch(missing);
      }
    },
  );
  // Whoever has added a file will want these: they are there before its text is. What does not arrive is asked for again.
  store.watch(
    (state) => [state.jobs.length > 0, state.prefs.history],
    (some, keeps) => {
      if (some) {
        const wanted = [lens, ...(keeps ? [history] : []), ...(typeof navigator.share === "function" ? [share] : [])];
        wanted.forEach((part) => part().catch(() => {}));
      }
    },
  );
  return {
    /** Keeps a reading, or what has been edited since, in the history of this browser. */
    async keep(id) {
      const { prefs } = store.get();
      const job = jobOf(store.get(), id);
      if (prefs.history && job?.result) {
        // At once: whoever leaves now loses nothing.
        patchJob(store, id, { historyId: job.historyId ?? crypto.randomUUID?.() ?? String(Math.random()) });
        await history().then(
          (part) => part.keep(id),
          () => patchJob(store, id, { historyId: undefined }),
        );
      }
    },
    /** Puts an earlier reading back on the page. */
    open: (id) => history().then((part) => part.open(id), missing),
    /** The earlier readings, the newest first. */
    recent: async () =>
      (await hasHistory())
        ? history().then(
            (part) => part.recent(),
            () => [],
          )
        : [],
  };
}

// A first visit has none, and need not load what would show it.
async function hasHistory() {
  try {
    return (await indexedDB.databases()).some(({ name }) => name === "crnn-ocr.history");
  } catch {
    return true; // an older browser, or none that keeps anything: the history itself finds out
  }
}
