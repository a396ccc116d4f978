// Handing the text to another program of the phone, where its browser can do that.

import { byId } from "../core/dom.js";
import { currentJob } from "../jobs/jobs.js";
import { flowText, textOf } from "../reading/blocks.js";
import { stem } from "../core/files.js";

/**
 * Wires the button; it is there while there is something to share, and a browser that can.
 * @param {Store} store
 */
export function watchShare(store) {
  const button = byId("share");
  store.watch(
    (state) => [currentJob(state)?.result?.lines.length > 0],
    (some) => {
      button.hidden = !some;
    },
  );
  button.addEventListener("click", () => {
    const { name, result } = currentJob(store.get());
    const flows = store.get().prefs.view === "document" && result.layout === "blocks";
    navigator.share({ title: stem(name), text: (flows ? flowText : textOf)(result) }).catch(() => {}); // closed without choosing
  });
}
