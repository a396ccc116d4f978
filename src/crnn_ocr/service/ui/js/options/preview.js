// What the enhancement makes of the picture: before and after, with a handle between them, and a legend.

import { byId, make } from "../core/dom.js";
import { currentJob } from "../jobs/jobs.js";
import { pictureOf } from "../picture/source.js";
import { explain } from "../server/problem.js";
import { previewPage } from "../server/request.js";
import { t } from "../words/words.js";

/**
 * Wires the dialog; the function that comes back opens it.
 * @param {Store} store
 */
export function makePreview(store) {
  const dialog = byId("preview-dialog");
  const urls = new Set();
  let control = null;

  byId("preview-range").addEventListener("input", () => split(byId("preview-range").value));
  dialog.addEventListener("close", () => {
    control?.abort();
    byId("preview-sheet").replaceChildren();
    urls.forEach((url) => URL.revokeObjectURL(url));
    urls.clear();
  });
  return () => {
    dialog.showModal();
    void show();
  };

  async function show() {
    const job = currentJob(store.get());
    control?.abort();
    control = new AbortController();
    const { signal } = control;
    byId("preview-legend").replaceChildren(make("li", {}, t("working")));
    byId("preview-compare").hidden = true;
    try {
      const options = store.get().options;
      const [before, after] = await Promise.all([
        pictureOf(job, job.page),
        previewPage(job.file, { page: job.page + 1, stage: "enhanced", options, signal }),
      ]);
      if (!signal.aborted) {
        draw(before, after);
      }
    } catch (error) {
      if (!signal.aborted) {
        byId("preview-legend").replaceChildren(make("li", {}, explain(error)));
      }
    }
  }

  function draw(before, after) {
    const url = URL.createObjectURL(after.picture);
    urls.add(url);
    if (before.own) {
      urls.add(before.url);
    }
    byId("preview-sheet").replaceChildren(
      make("img", { src: before.url, alt: t("previewBefore") }),
      make("img", { src: url, alt: t("previewAfter"), class: "preview-after" }),
    );
    byId("preview-compare").hidden = false;
    split(byId("preview-range").value);
    byId("preview-legend").replaceChildren(...legend(after.header));
  }

  function split(percent) {
    const after = byId("preview-sheet").querySelector(".preview-after");
    if (after) {
      after.style.clipPath = `inset(0 0 0 ${percent}%)`;
    }
    byId("preview-handle").style.left = `${percent}%`;
  }
}

function legend(header) {
  const steps = (header("X-Enhancements") ?? "")
    .split(",")
    .map((step) => step.trim())
    .filter(Boolean);
  const words = steps.length > 0 ? steps.map((step) => t(`step_${step}`) ?? step) : [t("stepNone")];
  const measures = Object.fromEntries((header("X-Quality") ?? "").split(",").map((part) => part.trim().split("=")));
  const measured = ["brightness", "contrast", "noise", "blur"].filter((name) => name in measures);
  return [
    ...words.map((word) => make("li", { class: "preview-step" }, word)),
    ...measured.map((name) =>
      make("li", {}, make("span", {}, t(`quality_${name}`)), make("span", { class: "preview-figure" }, measures[name])),
    ),
  ];
}
