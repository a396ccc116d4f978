// What few visits need, and where it begins: the export sheet, the tab Data, the history.

import { byId } from "../core/dom.js";
import { later, load } from "../core/later.js";
import { jobOf } from "../jobs/jobs.js";
import { loadWords } from "../words/words.js";

/**
 * Wires them. They are loaded when they are first asked for.
 * @param {object} store
 * @param {(sentence: string, how?: object) => void} say
 * @param {() => void} missing hears of a part that has not arrived
 */
export function watchParts(store, say, missing) {
  const sheet = later("export/sheet.js", ({ ExportSheet }) => new ExportSheet(store, say), {
    styles: ["export.css"],
    words: () => loadWords("export"),
  });
  const data = later("result/data.js", ({ watchData }) => watchData(store, say));
  const history = later("history/panel.js", ({ HistoryPanel }) => new HistoryPanel(store, say));
  byId("export").addEventListener("click", () => sheet().then((part) => part.open(), missing));
  byId("open-history").addEventListener("click", () => history().then((part) => part.show(), missing));
  store.watch((state) => [state.prefs.view, state.current], (view, current) => {
    if (view === "data" && current !== null) {
      data().catch(missing);
    }
  });
  // Whoever has added a file will want these: they are there before its text is. What does not arrive is asked for again.
  store.watch((state) => [state.jobs.length > 0, state.prefs.history], (some, keeps) => {
    if (some) {
      [load("picture/lens.js"), ...(keeps ? [history()] : [])].forEach((part) => part.catch(() => {}));
    }
  });
  return {
    /** Keeps a reading, or what has been edited since, in the history of this browser. */
    async keep(id) {
      const { prefs } = store.get();
      if (prefs.history && jobOf(store.get(), id)?.result) {
        await history().then((part) => part.keep(id), () => {}); // without it the page works, and asks before it is left
      }
    },
    /** Puts an earlier reading back on the page. */
    open: (id) => history().then((part) => part.open(id), missing),
    /** The earlier readings, the newest first. */
    recent: async () => ((await hasHistory()) ? history().then((part) => part.recent(), () => []) : []),
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
