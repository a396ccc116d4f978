// The list of lines that were read, with what the server remarked about the picture.

import { copyText } from "./clipboard.js";
import { make, makeSvg, reveal } from "./dom.js";
import { t, warningText } from "./i18n.js";

const FAIR_BELOW = 0.9;
const POOR_BELOW = 0.7;
const SHEETS = "M9 9h10v12H9zM5 15V3h10";
const TICK = "M5 12.5 10 17.5 19 7";

/** Shows one result at a time inside a container. */
export class ResultView {
  #container;
  #rows = [];
  #marked = null;
  #say;

  /** @param say called with a sentence for the status line */
  constructor(container, say) {
    this.#container = container;
    this.#say = say;
  }

  /** Shows a sentence instead of a result. */
  showMessage(text) {
    this.#replace([make("p", { class: "result-empty" }, text)]);
  }

  /** Shows that the server is at work. */
  showWorking() {
    const track = make("div", { class: "working-track" });
    this.#replace([make("div", { class: "working" }, track, make("p", {}, t("working")))]);
  }

  /** Shows an answer of POST /ocr. */
  show(answer, onHover) {
    const sentences = answer.warnings.map(({ code, message }) => warningText(code) ?? message);
    this.#replace(sentences.map((sentence) => make("p", { class: "notice notice-warning" }, sentence)));
    if (answer.lines.length === 0) {
      this.#container.append(make("p", { class: "result-empty" }, t("noText")));
      return;
    }
    const pages = answer.pages ?? [{ lines: answer.lines }];
    for (const page of pages) {
      if (pages.length > 1) {
        const heading = t("page", { number: page.number, count: pages.length });
        this.#container.append(make("h3", { class: "result-page" }, heading));
      }
      this.#container.append(this.#list(page.lines, onHover));
    }
  }

  /** Marks one line, or none, and brings it into view where it was pointed at elsewhere. */
  mark(index, { scroll }) {
    this.#rows[this.#marked]?.classList.remove("is-active");
    this.#marked = index;
    const row = this.#rows[index];
    row?.classList.add("is-active");
    if (scroll && row) {
      reveal(this.#container, row);
    }
  }

  #replace(children) {
    this.#rows = [];
    this.#container.replaceChildren(...children);
  }

  #list(lines, onHover) {
    const list = make("ol", { class: "lines" });
    for (const line of lines) {
      const index = this.#rows.length;
      const row = this.#row(line, index);
      row.addEventListener("pointerenter", () => onHover(index));
      row.addEventListener("pointerleave", () => onHover(null));
      row.addEventListener("focusin", () => onHover(index));
      row.addEventListener("focusout", () => onHover(null));
      this.#rows.push(row);
      list.append(row);
    }
    return list;
  }

  #row(line, index) {
    return make(
      "li",
      { class: "line" },
      make("span", { class: "line-number", "aria-hidden": "true" }, String(index + 1)),
      make("span", { class: "line-text" }, line.text),
      confidence(line.confidence),
      this.#copyButton(line.text),
    );
  }

  #copyButton(text) {
    const button = make("button", { class: "line-copy", type: "button", "aria-label": t("copyLine", { text }) });
    button.append(icon(SHEETS));
    button.addEventListener("click", async () => {
      const done = await copyText(text);
      this.#say(t(done ? "copied" : "copyFailed"));
      if (done) {
        button.classList.add("is-done");
        button.replaceChildren(icon(TICK));
        setTimeout(() => {
          button.classList.remove("is-done");
          button.replaceChildren(icon(SHEETS));
        }, 1500);
      }
    });
    return button;
  }
}

function confidence(value) {
  const percent = Math.floor(value * 100);
  const level = value < POOR_BELOW ? " is-poor" : value < FAIR_BELOW ? " is-fair" : "";
  const label = t("confidence", { percent });
  return make(
    "span",
    { class: `line-confidence${level}`, title: label },
    make("span", { "aria-hidden": "true" }, `${percent} %`),
    make("span", { class: "visually-hidden" }, label),
  );
}

function icon(path) {
  return makeSvg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, makeSvg("path", { d: path }));
}
