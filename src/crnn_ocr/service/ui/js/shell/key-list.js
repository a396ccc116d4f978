// The sheet that lists the keyboard commands.

import { byId, make } from "../core/dom.js";
import { t } from "../words/words.js";

/**
 * Keeps the list in the user's language; `commands` have keys, a name, and whether they are single keys.
 * @param {Store} store
 */
export function watchKeyList(store, commands) {
  store.watch(
    (state) => [state.prefs.language, state.prefs.keys],
    (_, singles) => draw(commands, singles),
  );
}

function draw(commands, singles) {
  const rows = commands.map(({ keys, name, single }) =>
    make(
      "div",
      { class: "key-row", "data-single": Boolean(single) },
      make("dt", {}, ...keys.map((key) => make("kbd", {}, key))),
      make("dd", {}, t(`key_${name}`)),
    ),
  );
  byId("key-list").replaceChildren(...rows);
  byId("keys-off").hidden = singles;
}
