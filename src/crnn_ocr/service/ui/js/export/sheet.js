// The export sheet: which format, which files, one file or several, with a preview.

import { byId, make } from "../core/dom.js";
import { download, sizeText } from "../core/files.js";
import { setPrefs } from "../core/prefs.js";
import { currentJob } from "../jobs/jobs.js";
import { exportName } from "../reading/document.js";
import { explain } from "../server/problem.js";
import { t } from "../words/words.js";
import { formatGroups, isPossible, writtenAll } from "./formats.js";
import { Preview } from "./preview.js";
import { hasWhole, isWholePossible, pageAlone, scopesOf, writtenWhole } from "./whole.js";

/** Wires the sheet. */
export class ExportSheet {
  #store;
  #say;
  #preview = new Preview(byId("export-preview"));
  #chosen = new Set(); // ids of files
  #busy = false;

  /**
   * @param {Say} say
   * @param {Store} store
   */
  constructor(store, say) {
    this.#store = store;
    this.#say = say;
    byId("export-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#save();
    });
    byId("export-form").addEventListener("change", (event) => this.#changed(event.target));
    byId("export-dialog").addEventListener("close", () => this.#preview.clear());
    store.watch(
      (state) => [state.prefs.language, state.schema],
      () => byId("export-dialog").open && this.#draw(),
    );
  }

  /** Opens the sheet for the shown result. */
  open() {
    const job = currentJob(this.#store.get());
    if (job?.result || hasWhole(job)) {
      this.#chosen = new Set([job.id]);
      byId("export-dialog").showModal();
      this.#draw();
      byId("export-formats").querySelector("input:checked")?.focus();
    }
  }

  #done() {
    return this.#store.get().jobs.filter((job) => job.result?.lines.length > 0 && !job.background);
  }

  #format() {
    const formats = formatGroups(this.#store.get().schema).flatMap((group) => group.formats);
    return formats.find(({ name }) => name === this.#store.get().prefs.format) ?? formats[0];
  }

  #jobs() {
    const scope = valueOf("export-scope");
    const done = this.#done();
    const current = pageAlone(currentJob(this.#store.get()));
    return scope === "all" ? done : scope === "some" ? done.filter(({ id }) => this.#chosen.has(id)) : [current];
  }

  // Whether all pages of a document that is read in the background are to be written.
  #whole() {
    return hasWhole(currentJob(this.#store.get())) && valueOf("export-scope") !== "page";
  }

  #draw() {
    const format = this.#format();
    const groups = formatGroups(this.#store.get().schema).map(({ group, formats }) =>
      make(
        "fieldset",
        { class: "export-group" },
        make("legend", {}, t(`exportGroup_${group}`)),
        ...formats.map((one) =>
          radio("export-format", one.name, one.name === format.name, t(`format_${one.name}`) ?? one.title, one.suffix),
        ),
      ),
    );
    byId("export-formats").replaceChildren(...groups);
    const done = this.#done();
    const job = currentJob(this.#store.get());
    const several = done.length > 1 && !job.background;
    byId("export-scope").hidden = !several && !job.background;
    const files = [
      ["this", t("scopeThis")],
      ["some", t("scopeSome")],
      ["all", t("scopeAll", { count: done.length })],
    ];
    const scopes = job.background ? scopesOf(job) : files;
    const chosen =
      scopes.find(([value, , off]) => !off && value === valueOf("export-scope")) ?? scopes.find(([, , off]) => !off);
    byId("export-scopes").replaceChildren(
      ...scopes.map(([value, words, off]) => radio("export-scope", value, value === chosen[0], words, "", off)),
    );
    byId("export-files").replaceChildren(
      ...done.map(({ id, name }) =>
        make(
          "label",
          { class: "export-file" },
          make("input", { type: "checkbox", "data-id": id, checked: this.#chosen.has(id) }),
          make("span", {}, name),
        ),
      ),
    );
    const ways = [
      ["zip", t("exportZip")],
      ["one", t("exportOne")],
    ];
    const way = valueOf("export-way") ?? "zip";
    byId("export-ways").replaceChildren(
      ...ways.map(([value, words]) => radio("export-way", value, value === way, words)),
    );
    this.#describe();
    void this.#show();
  }

  #changed(input) {
    if (input.name === "export-format") {
      setPrefs(this.#store, { format: input.value });
      void this.#show();
    } else if (input.name === "export-scope" && currentJob(this.#store.get()).background) {
      void this.#show();
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
    const job = currentJob(this.#store.get());
    if (this.#whole() && (!job.result || format.needsFile)) {
      this.#preview.tell(t("exportWhole"));
      this.#describe();
      return;
    }
    if (job.background && !this.#whole() && format.needsFile) {
      this.#preview.tell(t("exportOnlyWhole"));
      this.#describe();
      return;
    }
    const possible = await this.#preview.show(pageAlone(job), format);
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
    const one = wayOf("one");
    one.disabled = format.needsFile;
    if (one.checked && one.disabled) {
      wayOf("zip").checked = true;
    }
    const whole = this.#whole();
    const possible =
      jobs.length > 0 &&
      jobs.every((job) => isPossible(format, job)) &&
      (several || byId("export-save").dataset.possible === "true");
    byId("export-save").disabled =
      this.#busy || !(whole ? isWholePossible(format, currentJob(this.#store.get())) : possible);
    const zip = several && valueOf("export-way") !== "one";
    const name = whole
      ? exportName([currentJob(this.#store.get())], format.suffix)
      : jobs.length === 0
        ? ""
        : zip
          ? "crnn-ocr.zip"
          : exportName(jobs, format.suffix);
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
      const { name, content } = this.#whole()
        ? await writtenWhole(currentJob(this.#store.get()), this.#format())
        : await writtenAll(jobs, this.#format(), { together: valueOf("export-way") === "one", onDone: progress });
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
  const chosen = /** @type {HTMLInputElement} */ (byId("export-form").querySelector(`input[name=${name}]:checked`));
  return chosen?.value;
}

/** @returns {HTMLInputElement} */
function wayOf(value) {
  return byId("export-ways").querySelector(`[value=${value}]`);
}

function radio(name, value, checked, words, hint = "", disabled = false) {
  return make(
    "label",
    { class: "export-choice" },
    make("input", { type: "radio", name, value, checked, disabled }),
    make("span", {}, words),
    hint ? make("span", { class: "menu-hint" }, hint) : null,
  );
}
