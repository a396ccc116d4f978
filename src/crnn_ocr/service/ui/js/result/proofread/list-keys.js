// The keys of the list of lines, as lists of files have them.

/**
 * Wires the keys.
 * @param {HTMLElement} grid
 * @param {Store} store
 * @param {import("./list.js").LineList} list
 * @param {{choose: ListAct["choose"], edit: ListAct["edit"], copy: (indexes: Set<number>) => unknown}} act
 */
export function watchListKeys(grid, store, list, act) {
  grid.addEventListener("keydown", (event) => {
    if (event.target.matches(".line") && handle(event, store, list, act)) {
      event.preventDefault();
      event.stopPropagation();
    }
  });
}

function handle(event, store, list, act) {
  const { active, selected } = store.get();
  const target = list.target(event.key);
  const letter = event.key.toLowerCase(); // whatever the state of Caps Lock
  const command = event.ctrlKey || event.metaKey;
  if (target !== null && !command && !event.altKey) {
    act.choose(target, event);
    list.row(target).focus({ preventScroll: true });
  } else if (event.key === "Enter" || event.key === "F2") {
    act.edit(active);
  } else if (event.key === " ") {
    act.choose(active, { ctrlKey: true });
  } else if (command && letter === "a") {
    store.set({ selected: new Set(Array.from({ length: list.length }, (_, index) => index)) });
  } else if (command && letter === "c" && getSelection().isCollapsed) {
    act.copy(selected.size > 0 ? selected : new Set([active]));
  } else if (event.key === "Escape" && selected.size > 0) {
    store.set({ selected: new Set() });
  } else {
    return false;
  }
  return true;
}
