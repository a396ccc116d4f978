// The sample pictures, one click away.

import { byId, make } from "../core/dom.js";
import { t } from "../words/words.js";

const SAMPLES = [
  { name: "receipt", file: "receipt.webp" },
  { name: "screenshot", file: "screenshot.webp" },
  { name: "photo", file: "photo.webp" },
  { name: "poem", file: "poem.webp" },
];

/** Draws the samples; `onFile(file)` gets the one that is clicked. */
export function watchSamples(store, onFile, onFail) {
  store.watch((state) => [state.prefs.language], () => {
    byId("samples").replaceChildren(...SAMPLES.map((sample) => make("li", {}, card(sample))));
  });

  function card({ name, file }) {
    return make(
      "button",
      { type: "button", class: "sample", onclick: () => take(file) },
      make("img", { src: `/ui/samples/${file}`, alt: "", width: "148", height: "92", decoding: "async" }),
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
