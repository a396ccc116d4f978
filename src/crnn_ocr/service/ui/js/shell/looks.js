// Theme and language: chosen in the header, remembered, applied at once.

import { byId, icon } from "../core/dom.js";
import { setPrefs } from "../core/prefs.js";
import { loadLanguage, setLanguage, t, translatePage } from "../words/words.js";

const THEMES = ["auto", "light", "dark"];

/**
 * Applies the preferences whenever they change; the words come first, for all others use them.
 * @param {Store} store
 */
export function watchLooks(store) {
  store.watch(
    (state) => [state.prefs.language],
    (language) => {
      setLanguage(language);
      translatePage();
      drawTheme(store.get().prefs.theme);
    },
  );
  store.watch((state) => [state.prefs.theme], drawTheme);
  byId("theme").addEventListener("click", () => nextTheme(store));
  byId("language").addEventListener("click", () => otherLanguage(store));
}

/**
 * Goes on from automatic to light to dark.
 * @param {Store} store
 */
export function nextTheme(store) {
  const { theme } = store.get().prefs;
  setPrefs(store, { theme: THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] });
}

/**
 * Changes between English and Chinese.
 * @param {Store} store
 */
export async function otherLanguage(store) {
  const language = document.documentElement.lang === "en" ? "zh" : "en";
  await loadLanguage(language).then(
    () => setPrefs(store, { language }),
    () => {}, // the server is gone: the page stays as it is
  );
}

function drawTheme(theme) {
  const root = document.documentElement;
  if (theme === "auto") {
    delete root.dataset.theme;
  } else {
    root.dataset.theme = theme;
  }
  const label = t("theme", { theme: t(`theme_${theme}`) });
  byId("theme").setAttribute("aria-label", label);
  byId("theme").title = label;
  byId("theme").replaceChildren(icon(`theme-${theme}`));
}
