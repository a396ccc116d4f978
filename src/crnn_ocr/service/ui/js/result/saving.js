// The export menu: every format for the shown result, and for all of them in one file.

import { byId, make } from "../core/dom.js";
import { download } from "../core/files.js";
import { currentJob } from "../jobs/jobs.js";
import { documentOf, exportName, FORMATS, formatsOf } from "../reading/formats.js";
import { explain } from "../server/problem.js";
import { convertFile, exportFile } from "../server/request.js";
import { makeMenu } from "../shell/menu.js";
import { t } from "../words/words.js";

/** Wires the menu. */
export function watchExport(store, say) {
  makeMenu(byId("export"), byId("export-menu"), () => {
    const { jobs, schema } = store.get();
    const formats = formatsOf(schema);
    const current = currentJob(store.get());
    const done = jobs.filter((job) => job.result);
    const items = formats.map((format) => item(format, [current]));
    // The server writes one document at a time.
    const together = formats.filter(({ name }) => Object.hasOwn(FORMATS, name)).map(({ name }) => ({ name, ...FORMATS[name] }));
    if (done.length > 1) {
      const title = t("exportAll", { count: done.length });
      const all = together.map((format) => item(format, done));
      items.push(
        make(
          "div",
          { class: "menu-group", role: "group", "aria-label": title },
          make("p", { class: "menu-title", role: "presentation" }, title),
          ...all,
        ),
      );
    }
    return items;
  });

  function item(format, jobs) {
    return make(
      "button",
      { type: "button", role: "menuitem", class: "menu-item", tabindex: "-1", onclick: () => save(format, jobs) },
      make("span", {}, format.title ?? t(`format_${format.name}`)),
      " ",
      make("span", { class: "menu-hint" }, format.suffix),
    );
  }

  function written(format, job) {
    return format.needs_original
      ? convertFile(job.file, job.options, format.name)
      : exportFile(documentOf(job), format.name);
  }

  async function save(format, jobs) {
    const joined = store.get().prefs.view === "paragraphs";
    const name = exportName(jobs, format);
    try {
      const content = format.write ? format.write(jobs, { joined }) : await written(format, jobs[0]);
      download(name, content, format.type);
      say(t("saved", { name }));
    } catch (problem) {
      say(explain(problem));
    }
  }
}
