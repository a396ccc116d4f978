// Runs before the first paint: the chosen theme and language must not flash into place later.
(() => {
  "use strict";
  let prefs = {};
  try {
    prefs = JSON.parse(localStorage.getItem("crnn-ocr.prefs")) ?? {};
  } catch {
    // No storage, or something else in it: the browser's own preferences hold.
  }
  const root = document.documentElement;
  if (prefs.theme === "dark" || prefs.theme === "light") {
    root.dataset.theme = prefs.theme;
  }
  const preferred = navigator.languages ?? [navigator.language];
  const tongue = prefs.language ?? preferred.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => /en|zh/.test(tag));
  root.lang = tongue === "zh" ? "zh-CN" : "en";
})();
