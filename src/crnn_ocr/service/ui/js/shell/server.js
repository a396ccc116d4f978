// The corner that tells how the server is: asked now and then, and again soon where something is wrong.

import { byId, make } from "../core/dom.js";
import { timeText, sizeText } from "../core/files.js";
import { UNDER_WAY } from "../jobs/jobs.js";
import { fieldsOf, validOptions } from "../options/schema.js";
import { getJson } from "../server/request.js";
import { t } from "../words/words.js";
import { makeMenu } from "./menu.js";

const OFTEN = 3_000;
const SELDOM = 30_000;

/** Watches the server and learns what it offers. */
export function watchServer(store) {
  let timer = null;
  makeMenu(byId("server"), byId("server-card"));
  store.watch(
    (state) => [state.server, state.jobs, state.limits, state.prefs.language],
    () => draw(store.get()),
  );
  store.watch((state) => [state.server.state], (state) => {
    if (state === "down" || state === "busy") {
      clearTimeout(timer); // a request has met it: the next look comes soon
      timer = setTimeout(ask, OFTEN);
    }
  });
  addEventListener("online", ask);
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  ask();

  async function ask() {
    clearTimeout(timer);
    const server = await probe();
    const before = store.get().server;
    store.set({ server: { ...before, ...server } });
    if (server.state === "ready" && store.get().schema === null) {
      await learn(store);
    }
    clearTimeout(timer);
    timer = document.hidden ? null : setTimeout(ask, server.state === "ready" ? SELDOM : OFTEN);
  }
}

/** Tells the corner what a request has just met. */
export function noteServer(store, state) {
  if (state === "ready" && store.get().schema === null) {
    learn(store); // the key that opens the options has just been given
  }
  if (store.get().server.state !== state) {
    store.set({ server: { ...store.get().server, state } });
  }
}

async function probe() {
  const started = performance.now();
  try {
    const { model } = await getJson("/readyz");
    return { state: "ready", model, answered: performance.now() - started, reason: "" };
  } catch (problem) {
    const states = { NOT_READY: "loading", NETWORK: "down" };
    return { state: states[problem.code] ?? "odd", reason: problem.detail ?? "" };
  }
}

// Everything beyond reading itself is optional: what a server does not offer is left out of the page.
async function learn(store) {
  const [schema, document, health] = await Promise.all([
    getJson("/options").catch(() => null),
    getJson("/openapi.json").catch(() => null),
    getJson("/healthz").catch(() => ({})),
  ]);
  const offers = new Set(Object.keys(document?.paths ?? {}));
  const limits = offers.has("/limits") ? await getJson("/limits").catch(() => null) : null;
  const models = offers.has("/models") ? await modelNames() : [];
  byId("open-preview").hidden = !offers.has("/preview");
  const options = schema ? validOptions(store.get().options, fieldsOf(schema)) : store.get().options;
  const server = { ...store.get().server, version: health.version };
  store.set({ schema, limits, models, options, server });
}

async function modelNames() {
  try {
    const { models } = await getJson("/models");
    return models.map((model) => model.name ?? model).filter((name) => typeof name === "string");
  } catch {
    return [];
  }
}

function draw({ server, jobs, limits }) {
  const button = byId("server");
  button.dataset.state = server.state;
  const words = t(`server_${server.state}`);
  byId("server-words").textContent = server.state === "ready" ? (server.model ?? words) : words;
  button.setAttribute("aria-label", `${t("server")}: ${words}${server.model ? `, ${server.model}` : ""}`);
  const waiting = jobs.filter((job) => UNDER_WAY.has(job.status)).length;
  const facts = [
    [t("fact_state"), words],
    [t("fact_model"), server.model],
    [t("fact_version"), server.version],
    [t("fact_answer"), server.state === "ready" && server.answered !== undefined ? timeText(server.answered) : undefined],
    [t("fact_queue"), t("queueFact", { count: waiting })],
    [t("fact_limit"), limits ? t("limitFact", { size: sizeText(limits.max_image_bytes), pages: limits.max_pages }) : undefined],
  ];
  const known = facts.filter(([, value]) => value !== undefined);
  byId("server-facts").replaceChildren(...known.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  byId("server-reason").textContent = server.reason ?? "";
  byId("server-reason").hidden = !server.reason;
}
