// Tabs after the ARIA pattern: arrow keys move, one tab stop.

/** Wires a tab list whose tabs carry `data-view`; `show(view)` is called for the chosen one. */
export function watchTabs(list, show) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) {
      show(tab.dataset.view);
    }
  });
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (at >= 0 && next !== undefined) {
      event.preventDefault();
      const tab = tabs[(next + tabs.length) % tabs.length];
      tab.focus();
      show(tab.dataset.view);
    }
  });
}

/** Marks the tab of a view as the chosen one. */
export function markTab(list, view) {
  for (const tab of list.querySelectorAll("[role=tab]")) {
    const chosen = tab.dataset.view === view;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  }
}
