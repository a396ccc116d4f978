// A menu button: opens, moves with the arrow keys, closes on Escape and outside.

/**
 * Wires a button and its menu.
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} menu
 * @param {() => HTMLElement[]} [items] makes the entries whenever it opens
 */
export function makeMenu(button, menu, items) {
  const entries = () => [...menu.querySelectorAll("[role=menuitem], [role=menuitemradio]")];
  const open = (show) => {
    menu.hidden = !show;
    button.setAttribute("aria-expanded", String(show));
    if (show && items) {
      menu.replaceChildren(...items());
    }
  };
  button.addEventListener("click", () => {
    open(menu.hidden);
    if (!menu.hidden) {
      entries()[0]?.focus();
    }
  });
  menu.addEventListener("click", (event) => {
    if (event.target.closest("[role^=menuitem]")) {
      open(false);
      button.focus();
    }
  });
  menu.addEventListener("keydown", (event) => {
    const all = entries();
    const at = all.findIndex((entry) => entry === document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      all.at(next % all.length).focus();
    }
  });
  // Wherever the focus is, and before anybody else hears of the key: it closes what lies on top, and no more.
  const escape = (event) => {
    if (!menu.hidden && event.key === "Escape" && !event.isComposing) {
      event.stopPropagation();
      open(false);
      button.focus();
    }
  };
  document.addEventListener("keydown", escape, { capture: true });
  document.addEventListener("pointerdown", (event) => {
    if (!menu.hidden && !menu.contains(event.target) && !button.contains(event.target)) {
      open(false);
    }
  });
  menu.addEventListener("focusout", (event) => {
    const to = /** @type {Node} */ (event.relatedTarget);
    if (to && !menu.contains(to) && to !== button) {
      open(false);
    }
  });
}
