// What is told about the shown job around its result: facts, remarks, which tools there are, and what stands in its place.

import { byId } from "../core/dom.js";
import { VIEWS } from "../core/prefs.js";
import { UNDER_WAY } from "../jobs/jobs.js";
import { editsOf } from "./edits.js";
import { factsOf, MessagePlace } from "./message.js";
import { Notices } from "./notices.js";

/** The surroundings of a result. */
export class Description {
  #notices;
  #message;

  /** @param {JobAct} act */
  constructor(act) {
    this.#notices = new Notices(byId("notices"), (id) => act.start(id));
    this.#message = new MessagePlace(byId("message"), act);
  }

  /** Tells about a job. */
  show(job, { view: chosen, language }) {
    const shown = (job.result?.lines.length ?? 0) > 0; // also while it is read again, and where that has failed
    const card = byId("result-card");
    card.classList.toggle("is-data", chosen === "data");
    card.classList.toggle("is-busy", UNDER_WAY.has(job.status) && !job.background);
    byId("result-tools").classList.toggle("is-off", !shown);
    byId("result-facts").replaceChildren(...factsOf(job));
    byId("result-facts").title = job.result ? `${job.result.model} · ${job.result.requestId ?? ""}` : "";
    byId("panel-proofread").setAttribute(
      "aria-busy",
      String(["sending", "reading"].includes(job.status) && !job.background),
    );
    const { past, future } = editsOf(job);
    byId("undo").disabled = past.length === 0;
    byId("redo").disabled = future.length === 0;
    this.#notices.show(job, shown);
    for (const view of VIEWS) {
      byId(`panel-${view}`).hidden = chosen !== view || (view !== "data" && !shown);
    }
    this.#message.show(job, !shown && chosen !== "data", language);
  }
}
