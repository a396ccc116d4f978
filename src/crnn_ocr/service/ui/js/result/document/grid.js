// The grid of a table is edited over the picture, by an editor that is loaded when it is first asked for.

import { turnTo } from "../../jobs/jobs.js";
import { t } from "../../words/words.js";

/**
 * Makes the function that opens the grid of a table, or closes it where it is open.
 * @param store
 * @param act `put(page, element)` over the picture, `change(make)`, `say(words)`, `mark(key | null)` in the document
 * @returns {(key: string) => Promise<void>}
 */
export function gridToggle(store, act) {
  let loading = null;
  let open = null;
  const ended = () => {
    open = null;
    act.mark(null);
  };
  return async (key) => {
    const again = open === key;
    try {
      loading ??= import("../../grid/editor.js").then(({ GridEditor }) => new GridEditor(store, { ...act, ended }));
      const editor = await loading;
      editor.close();
      if (!again) {
        turnTo(store, Number(key.split("/")[0]));
        store.set({ active: null, block: null });
        open = key;
        act.mark(key);
        if (!editor.open(key)) {
          ended();
          act.say(t("gridUnknown"));
        }
      }
    } catch {
      loading = null;
      act.say(t("errorNetwork"));
    }
  };
}
