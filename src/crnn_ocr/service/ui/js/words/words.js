// The words of the page in the language of the user, and those for what the server says.

import { COMMAND_KEY } from "../core/dom.js";
import { load } from "../core/later.js";

// Only the words that are needed are loaded; first.js announces those of the first language.
const LOADERS = {
  en: async () => (await import("./en.js")).en,
  zh: async () => (await import("./zh.js")).zh,
};
const texts = {};
const parts = new Set(); // names of the parts whose words are needed besides
let language = "en";

/** Loads the words of a language, or with null of the browser's; to be awaited before it is set. */
export async function loadLanguage(wanted) {
  const name = known(wanted);
  texts[name] ??= await LOADERS[name]();
  await Promise.all([...parts].map((part) => fill(name, part)));
}

/** Loads the words of a part of the page that few visits need, in this language and from now on in each. */
export async function loadWords(part) {
  parts.add(part);
  await fill(language, part);
  translatePage();
}

async function fill(name, part) {
  const { words } = await load(`words/${name}-${part}.js`);
  for (const [table, entries] of Object.entries(words)) {
    texts[name][table] = { ...texts[name][table], ...entries };
  }
}

/** Takes a language, or with null the browser's; its words are there already. */
export function setLanguage(wanted) {
  language = known(wanted);
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
    element.textContent = t(element.dataset.text, { key: COMMAND_KEY }) ?? ""; // its part has not been loaded
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    const label = t(element.dataset.label) ?? "";
    element.setAttribute("aria-label", label);
    if (element.matches("button, a")) {
      element.title = label;
    }
  }
  for (const element of document.querySelectorAll("[data-hint]")) {
    element.setAttribute("placeholder", t(element.dataset.hint));
  }
}

function lookUp(table, key) {
  const words = texts[language]?.[table] ?? {};
  return Object.hasOwn(words, key) ? words[key] : undefined;
}

function known(wanted) {
  const preferred = Object.hasOwn(LOADERS, wanted ?? "") ? [wanted] : (navigator.languages ?? [navigator.language]);
  return preferred.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => Object.hasOwn(LOADERS, tag)) ?? "en";
}
