// Wires the page: one store, the views that watch it, and the few ways in which they act on each other.

import { byId } from "./core/dom.js";
import { later } from "./core/later.js";
import { loadOptions, loadPrefs, rememberPrefs } from "./core/prefs.js";
import { createStore } from "./core/store.js";
import { nameOf, watchIntake } from "./intake/intake.js";
import { watchSamples } from "./intake/samples.js";
import { watchWelcome } from "./intake/welcome.js";
import { addFiles, currentJob, jobOf, patchJob, selectJob, watchSizes } from "./jobs/jobs.js";
import { watchBackground } from "./jobs/background.js";
import { Runner } from "./jobs/runner.js";
import { thumbnail } from "./jobs/thumbnail.js";
import { removeAll, removeOne } from "./jobs/undo.js";
import { QueueView } from "./jobs/view.js";
import { watchOptions } from "./options/panel.js";
import { nextOverlay } from "./picture/overlay.js";
import { forgetPictures } from "./picture/source.js";
import { PictureView } from "./picture/view.js";
import { BlockLayer, polygonOfBlock } from "./result/document/layer.js";
import { ResultView } from "./result/view.js";
import { watchCard } from "./shell/card.js";
import { watchDialogs } from "./shell/dialogs.js";
import { watchSides } from "./shell/follow.js";
import { watchKeys } from "./shell/keys.js";
import { watchLeaving } from "./shell/leaving.js";
import { nextTheme, otherLanguage, watchLooks } from "./shell/looks.js";
import { toggleAlone, watchPanes } from "./shell/panes.js";
import { watchParts } from "./shell/parts.js";
import { watchPrimary } from "./shell/primary.js";
import { say, watchSay } from "./shell/say.js";
import { noteServer, unlock, watchServer } from "./shell/server.js";
import { loadLanguage, t } from "./words/words.js";

/** @type {Store} */
const store = createStore({
  jobs: [],
  current: null, // id of the job that is shown
  active: null, // index of the line that the user works with
  hovered: null, // index of the line that the user points at
  hit: null, // index of the line that the search is at
  alone: false, // the picture has all the room
  wide: 0, // width to height of a picture that stands above its text, else 0
  block: null, // key of a block without lines, such as a figure, that the user works with
  blockHovered: null, // key of one that the user points at
  selected: new Set(), // indexes of lines
  options: loadOptions(), // reading options that differ from the defaults
  prefs: loadPrefs(),
  schema: null, // of the options
  models: [],
  limits: null,
  server: { state: "unknown" },
  work: null, // what the server is busy with, while someone looks
});

await loadLanguage(store.get().prefs.language);
rememberPrefs(store);
watchSizes(store);
watchLooks(store);
watchDialogs();
watchSay();
watchLeaving(store);

const parts = watchParts(store, say, missing);
const tell = {
  arriving: (id) => id === store.get().current && result.endEdit(),
  done: read,
  failed: (problem) => noteServer(store, problem.code === "NETWORK" ? "down" : problem.passing ? "busy" : "ready"),
};
const background = watchBackground(store, { ...tell, say, missing });
const runner = new Runner(store, background, tell);
const firstPages = later("jobs/first-pages.js", ({ watchFirstPages }) =>
  watchFirstPages(store, async (id, blob) => {
    await addThumb(id, blob);
    void parts.keep(id);
  }),
);
const blocks = { hover: (key) => store.set({ blockHovered: key }), pick: (key) => result.pick(key) };
const picture = new PictureView(store, {
  layer: new BlockLayer(store, blocks).element,
  layerOf: (page) => new BlockLayer(store, blocks, page),
  choose: (index, event) => result.choose(index, event),
  hover: (index) => store.set({ hovered: index }),
  turnTo: background.turnTo,
  drawn: (job, blob) => job.thumb ?? addThumb(job.id, blob),
});
const result = new ResultView(store, say, {
  start: (id) => runner.start([id]),
  cancel: (id) => runner.cancel(id),
  hurry: (id) => runner.hurry(id),
  edited: (id) => (jobOf(store.get(), id).background ? patchJob(store, id, { edited: true }) : parts.keep(id)),
  reveal: (index) => index !== null && picture.reveal(index),
  put: (page, element) => picture.put(page, element),
  lookAt: (index, part) => picture.lookAt(index, part),
  missing,
  revealBlock: (key) =>
    picture.revealPolygon(Number(key.split("/")[0]), polygonOfBlock(currentJob(store.get()).result, key)),
});
new QueueView(store, {
  select: (id) => selectJob(store, id),
  start: (id) => runner.start([id]),
  cancel: (id) => runner.cancel(id),
  remove,
});

watchOptions(store, { start: (id) => runner.start([id]), unlock: () => unlock(store), missing });
watchSides(store, (index) => picture.reveal(index));
watchPanes(store);
watchPrimary(store, { add: () => byId("file").click(), stop: () => runner.cancelAll(), copy: () => result.copy() });
const takeSample = watchSamples(
  store,
  (file) => take([file], "sample"),
  () => say(t("errorNetwork")),
);
watchWelcome(store, {
  sample: takeSample,
  captured: (file) => take([file], "captured"),
  open: parts.open,
  recent: parts.recent,
  missing,
});
watchIntake({ zone: document.body, inputs: [byId("file"), byId("camera")] }, take, () => say(t("nothingFound")));
watchCard(store);
watchServer(store);
watchKeys(store, {
  read: () => runner.startAll(),
  open: () => byId("file").click(),
  copy: () => result.copy(),
  search: () => byId("search").focus(),
  next: () => result.step(1),
  before: () => result.step(-1),
  edit: () => result.edit(store.get().active),
  doubt: () => result.nextDoubt(),
  undo: () => result.undo(),
  redo: () => result.redo(),
  nextFile: () => stepFile(1),
  fileBefore: () => stepFile(-1),
  zoomIn: () => picture.zoom(1.4),
  zoomOut: () => picture.zoom(1 / 1.4),
  fit: () => picture.fit(),
  turn: () => currentJob(store.get()) && picture.turn(),
  overlay: () => nextOverlay(store),
  alone: () => currentJob(store.get()) && toggleAlone(store),
  options: () => byId("open-options").click(),
  history: () => byId("open-history").click(),
  missing,
  theme: () => nextTheme(store),
  language: () => otherLanguage(store),
  stop: () => (store.get().alone ? toggleAlone(store) : runner.cancelAll()),
});

byId("choose").addEventListener("click", () => byId("file").click());
byId("intake-zone").addEventListener("click", ({ target }) => {
  if (target.closest("#start") || !target.closest("button")) {
    byId("file").click();
  }
});
for (const id of ["take-photo", "first-photo"]) {
  byId(id).addEventListener("click", () => byId("camera").click());
}
byId("remove-file").addEventListener("click", () => remove(store.get().current));
byId("clear-queue").addEventListener("click", () => {
  const { jobs } = store.get();
  offerUndo(t("removedSome", { count: jobs.length }), removeAll(store, runner));
  jobs.forEach((job) => forgetPictures(job.id));
  byId("start").focus();
});
store.watch(
  (state) => [state.server.state],
  (state) => state === "ready" && runner.resume(),
);

forgetTries();
document.documentElement.dataset.ready = "";

function take(files, way) {
  const named = files.map((file) => ({ file, name: nameOf(file, way) }));
  const { ids, leftOut } = addFiles(store, named);
  ids.forEach((id) => addThumb(id, jobOf(store.get(), id).file));
  runner.start(ids);
  // Whoever works with the text, the list or a dialog goes on there.
  if (!document.activeElement.closest("#work, dialog")) {
    byId("primary").focus({ preventScroll: true });
  }
  // For those who do not see the list.
  const words = files.length === 1 ? t("added", { name: named[0].name }) : t("addedSome", { count: ids.length });
  say(leftOut > 0 ? t("tooMany", { count: leftOut }) : words, { quiet: leftOut === 0 });
}

function missing() {
  say(t("errorNetwork"));
}

// All has arrived: should a part be missing another day, first.js may load the page anew.
function forgetTries() {
  try {
    sessionStorage.removeItem("crnn-ocr.tried");
  } catch {
    // Then nothing was written either.
  }
}

// The focus stays where it was in the list, or goes back to where files come from.
function remove(id) {
  const { jobs } = store.get();
  const index = jobs.findIndex((job) => job.id === id);
  offerUndo(t("removed", { name: jobs[index].name }), removeOne(store, id, runner));
  forgetPictures(id);
  const all = [...byId("queue-list").querySelectorAll(".job-open")].filter((entry) => entry.checkVisibility());
  const next = all.at(Math.min(index, all.length - 1)) ?? (jobs.length > 1 ? byId("primary") : byId("start"));
  next.focus();
}

function offerUndo(words, run) {
  say(words, { action: { label: t("undo"), run } });
}

async function addThumb(id, blob) {
  const thumb = await thumbnail(blob);
  if (thumb) {
    patchJob(store, id, { thumb });
  }
}

function read(id) {
  const job = jobOf(store.get(), id);
  noteServer(store, "ready");
  say(t("done", { count: job.result.lines.length }), { quiet: true });
  void parts.keep(id);
  firstPages().then(
    (draw) => draw(id),
    () => {},
  ); // the entry keeps its symbol
}

function stepFile(by) {
  const { jobs, current } = store.get();
  const next = jobs[jobs.findIndex((job) => job.id === current) + by];
  if (next) {
    selectJob(store, next.id);
  }
}
