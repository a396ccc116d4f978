// Runs before the first paint: the chosen theme and language must not flash into place later. And it watches over the
// rest: of a page whose script does not arrive, nothing works.
(() => {
  "use strict";
  const TRIED = "crnn-ocr.tried";
  const PAUSES = [500, 1500, 4000]; // milliseconds, for a server or a network that is just coming back
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
  const tongue =
    prefs.language ?? preferred.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => /en|zh/.test(tag));
  root.lang = tongue === "zh" ? "zh-CN" : "en";
  for (const part of tongue === "zh" ? ["zh", "zh-result", "zh-server"] : ["en", "en-result"]) {
    const words = document.createElement("link");
    words.rel = "modulepreload";
    words.href = `/ui/js/words/${part}.js`;
    document.head.append(words);
  }

  addEventListener(
    "error",
    ({ target }) => {
      const words = target instanceof HTMLLinkElement && target.href.includes("/js/words/"); // loaded by nothing else
      const style = target instanceof HTMLLinkElement && target.rel === "stylesheet" && !("later" in target.dataset);
      const needed = target instanceof HTMLScriptElement || style || words;
      if (needed && !broken) {
        broken = true;
        tryAgain();
      }
    },
    true,
  );

  function tryAgain() {
    try {
      const tried = Number(sessionStorage.getItem(TRIED));
      if (tried < PAUSES.length) {
        sessionStorage.setItem(TRIED, String(tried + 1));
        setTimeout(() => location.reload(), PAUSES[tried]);
        return;
      }
      sessionStorage.removeItem(TRIED);
    } catch {
      // Without storage nobody knows how often it has been tried.
    }
    root.dataset.broken = "";
  }
})();
