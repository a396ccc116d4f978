// The queue: what was handed in and how far it is. Jobs are never changed in place.

import { sizeText } from "../core/files.js";
import { isDoubtful, movesOf } from "../reading/result.js";
import { Problem } from "../server/problem.js";

const LARGE = 20_000_000; // bytes
const MOST_JOBS = 500; // files in the queue: their results are kept in memory

let lastId = 0;
const doubts = new WeakMap(); // result → whether it holds doubtful lines

/** States in which a job is under way. */
export const UNDER_WAY = new Set(["queued", "sending", "reading", "delayed"]);

const STARTABLE = new Set(["new", "failed", "cancelled"]);
const TOO_LARGE = "TOO_LARGE_TO_SEND";

/**
 * Adds files to the queue and shows the first of them.
 * @param {Store} store
 * @returns {{ids: number[], leftOut: number}}
 */
export function addFiles(store, files) {
  const { jobs } = store.get();
  const taken = files.slice(0, Math.max(0, MOST_JOBS - jobs.length));
  const added = taken.map(({ file, name }) => newJob(file, name));
  if (added.length > 0) {
    store.set({ jobs: [...jobs, ...added], current: added[0].id, active: null, selected: new Set() });
  }
  return { ids: added.map((job) => job.id), leftOut: files.length - taken.length };
}

/**
 * Puts a job of the server on the page; the file is not there.
 * @param {Store} store
 */
export function addBackground(store, { name, ...patch }) {
  const job = { ...newJob(new Blob([]), name), ...patch };
  store.set({ jobs: [...store.get().jobs, job] });
  return job.id;
}

/**
 * Puts a finished reading back on the page, for example from the history.
 * @param {Store} store
 */
export function addFinished(store, { file, name, thumb, result, options, historyId }) {
  /** @type {Job} */
  const job = { ...newJob(file, name), status: "done", thumb, result, options, historyId };
  const jobs = store.get().jobs.filter((other) => other.historyId !== historyId);
  store.set({ jobs: [...jobs, job], current: job.id, active: null, selected: new Set() });
  return job.id;
}

/**
 * The job with this id.
 * @param {State} state
 * @param {number | null} id
 */
export function jobOf(state, id) {
  return state.jobs.find((job) => job.id === id);
}

/**
 * The job that is shown.
 * @param {State} state
 */
export function currentJob(state) {
  return jobOf(state, state.current);
}

/**
 * Changes a job, if it is still there.
 * @param {Store} store
 * @param {number} id
 * @param {Partial<Job>} patch
 */
export function patchJob(store, id, patch) {
  const job = jobOf(store.get(), id);
  if (!job || Object.entries(patch).every(([key, value]) => Object.is(job[key], value))) {
    return;
  }
  store.set({ jobs: store.get().jobs.map((other) => (other === job ? { ...job, ...patch } : other)) });
}

/**
 * Turns the shown job to one of its pages.
 * @param {Store} store
 */
export function turnTo(store, page) {
  const job = currentJob(store.get());
  if (job?.result?.pages[page]) {
    patchJob(store, job.id, { page });
  }
}

/**
 * Gives a job its new result; the lines that the user works with stay chosen as far as they were read again.
 * @param {Store} store
 */
export function finishJob(store, id, patch) {
  const { jobs, current, active, selected } = store.get();
  const job = jobs.find((other) => other.id === id);
  const finished = { ...job, ...patch };
  const state = { jobs: jobs.map((other) => (other === job ? finished : other)) };
  if (id === current) {
    const moves = job.result ? movesOf(job.result, finished.result) : new Map();
    state.active = moves.get(active) ?? null;
    state.selected = new Set([...selected].filter((index) => moves.has(index)).map((index) => moves.get(index)));
    state.hovered = null;
  }
  store.set(state);
}

/**
 * Shows a job.
 * @param {Store} store
 */
export function selectJob(store, id) {
  if (store.get().current !== id) {
    store.set({ current: id, active: null, selected: new Set() });
  }
}

/** Whether a file is larger than what one would wait for, or than the server reads at once. */
export function isLarge({ file }, limits) {
  return file.size > Math.min(LARGE, limits?.max_image_bytes ?? LARGE);
}

/** How many pages a job has, and the index of the one that is shown. */
export function pagesOf({ background, result, page }) {
  return background ? { count: background.count, at: background.at } : { count: result?.pages.length ?? 0, at: page };
}

/** The page of a job that is shown, as a name. */
export function placeOf(job) {
  return `${job.id}/${pagesOf(job).at}`;
}

/**
 * Refuses files that are larger than the server takes, before they are sent; its limits may be known only later.
 * @param {Store} store
 */
export function watchSizes(store) {
  const largest = ({ limits }) => limits?.jobs?.max_file_bytes ?? limits?.max_image_bytes;
  store.watch(
    (state) => [state.jobs, largest(state)],
    (jobs, most = Infinity) => {
      for (const { id, file } of jobs.filter((job) => isWaiting(job) && job.file.size > most)) {
        const message = `${sizeText(file.size)} > ${sizeText(most)}`;
        patchJob(store, id, { status: "failed", problem: new Problem(TOO_LARGE, { message }) });
      }
    },
  );
}

function isWaiting({ status }) {
  return status === "new" || status === "queued";
}

/** Whether a job may be started: it is not under way, not done, and not refused for good. */
export function isStartable({ status, problem }) {
  return STARTABLE.has(status) && !problem?.hopeless;
}

/** Whether the result of a job holds lines that a person should look at. */
export function hasDoubts({ result }) {
  if (!result) {
    return false;
  }
  if (!doubts.has(result)) {
    doubts.set(result, result.lines.some(isDoubtful)); // asked with every change of any job, and lines may be many
  }
  return doubts.get(result);
}

/**
 * Takes a job out of the queue; its neighbour is shown instead.
 * @param {Store} store
 */
export function removeJob(store, id) {
  const { jobs, current } = store.get();
  const index = jobs.findIndex((job) => job.id === id);
  const rest = jobs.filter((job) => job.id !== id);
  const next = current === id ? (rest[Math.min(index, rest.length - 1)]?.id ?? null) : current;
  store.set({ jobs: rest, current: next, ...(next === current ? {} : { active: null, selected: new Set() }) });
}

/**
 * Takes all jobs out of the queue.
 * @param {Store} store
 */
export function clearJobs(store) {
  store.set({ jobs: [], current: null, active: null, selected: new Set() });
}

/** @returns {Job} */
function newJob(file, name) {
  lastId += 1;
  // `background`: the job of the server that reads it, if one does; `note`: what stands in the place of a result then.
  const shown = { thumb: null, result: null, problem: null, background: null, note: null };
  return { id: lastId, file, name, status: "new", share: 0, page: 0, turn: 0, ...shown };
}
