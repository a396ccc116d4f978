// Keeps the two sides together: the list begins anew with another file, pages turn on both sides, and a hit of the
// search is shown in the picture.

import { currentJob, patchJob } from "../jobs/jobs.js";

const READING_LINE = 0.25; // of a panel's height: what stands there is the page that one reads

/**
 * Wires both sides; `reveal(index)` brings a line into view in the picture.
 * @param {Store} store
 */
export function watchSides(store, reveal) {
  const panels = [...document.querySelectorAll(".panel")];
  let scrolled = null; // the panel that the user scrolls: what the page itself scrolls turns nothing
  let shown = { id: null, page: 0 };
  let turning = false; // the page follows the list, so the list must not follow the page
  const hold = () => {
    scrolled = null;
  };

  store.watch(
    (state) => [currentJob(state)?.id, currentJob(state)?.page],
    (id, page) => {
      if (id !== shown.id) {
        panels.forEach((panel) => {
          panel.scrollTop = 0;
        });
      } else if (page !== shown.page && !turning) {
        // A line that was chosen has brought its own page, and stands in view already.
        const active = store.get().active;
        const line = active === null ? undefined : currentJob(store.get())?.result?.lines[active];
        if (line?.page !== page) {
          hold();
          panels.forEach((panel) => showPage(panel, page));
        }
      }
      shown = { id, page };
    },
  );

  for (const kind of ["wheel", "pointerdown", "touchstart", "keydown"]) {
    const own = ({ target }) => {
      scrolled = target instanceof Element ? target.closest(".panel") : null;
    };
    document.addEventListener(kind, own, { capture: true, passive: true });
  }
  store.watch((state) => [state.active, state.block], hold); // the page scrolls to what is chosen

  for (const panel of panels) {
    panel.addEventListener("scroll", () => {
      const job = currentJob(store.get());
      if (panel !== scrolled || !job?.result || job.result.pages.length < 2) {
        return;
      }
      const page = pageAt(panel);
      if (page !== null && page !== job.page && page < job.result.pages.length) {
        turning = true;
        patchJob(store, job.id, { page });
        turning = false;
      }
    });
  }

  document.addEventListener("searchhit", ({ detail: index }) => {
    hold();
    const job = currentJob(store.get());
    const line = index === null ? undefined : job?.result?.lines[index];
    if (line && line.page !== job.page) {
      turning = true;
      patchJob(store, job.id, { page: line.page });
      turning = false;
    }
    store.set({ hit: line ? index : null });
    if (line) {
      reveal(index);
    }
  });
}

function showPage(panel, page) {
  const first = panel.querySelector(`[data-page="${page}"]`);
  if (!first || panel.hidden) {
    return;
  }
  const heading = first.previousElementSibling?.matches(".result-page") ? first.previousElementSibling : first;
  const top = panel.scrollTop + heading.getBoundingClientRect().top - panel.getBoundingClientRect().top;
  panel.scrollTop = top;
}

// The page whose lines stand where one reads, or null where the panel has no pages or does not scroll.
function pageAt(panel) {
  const pages = [...panel.querySelectorAll("[data-page]")];
  if (pages.length < 2 || panel.scrollHeight <= panel.clientHeight) {
    return null;
  }
  const frame = panel.getBoundingClientRect();
  const line = frame.top + READING_LINE * frame.height;
  let low = 0;
  let high = pages.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (pages[middle].getBoundingClientRect().top <= line) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return Number(pages[low].dataset.page);
}
