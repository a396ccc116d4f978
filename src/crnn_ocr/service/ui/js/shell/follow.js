// Keeps the two sides together: the list begins anew with another file, pages turn on both sides, and a hit of the
// search is shown in the picture.

import { currentJob, patchJob } from "../jobs/jobs.js";

const READING_LINE = 0.25; // of a panel's height: what stands there is the page that one reads

const HOLD = 500; // milliseconds in which the events of a scroll by the page itself come

/** Wires both sides; `reveal(index)` brings a line into view in the picture. */
export function watchSides(store, reveal) {
  const panels = [...document.querySelectorAll(".panel")];
  const led = leading(panels);
  let shown = { id: null, page: 0 };
  let turning = false; // the page follows the list, so the list must not follow the page

  store.watch((state) => [currentJob(state)?.id, currentJob(state)?.page], (id, page) => {
    if (id !== shown.id) {
      panels.forEach((panel) => {
        panel.scrollTop = 0;
      });
    } else if (page !== shown.page && !turning) {
      // A line that was chosen has brought its own page, and stands in view already.
      const active = store.get().active;
      const line = active === null ? undefined : currentJob(store.get())?.result?.lines[active];
      if (line?.page !== page) {
        panels.forEach((panel) => showPage(panel, page));
      }
    }
    shown = { id, page };
  });

  // What is chosen or found is scrolled to, and its page is told already.
  const hold = () => panels.forEach((panel) => (panel.dataset.until = performance.now() + HOLD));
  store.watch((state) => [state.active, state.block], hold);

  for (const panel of panels) {
    panel.addEventListener("scroll", () => {
      const job = currentJob(store.get());
      // Texts that are only now written move the others: no reason to turn the picture that the user moves.
      if (!job?.result || job.result.pages.length < 2 || led() || performance.now() < Number(panel.dataset.until ?? 0)) {
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

// Tells whether it is the picture that the user has touched last, and not the text.
function leading(panels) {
  let picture = false;
  for (const kind of ["wheel", "pointerdown", "touchstart", "keydown"]) {
    document.addEventListener(
      kind,
      ({ target }) => {
        picture = target instanceof Element && target.closest(".picture-card") !== null;
        panels.forEach((panel) => (panel.dataset.until = 0)); // what comes now is the user's
      },
      { capture: true, passive: true },
    );
  }
  return () => picture;
}

function showPage(panel, page) {
  const first = panel.querySelector(`[data-page="${page}"]`);
  if (!first || panel.hidden) {
    return;
  }
  const heading = first.previousElementSibling?.matches(".result-page") ? first.previousElementSibling : first;
  const top = panel.scrollTop + heading.getBoundingClientRect().top - panel.getBoundingClientRect().top;
  panel.dataset.until = performance.now() + HOLD; // the event of this very scroll comes later
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
