// The grid of a table is edited over the picture, by an editor that is loaded when it is first asked for.

import { later } from "../../core/later.js";
import { turnTo } from "../../jobs/jobs.js";
import { t } from "../../words/words.js";

/**
 * Makes the function that opens the grid of a table, or closes it where it is open.
 * @param {Store} store
 * @param {GridAct & {mark: (key: string | null) => void}} act `mark` shows in the document which table is edited
 * @returns {(key: string) => Promise<void>}
 */
export function gridToggle(store, act) {
  let open = null;
  const ended = () => {
    open = null;
    act.mark(null);
  };
  const load = later("grid/editor.js", ({ GridEditor }) => new GridEditor(store, { ...act, ended }), {
    styles: ["grid.css"],
  });
  return async (key) => {
    const again = open === key;
    try {
      const editor = await load();
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
      act.say(t("errorNetwork"));
    }
  };
}
