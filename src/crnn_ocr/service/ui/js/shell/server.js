// How the server is, and what it offers: asked now and then, and again soon where something is wrong.

import { fieldsOf, validOptions } from "../options/schema.js";
import { hasKey } from "../server/key.js";
import { getJson } from "../server/request.js";

const OFTEN = 3_000;
const SELDOM = 30_000;

let learning = null;

/**
 * Watches the server and learns what it offers.
 * @param {Store} store
 */
export function watchServer(store) {
  let timer = null;
  store.watch(
    (state) => [state.server.state],
    (state) => {
      if (state === "down" || state === "busy") {
        clearTimeout(timer); // a request has met it: the next look comes soon
        timer = setTimeout(ask, OFTEN);
      }
    },
  );
  addEventListener("online", ask);
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  void ask();

  async function ask() {
    clearTimeout(timer);
    const server = await probe();
    const before = store.get().server;
    store.set({ server: { ...before, ...server } });
    if (server.state === "ready" && (store.get().schema === null || server.model !== before.model)) {
      await learn(store);
    }
    clearTimeout(timer);
    timer = document.hidden ? null : setTimeout(ask, server.state === "ready" ? SELDOM : OFTEN);
  }
}

/**
 * Tells the corner what a request has just met.
 * @param {Store} store
 */
export function noteServer(store, state) {
  if (state === "ready" && store.get().schema === null) {
    learn(store); // the key that opens the options has just been given
  }
  const { server } = store.get();
  if (server.state !== state || server.keyed !== hasKey()) {
    store.set({ server: { ...server, state, keyed: hasKey() } });
  }
}

/**
 * Asks the user for the key that the server wants, and learns what it offers.
 * @param {Store} store
 */
export async function unlock(store) {
  await getJson("/options", { insist: true }).catch(() => null); // what goes wrong shows when it is asked again
  await learn(store);
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

/** @param {Store} store */
function learn(store) {
  learning ??= learnAll(store).finally(() => {
    learning = null;
  });
  return learning;
}

/** @param {Store} store */
async function learnAll(store) {
  const [schema, health] = await Promise.all([
    getJson("/options").catch((problem) => problem),
    getJson("/healthz").catch(() => ({})),
  ]);
  const locked = schema.code === "UNAUTHORIZED";
  const server = () => ({ ...store.get().server, version: health.version, locked, keyed: hasKey() && !locked });
  if (schema instanceof Error) {
    store.set({ server: server() });
    return;
  }
  const [limits, models] = await Promise.all([
    getJson("/limits").catch(() => null),
    getJson("/models").then(
      (answer) => answer.models ?? [],
      () => [],
    ),
  ]);
  store.set({ schema, limits, models, options: known(store.get().options, schema, models), server: server() });
}

// What was remembered of an earlier server may be none of this one's options.
function known(options, schema, models) {
  const valid = validOptions(options, fieldsOf(schema));
  if (models.length > 0 && !models.some(({ name, aliases }) => [name, ...(aliases ?? [])].includes(valid.model))) {
    delete valid.model;
  }
  const same = Object.keys(valid).length === Object.keys(options).length;
  return same ? options : valid;
}
