// Asks before the page goes away with work that would be lost: a reading under way, or results that nothing keeps.

import { UNDER_WAY } from "../jobs/jobs.js";

/**
 * Watches over leaving, reloading and closing.
 * @param {Store} store
 */
export function watchLeaving(store) {
  addEventListener("beforeunload", (event) => {
    if (wouldLose(store.get())) {
      event.preventDefault();
    }
  });
}

// Whatever was read lies in the history, as far as the user lets the browser keep one; what the server reads in the
// background lies there, but for the user's edits.
function wouldLose({ jobs, prefs }) {
  return jobs.some(({ background, edited, status, result, historyId }) =>
    background ? edited === true : UNDER_WAY.has(status) || (result !== null && !(prefs.history && historyId)),
  );
}
