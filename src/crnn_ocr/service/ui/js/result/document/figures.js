// The figures of a document: cut out of the page's picture when they come near the window.

import { icon } from "../../core/dom.js";
import { load } from "../../core/later.js";

const WIDEST = 620; // CSS pixels
const HIGHEST = 460;

/**
 * An observer that draws the figures which it is given.
 * @param {HTMLElement} place where the document is
 * @param {() => Job} shown the job that the document is of
 */
export function watchFigures(place, shown) {
  const observer = new IntersectionObserver((entries) => void seen(entries), { rootMargin: "400px" });
  return observer;

  async function seen(entries) {
    for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
      observer.unobserve(target);
      const [page, number] = target.dataset.block.split("/").map(Number);
      const job = shown();
      const size = job.result.pages[page];
      const room = { size, widest: Math.min(WIDEST, place.clientWidth - 40), highest: HIGHEST };
      const canvas = await load("result/crops.js").then(
        ({ cropOf }) => cropOf(job, page, size.structure[number].polygon, room),
        () => null,
      );
      if (shown()?.result?.pages === job.result.pages) {
        target.prepend(canvas ?? icon("page"));
      }
    }
  }
}
