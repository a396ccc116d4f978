// The export menu: every format for the shown result, and for all of them in one file.

import { byId, make } from "../core/dom.js";
import { download } from "../core/files.js";
import { currentJob } from "../jobs/jobs.js";
import { exportName, FORMATS, formatsOf } from "../reading/formats.js";
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
    if (done.length > 1) {
      const title = t("exportAll", { count: done.length });
      const all = formats.map((format) => item(format, done));
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
      make("span", {}, t(`format_${format}`)),
      " ",
      make("span", { class: "menu-hint" }, FORMATS[format].suffix),
    );
  }

  function save(format, jobs) {
    const joined = store.get().prefs.view === "paragraphs";
    const name = exportName(jobs, format);
    download(name, FORMATS[format].write(jobs, { joined }), FORMATS[format].type);
    say(t("saved", { name }));
  }
}
