// The corner that tells how the server is, and the card behind it: version, models, queue, limits.

import { byId, make } from "../core/dom.js";
import { sizeText, timeText } from "../core/files.js";
import { load } from "../core/later.js";
import { UNDER_WAY } from "../jobs/jobs.js";
import { modelTitle, t } from "../words/words.js";
import { makeMenu } from "./menu.js";

const EVERY = 2_000; // milliseconds between two looks at the queue, while the card is open

/**
 * Wires the corner.
 * @param {Store} store
 */
export function watchCard(store) {
  const card = byId("server-card");
  let timer = null;
  makeMenu(byId("server"), card);
  byId("server").addEventListener("click", look);
  store.watch(
    (state) => [state.server, state.work, state.jobs, state.limits, state.models, state.prefs.language],
    () => draw(store.get()),
  );

  async function look() {
    clearTimeout(timer);
    if (!card.hidden) {
      const work = await load("server/work.js").then(
        ({ askForWork }) => askForWork(),
        () => null,
      );
      store.set({ work });
      clearTimeout(timer);
      timer = setTimeout(look, EVERY);
    }
  }
}

function draw({ server, work, jobs, limits, models }) {
  const button = byId("server");
  button.dataset.state = server.state;
  const words = t(`server_${server.state}`);
  byId("server-words").textContent = words;
  button.setAttribute("aria-label", `${t("server")}: ${words}`);
  const waiting = jobs.filter((job) => UNDER_WAY.has(job.status)).length;
  const key = server.locked ? t("keyWanted") : server.keyed ? t("keyUsed") : undefined;
  const facts = [
    [t("fact_state"), words],
    [t("fact_version"), server.version],
    [
      t("fact_answer"),
      server.state === "ready" && server.answered !== undefined ? timeText(server.answered) : undefined,
    ],
    [t("fact_work"), work ? t("workFact", work) : undefined],
    [t("fact_queue"), t("queueFact", { count: waiting })],
    [
      t("fact_limit"),
      limits ? t("limitFact", { size: sizeText(limits.max_image_bytes), pages: limits.max_pages }) : undefined,
    ],
    [t("keyLabel"), key],
  ];
  const known = facts.filter(([, value]) => value !== undefined);
  byId("server-facts").replaceChildren(
    ...known.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]),
  );
  byId("server-models").replaceChildren(...models.map(modelOf));
  byId("server-models-title").hidden = models.length === 0;
  byId("server-reason").textContent = server.reason ?? "";
  byId("server-reason").hidden = !server.reason;
}

function modelOf({ name, version, title, active, loaded, languages = [] }) {
  const state = active ? t("modelActive") : loaded ? t("modelLoaded") : "";
  const facts = [modelTitle(name) ?? title, languages.join(", ")].filter(Boolean).join(" · ");
  return make(
    "li",
    { class: "model" },
    make("span", { class: "model-name" }, `${name}/${version}`),
    state ? make("span", { class: "model-state" }, state) : null,
    make("span", { class: "model-facts" }, facts),
  );
}
