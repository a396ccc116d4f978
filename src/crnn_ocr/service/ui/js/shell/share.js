// Handing the text to another program of the phone, where its browser can do that.

import { byId } from "../core/dom.js";
import { currentJob } from "../jobs/jobs.js";
import { textOf } from "../reading/formats.js";
import { stem } from "../core/files.js";

/** Wires the button; it is there while there is something to share. */
export function watchShare(store) {
  const button = byId("share");
  store.watch((state) => [currentJob(state)?.result?.lines.length > 0], (some) => {
    button.hidden = !some || typeof navigator.share !== "function";
  });
  button.addEventListener("click", () => {
    const { name, result } = currentJob(store.get());
    const joined = store.get().prefs.view === "paragraphs";
    navigator.share({ title: stem(name), text: textOf(result, { joined }) }).catch(() => {}); // closed without choosing
  });
}
