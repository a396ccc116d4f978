// Jobs that are to be stopped: the server deletes what it has read of them, so there is a while to take that back.

import { Problem } from "../server/problem.js";
import { remove } from "./requests.js";

const WHILE = 10_000; // milliseconds

/** Stops jobs, after a while. */
export class Stopping {
  #timers = new Map(); // id → timer
  #done;

  /** @param {(id: string, problem: Problem | null) => void} done hears that a job has been stopped, or why it has not */
  constructor(done) {
    this.#done = done;
    addEventListener("pagehide", () => [...this.#timers.keys()].forEach((id) => this.#stop(id)));
  }

  /** Stops a job, after a while. */
  add(id) {
    this.takeBack(id);
    this.#timers.set(
      id,
      setTimeout(() => this.#stop(id), WHILE),
    );
  }

  /** Lets a job go on. */
  takeBack(id) {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  /** Whether a job is to be stopped. */
  has(id) {
    return this.#timers.has(id);
  }

  async #stop(id) {
    this.takeBack(id);
    try {
      await remove(id);
      this.#done(id, null);
    } catch (error) {
      this.#done(id, Problem.of(error));
    }
  }
}
