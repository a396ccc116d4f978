// The sample pictures, one click away.

import { byId, make } from "../core/dom.js";
import { t } from "../words/words.js";

// The first one is the example that the page shows large already (intake/welcome.js).
const SAMPLES = { en: ["photo", "receipt", "screenshot", "poem"], zh: ["receipt", "photo", "screenshot", "poem"] };

/**
 * Draws the samples; `onFile(file)` gets the one that is clicked. Returns a function that takes one by its file.
 * @param {Store} store
 */
export function watchSamples(store, onFile, onFail) {
  store.watch(
    (state) => [state.prefs.language],
    () => {
      const [, ...others] = document.documentElement.lang === "en" ? SAMPLES.en : SAMPLES.zh;
      byId("samples").replaceChildren(...others.map((sample) => make("li", {}, card(sample))));
    },
  );
  return take;

  function card(name) {
    return make(
      "button",
      { type: "button", class: "sample", onclick: () => take(`${name}.webp`) },
      make("img", { src: `/ui/samples/${name}-card.webp`, alt: "", width: "148", height: "92", decoding: "async" }),
      make("span", {}, t(`sample_${name}`)),
    );
  }

  async function take(file) {
    try {
      const response = await fetch(`/ui/samples/${file}`);
      if (!response.ok) {
        throw new Error(response.statusText);
      }
      onFile(new File([await response.blob()], file, { type: "image/webp" }));
    } catch {
      onFail();
    }
  }
}
