// The export sheet: which format, which files, one file or several, with a preview.

import { byId, loadStyle, make } from "../core/dom.js";
import { download, sizeText } from "../core/files.js";
import { setPrefs } from "../core/prefs.js";
import { currentJob } from "../jobs/jobs.js";
import { exportName } from "../reading/document.js";
import { explain } from "../server/problem.js";
import { t } from "../words/words.js";
import { formatGroups, isPossible, writtenAll } from "./formats.js";
import { Preview } from "./preview.js";

await loadStyle("/ui/css/export.css");

/** Wires the sheet. */
export class ExportSheet {
  #store;
  #say;
  #preview = new Preview(byId("export-preview"));
  #chosen = new Set(); // ids of files
  #busy = false;

  constructor(store, say) {
    this.#store = store;
    this.#say = say;
    byId("export-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    byId("export-form").addEventListener("change", (event) => this.#changed(event.target));
    byId("export-dialog").addEventListener("close", () => this.#preview.clear());
    store.watch((state) => [state.prefs.language, state.schema], () => byId("export-dialog").open && this.#draw());
  }

  /** Opens the sheet for the shown result. */
  open() {
    const job = currentJob(this.#store.get());
    if (job?.result) {
      this.#chosen = new Set([job.id]);
      byId("export-dialog").showModal();
      this.#draw();
      byId("export-formats").querySelector("input:checked")?.focus();
    }
  }

  #done() {
    return this.#store.get().jobs.filter((job) => job.result?.lines.length > 0);
  }

  #format() {
    const formats = formatGroups(this.#store.get().schema).flatMap((group) => group.formats);
    return formats.find(({ name }) => name === this.#store.get().prefs.format) ?? formats[0];
  }

  #jobs() {
    const scope = valueOf("export-scope");
    const done = this.#done();
    const current = currentJob(this.#store.get());
    return scope === "all" ? done : scope === "some" ? done.filter(({ id }) => this.#chosen.has(id)) : [current];
  }

  #draw() {
    const format = this.#format();
    const groups = formatGroups(this.#store.get().schema).map(({ group, formats }) =>
      make(
        "fieldset",
        { class: "export-group" },
        make("legend", {}, t(`exportGroup_${group}`)),
        ...formats.map((one) => radio("export-format", one.name, one.name === format.name, t(`format_${one.name}`) ?? one.title, one.suffix)),
      ),
    );
    byId("export-formats").replaceChildren(...groups);
    const done = this.#done();
    byId("export-scope").hidden = done.length < 2;
    const scopes = [["this", t("scopeThis")], ["some", t("scopeSome")], ["all", t("scopeAll", { count: done.length })]];
    const scope = done.length < 2 ? "this" : (valueOf("export-scope") ?? "this");
    byId("export-scopes").replaceChildren(...scopes.map(([value, words]) => radio("export-scope", value, value === scope, words)));
    byId("export-files").replaceChildren(
      ...done.map(({ id, name }) =>
        make("label", { class: "export-file" }, make("input", { type: "checkbox", "data-id": id, checked: this.#chosen.has(id) }), make("span", {}, name)),
      ),
    );
    const ways = [["zip", t("exportZip")], ["one", t("exportOne")]];
    const way = valueOf("export-way") ?? "zip";
    byId("export-ways").replaceChildren(...ways.map(([value, words]) => radio("export-way", value, value === way, words)));
    this.#describe();
    this.#show();
  }

  #changed(input) {
    if (input.name === "export-format") {
      setPrefs(this.#store, { format: input.value });
      this.#show();
    } else if (input.dataset.id) {
      const id = Number(input.dataset.id);
      if (input.checked) {
        this.#chosen.add(id);
      } else {
        this.#chosen.delete(id);
      }
    }
    this.#describe();
  }

  async #show() {
    byId("export-save").disabled = true;
    const format = this.#format();
    const possible = await this.#preview.show(currentJob(this.#store.get()), format);
    if (format.name === this.#format().name) {
      byId("export-save").dataset.possible = String(possible);
      this.#describe();
    }
  }

  #describe() {
    const format = this.#format();
    const jobs = this.#jobs();
    const several = jobs.length > 1;
    byId("export-files").hidden = valueOf("export-scope") !== "some";
    byId("export-way").hidden = !several;
    // A searchable PDF stands on its own file.
    const one = byId("export-ways").querySelector("[value=one]");
    one.disabled = format.needsFile;
    if (one.checked && one.disabled) {
      byId("export-ways").querySelector("[value=zip]").checked = true;
    }
    const possible = jobs.length > 0 && jobs.every((job) => isPossible(format, job));
    byId("export-save").disabled = this.#busy || !possible || (!several && byId("export-save").dataset.possible !== "true");
    const zip = several && valueOf("export-way") !== "one";
    const name = jobs.length === 0 ? "" : zip ? "crnn-ocr.zip" : exportName(jobs, format.suffix);
    byId("export-name").textContent = name;
    byId("export-name").title = name;
  }

  async #save() {
    const jobs = this.#jobs();
    const words = byId("export-save").lastElementChild;
    const progress = (count) => {
      words.textContent = t("exportProgress", { at: count + 1, count: jobs.length });
    };
    this.#busy = true;
    byId("export-save").disabled = true;
    if (jobs.length > 1) {
      progress(0);
    }
    try {
      const { name, content } = await writtenAll(jobs, this.#format(), { together: valueOf("export-way") === "one", onDone: progress });
      download(name, content);
      byId("export-dialog").close();
      this.#say(t("saved", { name: `${name} (${sizeText(content.size)})` }));
    } catch (problem) {
      byId("export-problem").textContent = explain(problem);
      byId("export-problem").hidden = false;
      return;
    } finally {
      this.#busy = false;
      words.textContent = t("exportSave");
      this.#describe();
    }
    byId("export-problem").hidden = true;
  }
}

function valueOf(name) {
  return byId("export-form").querySelector(`input[name=${name}]:checked`)?.value;
}

function radio(name, value, checked, words, hint = "") {
  return make(
    "label",
    { class: "export-choice" },
    make("input", { type: "radio", name, value, checked }),
    make("span", {}, words),
    hint ? make("span", { class: "menu-hint" }, hint) : null,
  );
}
