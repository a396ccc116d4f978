// Runs before the first paint: the chosen theme and language must not flash into place later. And it watches over the
// rest: of a page whose script does not arrive, nothing works.
(() => {
  "use strict";
  const TRIED = "crnn-ocr.tried";
  const PAUSE = 1000; // milliseconds, for a server or a network that is just coming back
  let broken = false;

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

  addEventListener(
    "error",
    ({ target }) => {
      const needed = target instanceof HTMLScriptElement || (target instanceof HTMLLinkElement && target.rel === "stylesheet");
      if (needed && !broken) {
        broken = true;
        setTimeout(reloadOnce, PAUSE);
      }
    },
    true,
  );

  function reloadOnce() {
    try {
      if (sessionStorage.getItem(TRIED) === null) {
        sessionStorage.setItem(TRIED, "");
        location.reload();
        return;
      }
      sessionStorage.removeItem(TRIED);
    } catch {
      // Without storage nobody knows whether this was the first time.
    }
    root.dataset.broken = "";
  }
})();
