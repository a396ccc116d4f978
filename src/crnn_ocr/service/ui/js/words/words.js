// The words of the page in the language of the user, and those for what the server says.

import { COMMAND_KEY } from "../core/dom.js";
import { en } from "./en.js";
import { zh } from "./zh.js";

const TEXTS = { en, zh };
let language = "en";

/** Takes a language, or with null the browser's. */
export function setLanguage(wanted) {
  language = wanted in TEXTS ? wanted : pick(navigator.languages ?? [navigator.language]);
}

/** The words for a key; values fill the gaps of those that have some. Undefined where there are none. */
export function t(key, values = {}) {
  const entry = lookUp("page", key);
  return typeof entry === "function" ? entry(values) : entry;
}

/** What an error means in the user's language, or undefined where only the server can say it. */
export function errorText(code, values = {}) {
  const entry = lookUp("errors", code);
  return typeof entry === "function" ? entry(values) : entry;
}

/** What a warning means in the user's language, or undefined where only the server can say it. */
export function warningText(code) {
  return lookUp("warnings", code);
}

/** Title and help of an option in the user's language, or undefined where the server's own words stand. */
export function optionWords(name) {
  return lookUp("options", name);
}

/** What a model is, in the user's language, or undefined where the server's own words stand. */
export function modelTitle(name) {
  return lookUp("models", name);
}

/** The language tag for dates and numbers. */
export function localeOf() {
  return language === "zh" ? "zh-CN" : navigator.language;
}

/** Fills every element that names its words: data-text as content, data-label as name, data-hint as placeholder. */
export function translatePage() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = t(element.dataset.text, { key: COMMAND_KEY });
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset.label));
    if (element.matches("button, a")) {
      element.title = t(element.dataset.label);
    }
  }
  for (const element of document.querySelectorAll("[data-hint]")) {
    element.setAttribute("placeholder", t(element.dataset.hint));
  }
}

function lookUp(table, key) {
  const texts = TEXTS[language][table];
  return Object.hasOwn(texts, key) ? texts[key] : undefined;
}

function pick(preferred) {
  const known = preferred.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => tag in TEXTS);
  return known ?? "en";
}
