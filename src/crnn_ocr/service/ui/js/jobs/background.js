// The way to the jobs of the server, which read long documents in the background. What shows them is loaded when there
// is one: in this browser, of the user's key, or because a long document has been added.

import { byId } from "../core/dom.js";
import { later } from "../core/later.js";
import { hasKey } from "../server/key.js";
import { Problem } from "../server/problem.js";
import { loadWords } from "../words/words.js";

const KNOWN = "crnn-ocr.background"; // ids of the jobs that were sent from this browser

/**
 * Wires the button, and finds earlier jobs again.
 * @param {Store} store
 * @param {Omit<RunnerTell, "done"> & {say: Say, missing: () => void}} act
 */
export function watchBackground(store, act) {
  let made = null;
  const part = later(
    "background/background.js",
    ({ Background }) => {
      made = new Background(store, act);
      return made;
    },
    { styles: ["background.css"], words: () => Promise.all(["background", "export"].map(loadWords)) },
  );
  byId("open-background").addEventListener("click", () => part().then((background) => background.list(), act.missing));
  // A first visit has no jobs, and asks for none.
  store.watch(
    (state) => [state.server.state === "ready", state.server.keyed],
    (ready) => {
      if (ready && (hasKey() || hasJobs())) {
        part().then(
          (background) => background.restore(),
          () => {},
        ); // asked again when the server is back
      }
    },
  );
  return {
    /** Sends a file; resolves to the job that the server has made of it. */
    async send(job, how) {
      const background = await part().catch(() => {
        throw new Problem("NETWORK");
      });
      return background.send(job, how);
    },
    accept: (id, answer) => made.accept(id, answer),
    again: (job) => job.background !== null && made.again(job),
    stop: (jobs) => made.stop(jobs),
    turnTo: (id, at) => made.turnTo(id, at),
  };
}

function hasJobs() {
  try {
    return (localStorage.getItem(KNOWN) ?? "[]") !== "[]";
  } catch {
    return false;
  }
}
