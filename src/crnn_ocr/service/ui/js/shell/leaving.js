// Asks before the page goes away with work that would be lost: a reading under way, or results that nothing keeps.

import { UNDER_WAY } from "../jobs/jobs.js";

/** Watches over leaving, reloading and closing. */
export function watchLeaving(store) {
  addEventListener("beforeunload", (event) => {
    if (wouldLose(store.get())) {
      event.preventDefault();
    }
  });
}

// Whatever was read lies in the history, as far as the user lets the browser keep one.
function wouldLose({ jobs, prefs }) {
  return jobs.some((job) => UNDER_WAY.has(job.status) || (job.result !== null && !(prefs.history && job.historyId)));
}
