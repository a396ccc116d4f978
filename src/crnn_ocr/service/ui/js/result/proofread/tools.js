// The small buttons of a row: copy, edit, accept, undo. One set wanders to the row where it is wanted.

import { icon, iconButton, make } from "../../core/dom.js";
import { isDoubtful } from "../../reading/result.js";
import { t } from "../../words/words.js";

const THANKS = 1500; // milliseconds for which the tick stands

/** One set of buttons. */
export class RowTools {
  #act;
  #cell = make("span", { class: "line-tools", role: "gridcell" });
  #row = null;
  #key = "";

  /** @param {RowAct} act */
  constructor(act) {
    this.#act = act;
  }

  /** Moves to a row, or away where there is none. */
  show(row, index, line) {
    const key = row && line ? JSON.stringify([index, line.text, line.original, line.checked, t("copy")]) : "";
    if (row === this.#row && key === this.#key) {
      return;
    }
    this.#key = key;
    if (row !== this.#row) {
      this.#cell.remove();
      this.#row = row;
    }
    if (!row || !line) {
      return;
    }
    const { text } = line;
    const copy = iconButton("copy", t("copyLine", { text }), () => this.#copied(copy, index));
    const edit = iconButton("edit", t("editLine", { text }), () => this.#act.edit(index));
    const undo = iconButton("undo", t("undoLine", { text: line.original }), () => this.#act.undo(index));
    const accept = iconButton("check", t("acceptLineOf", { text }), () => this.#act.accept(index));
    const first = text !== line.original && line.original !== "" ? [undo] : isDoubtful(line) ? [accept] : [];
    this.#cell.replaceChildren(...first, edit, copy);
    row.append(this.#cell);
  }

  async #copied(button, index) {
    if (await this.#act.copy(index)) {
      button.replaceChildren(icon("check"));
      button.classList.add("is-done");
      setTimeout(() => {
        button.replaceChildren(icon("copy"));
        button.classList.remove("is-done");
      }, THANKS);
    }
  }
}
