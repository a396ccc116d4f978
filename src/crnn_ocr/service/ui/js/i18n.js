// Picks the language by the browser's preferences and puts the words into the page.

import { TEXTS } from "./texts.js";

export const language = pick(navigator.languages ?? [navigator.language]);

/** The words for a key; values fill the gaps of those that have some. */
export function t(key, values = {}) {
  const entry = TEXTS[language][key];
  return typeof entry === "function" ? entry(values) : entry;
}

/** What an error means in the user's language, or undefined where only the server can say it. */
export function errorText(code) {
  return lookUp("errors", code);
}

/** What a warning means in the user's language, or undefined where only the server can say it. */
export function warningText(code) {
  return lookUp("warnings", code);
}

/** Fills every element that names its words: data-text as content, data-label as accessible name. */
export function translatePage() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = t(element.dataset.text);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset.label));
  }
}

function lookUp(table, code) {
  const texts = TEXTS[language][table];
  return Object.hasOwn(texts, code) ? texts[code] : undefined;
}

function pick(preferred) {
  const known = preferred.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => tag in TEXTS);
  return known ?? "en";
}
