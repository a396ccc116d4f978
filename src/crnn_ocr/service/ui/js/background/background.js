// Documents that the server reads in the background: sends them, follows them, shows the page that one turns to.

import { addBackground, currentJob, jobOf, patchJob, selectJob, UNDER_WAY } from "../jobs/jobs.js";
import { explain, Problem } from "../server/problem.js";
import { t } from "../words/words.js";
import { watchBar } from "./bar.js";
import { Following } from "./following.js";
import { remember, rememberOpen, wereOpen } from "./known.js";
import { JobList } from "./list.js";
import { PageResults } from "./page-results.js";
import { find, formatsOf, newKey, pathOf, submit } from "./requests.js";
import { noteOf, OVER, problemOf, stateOf, statusOf, withPages, withPlace } from "./state.js";
import { Stopping } from "./stopping.js";

/** The documents on the page that the server reads in the background. */
export class Background {
  #store;
  #act;
  #list;
  #wereOpen; // ids of jobs that stood on this page before it was loaded anew
  #pages = new PageResults();
  #stopping;
  #following;
  #fetching = new Map(); // id of the item → the page that is being fetched

  /**
   * @param {Store} store
   * @param {Omit<RunnerTell, "done"> & {say: Say}} act
   */
  constructor(store, act) {
    this.#wereOpen = wereOpen();
    this.#store = store;
    this.#act = act;
    this.#stopping = new Stopping((id, problem) => this.#stopped(id, problem));
    this.#following = new Following(store, {
      failed: act.failed,
      heard: (jobId, answer, pages) => this.#heard(jobId, answer, pages),
    });
    this.#list = new JobList(store, {
      say: act.say,
      open: (answer) => this.open(answer),
      ended: (answer) => this.#heard(answer.id, answer, []),
    });
    watchBar(store, {
      turnTo: (id, at) => this.turnTo(id, at),
      stop: (id) => this.stop([jobOf(store.get(), id)]),
      again: (id) => this.again(jobOf(store.get(), id)),
    });
    store.watch(
      (state) => [state.jobs],
      (jobs) => this.#watchItems(jobs),
    );
    store.watch(
      (state) => [currentJob(state)?.background?.place, currentJob(state)?.note],
      () => this.#fetchShown(),
    );
  }

  /** Opens the list of jobs. */
  list() {
    this.#list.open();
  }

  /** Finds earlier jobs again; those that stood on this page do so again. */
  async restore() {
    const answers = await this.#list.refresh();
    for (const id of this.#wereOpen) {
      const answer = answers.find((other) => other.id === id);
      if (answer && !this.#itemOf(id)) {
        this.open(answer, { quiet: true });
      }
    }
    // What could not be asked for now may be there when the server is back.
    this.#wereOpen = this.#wereOpen.filter((id) => !answers.some((answer) => answer.id === id));
  }

  /** Sends a file; resolves to the job. Sent again after a failure, it is still one job. */
  send(job, how) {
    const path = pathOf(job, { options: how.options, formats: formatsOf(this.#store.get().schema) });
    const sent = job.sent?.path === path ? job.sent : { path, key: newKey() };
    patchJob(this.#store, job.id, { sent });
    return submit(job.file, { ...how, ...sent });
  }

  /** Takes over an item whose file the server has taken. */
  accept(id, answer) {
    const { wanted, name } = jobOf(this.#store.get(), id);
    remember(answer.id);
    this.#act.arriving(id);
    const background = stateOf(answer);
    patchJob(this.#store, id, {
      background,
      status: statusOf(background),
      note: noteOf(background),
      result: null,
      edits: undefined,
      page: 0,
      options: wanted,
      sent: null,
      resumes: 0,
    });
    this.#list.put(answer);
    this.#act.say(t("backgroundStarted", { name }));
    void this.#following.start(id);
  }

  /** Shows a job of the server on the page. */
  open(answer, { quiet = false } = {}) {
    const background = stateOf(answer);
    const id =
      this.#itemOf(answer.id)?.id ??
      addBackground(this.#store, {
        name: background.name,
        background,
        status: statusOf(background),
        problem: problemOf(background),
        note: noteOf(background),
      });
    if (!quiet || this.#store.get().current === null) {
      selectJob(this.#store, id);
    }
    void this.#following.start(id);
  }

  /** Goes on with an item that is to be started again; tells whether that is all there is to do. */
  again(job) {
    if (job.note?.retry && job.status !== "failed") {
      patchJob(this.#store, job.id, { note: noteOf(job.background) }); // its page is fetched again
      return true;
    }
    if (UNDER_WAY.has(job.status)) {
      return true;
    }
    const over = OVER.has(job.background.state);
    if (over && job.file.size > 0) {
      return false; // it is sent anew
    }
    if (over) {
      this.#act.say(t("backgroundChooseAgain"));
      return true;
    }
    this.#stopping.takeBack(job.background.id);
    this.#set(job.id, job.background, { problem: null });
    void this.#following.start(job.id);
    return true;
  }

  /** Stops items. The server forgets what it has read of them, so that can be taken back for a while. */
  stop(jobs) {
    for (const { id, background } of jobs) {
      this.#following.stop(id);
      patchJob(this.#store, id, { status: "cancelled", note: { symbol: "stop", words: "backgroundStopped" } });
      this.#stopping.add(background.id);
    }
    const again = (job) => job && this.again(job);
    const run = () => jobs.forEach(({ id }) => again(jobOf(this.#store.get(), id)));
    this.#act.say(t("backgroundStopping", { count: jobs.length }), { action: { label: t("undo"), run } });
  }

  /** Shows another page. */
  turnTo(id, at) {
    const job = jobOf(this.#store.get(), id);
    if (at === job.background.at) {
      return;
    }
    this.#act.arriving(id);
    this.#keep(id);
    const background = withPlace(job.background, at);
    this.#store.set({ active: null, hovered: null, block: null, selected: new Set() });
    const kept = background.place && this.#pages.get(background.id, background.place);
    this.#set(id, background, kept ?? { result: null, edits: undefined });
  }

  #itemOf(jobId) {
    return this.#store.get().jobs.find(({ background }) => background?.id === jobId);
  }

  // What the user has changed on a page stays, though another one is shown.
  #keep(id) {
    const { background, result, edits, turn } = jobOf(this.#store.get(), id);
    if (result && background.place) {
      this.#pages.put(background.id, background.place, { result, edits, turn });
      if (edits?.past.length) {
        patchJob(this.#store, id, { edited: true });
      }
    }
  }

  #set(id, background, patch = {}) {
    patchJob(this.#store, id, { background, status: statusOf(background), note: noteOf(background), ...patch });
  }

  #watchItems(jobs) {
    rememberOpen([...this.#wereOpen, ...jobs.flatMap(({ background }) => background?.id ?? [])]);
    this.#following.forget();
  }

  #heard(jobId, answer, pages) {
    if (answer) {
      this.#list.put(answer);
    }
    const item = this.#itemOf(jobId);
    if (!item || this.#stopping.has(jobId)) {
      return;
    }
    const told = pages.length > 0 ? withPages(item.background, pages) : item.background;
    const background = answer ? stateOf(answer, told) : told;
    const gone = ["cancelled", "expired"].includes(background.state) ? { result: null, edits: undefined } : {};
    this.#set(item.id, background, { problem: problemOf(background), ...gone });
    if (OVER.has(background.state) && !OVER.has(item.background.state)) {
      this.#act.say(t(`backgroundOver_${background.state}`, background));
    }
  }

  async #stopped(jobId, problem) {
    const item = this.#itemOf(jobId);
    if (problem) {
      this.#act.say(t("backgroundNotStopped", { reason: explain(problem) }));
      if (item) {
        this.again(item);
      }
      return;
    }
    this.#pages.drop(jobId);
    find(jobId).then(
      (answer) => this.#heard(jobId, answer, []),
      () => {},
    );
  }

  // The shown page has been read: what was read is fetched, unless it is there.
  async #fetchShown() {
    const job = currentJob(this.#store.get());
    const place = job?.background?.place;
    if (!place || job.note || job.result || this.#fetching.get(job.id) === place || job.status === "failed") {
      return;
    }
    this.#fetching.set(job.id, place);
    const failed = (error) => ({ note: { problem: Problem.of(error), retry: true } });
    const patch = await this.#pages.fetch(job.background.id, place).then((page) => ({ ...page, note: null }), failed);
    this.#fetching.delete(job.id);
    const now = jobOf(this.#store.get(), job.id);
    if (now?.background?.place === place && !now.result) {
      patchJob(this.#store, job.id, patch);
    }
  }
}
