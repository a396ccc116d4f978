// The sample pictures, one click away.

import { byId, make } from "../core/dom.js";
import { t } from "../words/words.js";

const SAMPLES = ["receipt", "screenshot", "photo", "poem"];

/** Draws the samples; `onFile(file)` gets the one that is clicked. Returns a function that takes one by its file. */
export function watchSamples(store, onFile, onFail) {
  store.watch((state) => [state.prefs.language], () => {
    byId("samples").replaceChildren(...SAMPLES.map((sample) => make("li", {}, card(sample))));
  });
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
