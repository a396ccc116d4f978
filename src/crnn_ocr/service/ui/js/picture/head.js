// What stands around the picture: its name and facts, and the pager.

import { byId } from "../core/dom.js";
import { sizeText } from "../core/files.js";
import { t } from "../words/words.js";

/** Tells about a job, or about none. */
export function describe(job) {
  const [pages, page] = [job?.result?.pages, job?.result?.pages[job.page]];
  byId("picture-name").textContent = byId("picture-name").title = job?.name ?? "";
  byId("picture-facts").textContent = job ? (page ? `${page.width} × ${page.height} · ` : "") + sizeText(job.file.size) : "";
  byId("pager").hidden = !pages || pages.length < 2;
  byId("page-number").textContent = pages ? t("pageOf", { number: job.page + 1, count: pages.length }) : "";
  byId("page-number").dataset.short = pages ? `${job.page + 1} / ${pages.length}` : ""; // for narrow places
  byId("page-before").disabled = !pages || job.page === 0;
  byId("page-after").disabled = !pages || job.page === pages.length - 1;
}
