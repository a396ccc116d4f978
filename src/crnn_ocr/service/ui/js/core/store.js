// The one state of the page. Values are never changed in place, so that a comparison tells what is new.

/**
 * Makes a store.
 * @param {State} initial the first state
 */
export function createStore(initial) {
  let state = initial;
  let telling = false;
  let again = false;
  const watchers = new Set();

  function tell() {
    if (telling) {
      again = true; // a watcher has changed the state: all are asked once more afterwards
      return;
    }
    telling = true;
    do {
      again = false;
      for (const watcher of watchers) {
        watcher();
      }
    } while (again);
    telling = false;
  }

  return {
    get: () => state,
    /** Replaces the given keys and tells those who watch them. */
    set(patch) {
      state = { ...state, ...patch };
      tell();
    },
    /** Calls `react` now and whenever one of the values that `select` picks is another one. */
    watch(select, react) {
      let last = null;
      const watcher = () => {
        const next = select(state);
        if (last === null || next.some((value, index) => !Object.is(value, last[index]))) {
          last = next;
          react(...next);
        }
      };
      watchers.add(watcher);
      watcher();
      return () => watchers.delete(watcher);
    },
  };
}
