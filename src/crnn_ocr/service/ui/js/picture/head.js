// What stands around the picture: its name and facts, and the pager.

import { byId } from "../core/dom.js";
import { sizeText } from "../core/files.js";
import { pagesOf } from "../jobs/jobs.js";
import { t } from "../words/words.js";

/** Tells about a job, or about none. */
export function describe(job) {
  const { count, at } = job ? pagesOf(job) : { count: 0, at: 0 };
  const page = job?.result?.pages[job.page];
  byId("picture-name").textContent = byId("picture-name").title = job?.name ?? "";
  byId("picture-facts").textContent = job
    ? (page ? `${page.width} × ${page.height} · ` : "") + sizeText(job.background?.size ?? job.file.size)
    : "";
  byId("pager").hidden = count < 2;
  byId("page-number").textContent = count ? t("pageOf", { number: at + 1, count }) : "";
  byId("page-number").dataset.short = count ? `${at + 1} / ${count}` : ""; // for narrow places
  byId("page-before").disabled = at === 0;
  byId("page-after").disabled = at >= count - 1;
}
