// The form of the reading options, built from the server's schema.

import { make } from "../core/dom.js";
import { modelTitle, optionWords, t } from "../words/words.js";
import { withOption } from "./schema.js";

const MOST_SEGMENTS = 4; // choices that stand side by side; more become a list

/**
 * Builds the form.
 * @param {import("./schema.js").Field[]} fields
 * @param {Options} options the values that differ from the defaults
 * @param {{name: string, kind: string, aliases: string[], active: boolean}[]} models what GET /models tells
 * @param {(options: Options) => void} onChange
 */
export function formOf(fields, options, models, onChange) {
  let current = options;
  return fields.map((field) => {
    const words = optionWords(field.name) ?? field;
    // Back-quotes mark code in the server's own sentences; here they would only be noise.
    const help = make("p", { class: "option-help", id: `help-${field.name}` }, words.help.replaceAll("`", ""));
    const change = (value) => {
      current = withOption(current, field, value);
      onChange(current);
    };
    const value = current[field.name] ?? field.default;
    const control = controlOf(field, value, words, models, change);
    return make("div", { class: "option" }, control, help);
  });
}

function controlOf(field, value, words, models, change) {
  const shared = { id: `option-${field.name}`, "aria-describedby": `help-${field.name}` };
  const readers = models.filter((model) => model.kind === "rec");
  if (field.name === "model" && readers.length > 0) {
    return labelled(words.title, shared, listOf(modelChoices(readers), nameOf(value, readers), shared, change));
  }
  switch (field.kind) {
    case "choice":
      return field.choices.length <= MOST_SEGMENTS
        ? segments(field, value, words, change)
        : labelled(
            words.title,
            shared,
            listOf(
              field.choices.map((one) => ({ value: one, label: one })),
              value,
              shared,
              change,
            ),
          );
    case "switch":
      return make(
        "label",
        { class: "switch" },
        make("input", {
          ...shared,
          type: "checkbox",
          role: "switch",
          checked: value === true,
          onchange: (event) => change(event.target.checked),
        }),
        make("span", {}, words.title),
      );
    case "number":
      return slider(field, value, words, shared, change);
    default:
      return labelled(
        words.title,
        shared,
        make("input", {
          ...shared,
          type: "text",
          class: "field",
          maxlength: field.longest,
          value: value ?? "",
          spellcheck: "false",
          autocomplete: "off",
          onchange: (event) => change(event.target.value.trim()),
        }),
      );
  }
}

function modelChoices(readers) {
  const active = readers.find((model) => model.active);
  return [
    { value: "", label: t("modelDefault", { name: active?.name }) },
    ...readers.map(({ name, aliases, languages = [] }) => ({
      value: name,
      label: [modelTitle(name), [name, ...aliases].join(" · "), languages.join(", ")].filter(Boolean).join(" – "),
    })),
  ];
}

// A model may have been chosen by another of its names.
function nameOf(value, readers) {
  return readers.find(({ name, aliases }) => name === value || aliases.includes(value))?.name ?? "";
}

function segments(field, value, words, change) {
  const choices = field.choices.map((choice) =>
    make(
      "label",
      { class: "segment" },
      make("input", {
        type: "radio",
        name: `option-${field.name}`,
        value: choice,
        checked: choice === value,
        "aria-describedby": `help-${field.name}`,
        onchange: () => change(choice),
      }),
      make("span", {}, t(`choice_${choice}`) ?? choice),
    ),
  );
  return make(
    "fieldset",
    { class: "segments" },
    make("legend", {}, words.title),
    make("div", { class: "segment-row" }, ...choices),
  );
}

function listOf(choices, value, shared, change) {
  const list = make("select", { ...shared, class: "field", onchange: (event) => change(event.target.value) });
  list.append(...choices.map((one) => make("option", { value: one.value, selected: one.value === value }, one.label)));
  return list;
}

function slider(field, value, words, shared, change) {
  const bounded = field.minimum !== undefined && field.maximum !== undefined;
  const step = field.whole ? 1 : bounded ? (field.maximum - field.minimum) / 100 : "any";
  const shown = make("output", { class: "option-value", for: shared.id }, String(value));
  const input = make("input", {
    ...shared,
    type: bounded ? "range" : "number",
    class: bounded ? "range" : "field",
    min: field.minimum,
    max: field.maximum,
    step,
    value,
    oninput: (event) => {
      shown.textContent = event.target.value;
    },
    onchange: (event) => event.target.value !== "" && change(Number(event.target.value)),
  });
  return make("div", { class: "slider" }, make("label", { for: shared.id }, words.title), shown, input);
}

function labelled(title, { id }, control) {
  return make("div", { class: "labelled" }, make("label", { for: id }, title), control);
}
