// Follows a job of the server until it is over: by its events while it is looked at, else by asking now and then.

import { changesSince, find, followEvents, Silent } from "./requests.js";
import { OVER } from "./state.js";

const SOON = 1_000; // milliseconds between two streams of events, as when the server restarts
const OFTEN = 2_500; // between two questions
const SELDOM = 10_000; // the same while nobody looks at the page

/**
 * Resolves once the job is over, or `signal` is aborted; rejects with the Problem after which there is nothing to wait
 * for: it is gone, or the key is wrong.
 * @param {string} id
 * @param {object} how
 * @param {AbortSignal} how.signal
 * @param {() => boolean} how.isLive whether somebody looks at it: browsers open few connections at a time, so one job
 *   alone is followed by its events
 * @param {(answer: object | null, pages: object[]) => void} how.tell hears what has changed
 * @param {(problem: Error | null) => void} how.trouble hears that nothing can be heard of it, and that it can again
 */
export async function follow(id, { signal, isLive, tell, trouble }) {
  let after = 0;
  let over = false;
  let streams = true;
  const hear = (answer, pages) => {
    if (!signal.aborted) {
      over ||= answer !== null && OVER.has(answer.state);
      tell(answer, pages);
    }
  };

  while (!signal.aborted && !over) {
    let pause = document.hidden ? SELDOM : OFTEN;
    try {
      if (streams && isLive()) {
        pause = SOON;
        await stream();
      } else {
        await poll();
      }
    } catch (error) {
      pause = pauseAfter(error, pause);
    }
    await sleep(over ? 0 : pause, signal);
  }

  async function poll() {
    const answer = await find(id, { insist: true });
    let pages = [];
    after = await changesSince(id, after, (some) => {
      pages = pages.concat(some);
    });
    trouble(null);
    hear(answer, pages);
  }

  async function stream() {
    const control = new AbortController();
    const stop = () => control.abort();
    const watch = setInterval(() => isLive() || stop(), 500);
    signal.addEventListener("abort", stop, { once: true });
    try {
      await followEvents(id, {
        after,
        signal: control.signal,
        onEvents(events) {
          trouble(null);
          after = Math.max(after, ...events.map((event) => event.id));
          const jobs = events.filter(({ kind }) => kind === "job");
          hear(
            jobs.at(-1)?.data ?? null,
            events.filter(({ kind }) => kind === "page").map(({ data }) => data),
          );
        },
      });
    } finally {
      clearInterval(watch);
      signal.removeEventListener("abort", stop);
    }
  }

  function pauseAfter(error, pause) {
    if (error.name === "AbortError") {
      return 0; // nobody looks at it any more
    }
    if (error instanceof Silent) {
      streams = false; // something on the way holds the events back
      return 0;
    }
    if (error.code === "UNAUTHORIZED" && streams && isLive()) {
      streams = false; // asking now and then asks for the key, too
      return 0;
    }
    if (error.code === "NETWORK" || error.code === "BAD_ANSWER" || error.passing || error.status >= 500) {
      // A stream may be refused because there are too many: the state of the job can be asked for all the same.
      streams &&= !error.passing;
      trouble(error);
      return error.passing ? error.retryAfter * 1000 : pause + OFTEN;
    }
    throw error;
  }
}

function sleep(milliseconds, signal) {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    signal.addEventListener("abort", wake);
  });
}
