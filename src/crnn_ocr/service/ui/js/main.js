// Wires the page: what was chosen, what the server said, and which line is looked at.

import { Problem, recognise } from "./api.js";
import { copyText } from "./clipboard.js";
import { byId, make } from "./dom.js";
import { errorText, t, translatePage } from "./i18n.js";
import { watchIntake } from "./intake.js";
import { PictureView } from "./picture.js";
import { ResultView } from "./results.js";

const picture = new PictureView(byId("picture"));
const result = new ResultView(byId("result"), say);

let chosen = null; // the file that stands on the page
let running = null; // the AbortController of the request in flight
let answer = null; // the last answer, for "copy all"

translatePage();
watchIntake({ zone: byId("intake"), input: byId("file"), button: byId("choose") }, take);
byId("recognise").addEventListener("click", read);
byId("copy-all").addEventListener("click", copyAll);

function take(files) {
  running?.abort();
  running = null;
  chosen = files[0];
  setAnswer(null);
  setBusy(false);
  clearProblem();
  const name = chosen.name || t("pastedName");
  byId("intake").classList.add("has-file");
  byId("file-name").textContent = name;
  byId("file-name").hidden = false;
  byId("choose").textContent = t("chooseOther");
  byId("recognise").focus();
  byId("picture-facts").textContent = size(chosen.size);
  byId("work").hidden = false;
  picture.show(chosen);
  result.showMessage(t("waiting"));
  say(files.length > 1 ? t("several") : t("ready", { name }));
}

async function read() {
  const file = chosen;
  const request = new AbortController();
  running?.abort();
  running = request;
  setAnswer(null);
  clearProblem();
  setBusy(true);
  result.showWorking();
  say(t("working"));
  try {
    const found = await recognise(file, request.signal);
    if (running === request) {
      show(found);
    }
  } catch (error) {
    if (running === request) {
      result.showMessage(t("waiting"));
      showProblem(error instanceof Problem ? error : new Problem("BAD_ANSWER"));
    }
  } finally {
    if (running === request) {
      running = null;
      setBusy(false);
    }
  }
}

function show(found) {
  setAnswer(found);
  result.show(found, (index) => mark(index, "list"));
  // Polygons refer to their own page; the preview shows the first one only.
  const first = found.pages?.[0] ?? found;
  picture.drawBoxes(first.lines, first, (index) => mark(index, "picture"));
  const count = found.lines.length;
  byId("result-facts").textContent = t("facts", { count, ms: Math.round(found.elapsed_ms) });
  byId("result-facts").title = found.model;
  byId("picture-facts").textContent = `${found.width} × ${found.height} · ${size(chosen.size)}`;
  say(t("done", { count }));
}

function mark(index, pointedAt) {
  picture.mark(index, { scroll: pointedAt === "list" });
  result.mark(index, { scroll: pointedAt === "picture" });
}

async function copyAll() {
  const button = byId("copy-all");
  const done = await copyText(answer.text);
  say(t(done ? "copied" : "copyFailed"));
  button.textContent = t(done ? "copied" : "copyAll");
  setTimeout(() => {
    button.textContent = t("copyAll");
  }, 1500);
}

function setAnswer(found) {
  answer = found;
  byId("copy-all").hidden = found === null || found.lines.length === 0;
  byId("result-facts").textContent = "";
  if (found === null) {
    picture.clearBoxes();
  }
}

function setBusy(busy) {
  byId("result").setAttribute("aria-busy", String(busy));
  byId("recognise").disabled = busy;
}

function showProblem(problem) {
  const own = errorText(problem.code);
  const sentence = own ?? `${problem.detail} ${problem.hint}`;
  const parts = [make("p", { class: "notice-title" }, sentence.trim() || problem.code)];
  if (problem.requestId) {
    parts.push(make("p", { class: "notice-code" }, t("code", { code: problem.code, id: problem.requestId })));
  }
  byId("problem").replaceChildren(...parts);
  byId("problem").hidden = false;
  say("");
}

function clearProblem() {
  byId("problem").hidden = true;
  byId("problem").replaceChildren();
}

function say(sentence) {
  byId("status").textContent = sentence;
}

function size(bytes) {
  const steps = ["B", "kB", "MB"];
  const step = Math.min(steps.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const value = bytes / 1000 ** step;
  return `${value >= 10 || step === 0 ? Math.round(value) : value.toFixed(1)} ${steps[step]}`;
}
