// Changes of a result by its reader. Each gives a new result and leaves the old one as it is, so that it can return.

/** The result with one line changed. */
export function withLine(result, index, patch) {
  return withLines(result, new Map([[index, patch]]));
}

/** The result with several lines changed: what changes, by index. The same result where nothing does. */
export function withLines(result, patches) {
  const differs = ([index, patch]) => {
    const line = result.lines[index];
    return line && Object.entries(patch).some(([key, value]) => line[key] !== value);
  };
  const wanted = [...patches].filter(differs);
  if (wanted.length === 0) {
    return result;
  }
  const lines = result.lines.slice();
  for (const [index, patch] of wanted) {
    lines[index] = { ...lines[index], ...patch };
  }
  return { ...result, lines };
}

/**
 * The result with another text in a cell of a table.
 * @param {Result} result
 * @param {{page: number, block: number, cell: number}} at index of the page, of its block, of the table's cell
 * @param {string[]} rows one text per line; lines that the cell lacks are added, and others emptied
 */
export function withCell(result, { page, block, cell }, rows) {
  const home = result.pages[page];
  const own = home.structure[block].table.cells[cell].lines.map((place) => home.first + place);
  const patches = new Map(own.map((index, row) => [index, { text: rows[row] ?? "" }]));
  const changed = withLines(result, patches);
  const more = rows.slice(own.length);
  return more.length > 0 ? inserted(changed, { page, block, cell }, more) : changed;
}

// Lines stand in the order of the blocks and cells, so those behind the new ones move on.
function inserted(result, { page, block, cell }, texts) {
  const home = result.pages[page];
  const { polygon } = home.structure[block].table.cells[cell];
  const at = placeBehind(home.structure, block, cell);
  const behind = (places) => places.map((place) => (place >= at ? place + texts.length : place));
  const fresh = texts.map((_, row) => at + row);
  const structure = home.structure.map((one, index) => {
    if (!one.table) {
      return { ...one, lines: behind(one.lines) };
    }
    const cells = one.table.cells.map((other, number) => ({
      ...other,
      lines: index === block && number === cell ? [...other.lines, ...fresh] : behind(other.lines),
    }));
    return { ...one, lines: cells.flatMap((other) => other.lines), table: { ...one.table, cells } };
  });
  const lines = result.lines.slice();
  // What a person has typed is certain, and it was not read: it has no original.
  const typed = texts.map((text) => ({ text, original: "", confidence: 1, polygon, page, chars: [], places: null }));
  lines.splice(home.first + at, 0, ...typed);
  const pages = result.pages.map((other, index) => {
    if (index === page) {
      return { ...other, structure, count: other.count + texts.length };
    }
    return index > page ? { ...other, first: other.first + texts.length } : other;
  });
  return { ...result, lines, pages };
}

// How many lines of the page stand before the end of a cell.
function placeBehind(structure, block, cell) {
  const before = structure.slice(0, block).reduce((sum, one) => sum + one.lines.length, 0);
  const cells = structure[block].table.cells.slice(0, cell + 1);
  return cells.reduce((sum, one) => sum + one.lines.length, before);
}
