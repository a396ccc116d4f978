// Which lines are selected after a click or a key, as lists of files have it. Pure.

/**
 * @param {Set<number>} selected
 * @param {number | null} anchor the line that was active before
 * @param {number | null} index the line that is chosen now
 * @param {{shiftKey?: boolean, ctrlKey?: boolean, metaKey?: boolean}} keys
 * @returns {Set<number>}
 */
export function selectionAfter(selected, anchor, index, { shiftKey = false, ctrlKey = false, metaKey = false }) {
  if (index === null) {
    return new Set();
  }
  if (shiftKey && anchor !== null) {
    const [low, high] = [Math.min(anchor, index), Math.max(anchor, index)];
    return new Set([...selected, ...Array.from({ length: high - low + 1 }, (_, step) => low + step)]);
  }
  if (ctrlKey || metaKey) {
    const next = new Set(selected);
    if (!next.delete(index)) {
      next.add(index);
    }
    return next;
  }
  return selected.size > 0 ? new Set() : selected;
}
