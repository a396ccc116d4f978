// Has the jobs read, a few at a time: starts, cancels, waits as the server asks, tries again.

import { load } from "../core/later.js";
import { keepEdits, resultOf } from "../reading/result.js";
import { isDocument } from "../picture/source.js";
import { Problem } from "../server/problem.js";
import { readFile } from "../server/request.js";
import { finishJob, isLarge, isStartable, jobOf, patchJob, UNDER_WAY } from "./jobs.js";

const AT_ONCE = 2; // more would only wait inside the server
const MOST_RESUMES = 3; // how often a file is read anew by itself after the server was gone
const COUNTED_FROM = 100_000; // bytes: smaller documents are read faster than they are looked at twice
const TOO_MUCH = new Set(["IMAGE_TOO_LARGE", "BODY_TOO_LARGE", "DEADLINE_EXCEEDED"]);
const PATIENCE = 900_000; // milliseconds for which a busy server is asked again without the user

/** Runs the jobs of a store. */
export class Runner {
  #store;
  #background;
  #tell;
  #running = new Map(); // id → AbortController
  #timers = new Map(); // id → interval of a countdown
  #since = new Map(); // id → when the server was busy for the first time

  /**
   * @param {Store} store
   * @param {object} background reads long files as jobs of the server: `send(job, how)`, `accept(id, answer)`,
   *   `again(job)` which tells whether it has gone on with one, `stop(jobs)`
   * @param {RunnerTell} tell
   */
  constructor(store, background, tell) {
    this.#store = store;
    this.#background = background;
    this.#tell = tell;
  }

  /** Starts these jobs, as far as they are not under way. */
  start(ids) {
    const wanted = { ...this.#store.get().options };
    for (const id of ids) {
      const job = jobOf(this.#store.get(), id);
      if (job && !this.#background.again(job) && (job.status === "done" || isStartable(job))) {
        this.#since.delete(id);
        const fresh = job.background ? { background: null, note: null, result: null } : {};
        patchJob(this.#store, id, { status: "queued", wanted, problem: null, share: 0, waitUntil: null, ...fresh });
      }
    }
    this.#next();
  }

  /** Starts what has not been read yet; where there is nothing, the shown one again. */
  startAll() {
    const { jobs, current } = this.#store.get();
    const waiting = jobs.filter(isStartable).map((job) => job.id);
    this.start(waiting.length > 0 ? waiting : [current]);
  }

  /** Starts what could not be sent while the server was gone; a file that breaks every connection is left at last. */
  resume() {
    const lost = this.#store
      .get()
      .jobs.filter(({ status, problem }) => status === "failed" && problem.code === "NETWORK");
    for (const { id, resumes = 0 } of lost.filter((job) => (job.resumes ?? 0) < MOST_RESUMES)) {
      patchJob(this.#store, id, { resumes: resumes + 1 });
      this.start([id]);
    }
  }

  /** Stops a job. */
  cancel(id) {
    this.#cancel([jobOf(this.#store.get(), id)]);
    this.#next();
  }

  /** Stops all jobs. */
  cancelAll() {
    this.#cancel(this.#store.get().jobs);
  }

  /** Has nothing to do any more with jobs that leave the page; what the server reads in the background goes on there. */
  leave(jobs) {
    this.#cancel(jobs.filter((job) => !job.background));
    this.#next();
  }

  #cancel(jobs) {
    const busy = jobs.filter((job) => job && UNDER_WAY.has(job.status));
    jobs.forEach((job) => this.#forget(job?.id));
    for (const { id, result } of busy.filter((job) => !job.background)) {
      patchJob(this.#store, id, { status: result ? "done" : "cancelled", waitUntil: null });
    }
    const away = busy.filter((job) => job.background);
    if (away.length > 0) {
      this.#background.stop(away);
    }
  }

  /** Asks a busy server at once instead of waiting. */
  hurry(id) {
    this.#stopTimer(id);
    patchJob(this.#store, id, { status: "queued", waitUntil: null });
    this.#next();
  }

  #next() {
    for (const job of this.#store.get().jobs) {
      if (this.#running.size >= AT_ONCE) {
        return;
      }
      if (job.status === "queued" && !this.#running.has(job.id)) {
        void this.#run(job);
      }
    }
  }

  async #run(job) {
    const control = new AbortController();
    const mine = () => this.#running.get(job.id) === control;
    this.#running.set(job.id, control);
    patchJob(this.#store, job.id, { status: "sending", share: 0 });
    try {
      const onSent = (share) => mine() && this.#sent(job.id, share);
      const how = { options: job.wanted, signal: control.signal, onSent };
      const long = mayBeLong(job, this.#store.get().limits) && (await isLong(this.#store, job));
      control.signal.throwIfAborted();
      const answer = await (long ? this.#background.send(job, how) : readFile(job.file, how));
      if (mine()) {
        long ? this.#background.accept(job.id, answer) : this.#finish(job.id, answer);
      }
    } catch (error) {
      if (mine()) {
        this.#fail(job.id, Problem.of(error));
      }
    } finally {
      if (mine()) {
        this.#running.delete(job.id);
      }
      this.#next();
    }
  }

  #sent(id, share) {
    patchJob(this.#store, id, { share, status: share < 1 ? "sending" : "reading" });
  }

  #finish(id, answer) {
    const fresh = resultOf(answer);
    this.#tell.arriving(id);
    const job = jobOf(this.#store.get(), id);
    const result = keepEdits(fresh, job.result);
    const turn = job.result ? job.turn : result.pages[0].turn;
    const page = Math.min(job.page, result.pages.length - 1);
    // Only now: what is stopped or fails leaves the old result, and with it what that was read with.
    finishJob(this.#store, id, { status: "done", result, turn, page, options: job.wanted, resumes: 0 });
    this.#tell.done(id);
  }

  #fail(id, problem) {
    this.#tell.failed(problem);
    if (problem.code === "UNAUTHORIZED") {
      this.#failAll(problem); // whoever has just declined to give the key is not asked for every file
    }
    const since = this.#since.get(id) ?? performance.now();
    if (this.#isTooMuch(id, problem)) {
      patchJob(this.#store, id, { status: "queued", long: true });
    } else if (problem.passing && performance.now() - since < PATIENCE) {
      this.#since.set(id, since);
      this.#wait(id, problem);
    } else {
      patchJob(this.#store, id, { status: "failed", problem });
    }
  }

  // A document that is refused at once, or not read in time, may well be read in the background.
  #isTooMuch(id, { code }) {
    const { file, name, long } = jobOf(this.#store.get(), id);
    return !long && this.#store.get().limits?.jobs && TOO_MUCH.has(code) && isDocument({ file, name });
  }

  #failAll(problem) {
    for (const job of this.#store.get().jobs.filter(({ status }) => status === "queued")) {
      patchJob(this.#store, job.id, { status: "failed", problem });
    }
  }

  #wait(id, problem) {
    const waitUntil = performance.now() + problem.retryAfter * 1000;
    patchJob(this.#store, id, { status: "delayed", problem, waitUntil, waitSeconds: problem.retryAfter });
    const timer = setInterval(() => {
      const left = Math.ceil((waitUntil - performance.now()) / 1000);
      if (left <= 0) {
        this.hurry(id);
      } else {
        patchJob(this.#store, id, { waitSeconds: left });
      }
    }, 250);
    this.#timers.set(id, timer);
  }

  #forget(id) {
    this.#stopTimer(id);
    this.#running.get(id)?.abort();
    this.#running.delete(id);
  }

  #stopTimer(id) {
    clearInterval(this.#timers.get(id));
    this.#timers.delete(id);
  }
}

// Whether it has to be found out if a file is too long to wait for; of most pictures it need not be.
function mayBeLong(job, limits) {
  return job.long === true || isLarge(job, limits) || (isDocument(job) && job.file.size >= COUNTED_FROM);
}

/** @param {Store} store */
async function isLong(store, job) {
  const part = await load("jobs/long.js").catch(() => {
    throw new Problem("NETWORK");
  });
  return part.isLong(store, job);
}
