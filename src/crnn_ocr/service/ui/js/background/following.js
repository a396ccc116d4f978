// Follows the jobs of the items on the page, and tells where one cannot be followed.

import { jobOf, patchJob } from "../jobs/jobs.js";
import { Problem } from "../server/problem.js";
import { follow } from "./follow.js";

/** The items whose jobs are followed. */
export class Following {
  #store;
  #act;
  #controls = new Map(); // id of the item → AbortController

  /**
   * @param {Store} store
   * @param act `heard(jobId, answer, pages)`, `failed(problem)` where nothing can be heard for a while
   */
  constructor(store, act) {
    this.#store = store;
    this.#act = act;
  }

  /** Follows the job of an item until it is over. */
  async start(id) {
    if (this.#controls.has(id)) {
      return;
    }
    const control = new AbortController();
    this.#controls.set(id, control);
    const jobId = jobOf(this.#store.get(), id).background.id;
    try {
      await follow(jobId, {
        signal: control.signal,
        isLive: () => this.#store.get().current === id && !document.hidden,
        tell: (answer, pages) => this.#act.heard(jobId, answer, pages),
        trouble: (problem) => this.#troubled(id, problem),
      });
    } catch (error) {
      const problem = Problem.of(error);
      patchJob(this.#store, id, {
        status: "failed",
        problem,
        note: { problem, retry: problem.code === "UNAUTHORIZED" },
      });
    } finally {
      if (this.#controls.get(id) === control) {
        this.#controls.delete(id);
      }
    }
  }

  /** Follows the job of an item no longer. */
  stop(id) {
    this.#controls.get(id)?.abort();
    this.#controls.delete(id);
  }

  /** Stops following items that have left the page. */
  forget() {
    for (const id of this.#controls.keys()) {
      if (!jobOf(this.#store.get(), id)?.background) {
        this.stop(id);
      }
    }
  }

  #troubled(id, problem) {
    const background = jobOf(this.#store.get(), id)?.background;
    if (background && background.trouble?.code !== problem?.code) {
      patchJob(this.#store, id, { background: { ...background, trouble: problem } });
      if (problem) {
        this.#act.failed(problem);
      }
    }
  }
}
