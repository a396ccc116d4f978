// A result whose table has another grid: the texts go into the cells where they stand. Pure.

import { cellsAfterAdding, cellsAfterRemoving } from "./cells.js";
import { between, cornersOf, gridOf, intervalAt, shareOf, sharesOf } from "./lines.js";
import { parted, wholeLines } from "./parts.js";

/**
 * Where a table is: index of the page and of its block.
 * @typedef {{page: number, block: number}} Place
 */

/**
 * The result with one line of the grid elsewhere, from 0 to 1, but between its neighbours.
 * @param {Result} result
 */
export function withLineMoved(result, place, kind, number, share) {
  const { grid, table } = tableAt(result, place);
  const lines = grid[kind];
  const fresh = lines.with(number, between(share, lines[number - 1] ?? -1, lines[number + 1] ?? 2));
  return withGrid(result, place, { ...grid, [kind]: fresh }, table.cells, table.header_rows);
}

/**
 * The result with a line more, through the middle of this row or column.
 * @param {Result} result
 */
export function withLineAdded(result, place, kind, number) {
  const { grid, table } = tableAt(result, place);
  const lines = grid[kind];
  const fresh = lines.toSpliced(number + 1, 0, (lines[number] + lines[number + 1]) / 2);
  const head = kind === "rows" && number < table.header_rows ? 1 : 0;
  return withGrid(
    result,
    place,
    { ...grid, [kind]: fresh },
    cellsAfterAdding(table.cells, kind, number),
    table.header_rows + head,
  );
}

/**
 * The result without the line before this row or column; outer lines stay.
 * @param {Result} result
 */
export function withLineRemoved(result, place, kind, number) {
  const { grid, table } = tableAt(result, place);
  if (number < 1 || number > grid[kind].length - 2) {
    return result;
  }
  const head = kind === "rows" && number < table.header_rows ? 1 : 0;
  const cells = cellsAfterRemoving(table.cells, kind, number);
  return withGrid(result, place, { ...grid, [kind]: grid[kind].toSpliced(number, 1) }, cells, table.header_rows - head);
}

/**
 * The table at a place with its grid, or null where there is none any more.
 * @param {Result} result
 */
export function tableAt(result, { page, block }) {
  const home = result?.pages[page];
  const one = home?.structure?.[block];
  if (!one?.table) {
    return null;
  }
  const lines = one.lines.map((place) => home.first + place);
  const grid = gridOf(result, { ...one, lines, polygon: one.polygon ?? null });
  return grid && { grid, table: one.table };
}

/** @param {Result} result */
function withGrid(result, { page, block }, { frame, rows, cols }, cells, heads) {
  const home = result.pages[page];
  const numbers = new Map(); // "row/column" → number of the cell
  cells.forEach((cell, number) => {
    for (let row = cell.row; row < cell.row + cell.row_span; row += 1) {
      for (let col = cell.col; col < cell.col + cell.col_span; col += 1) {
        numbers.set(`${row}/${col}`, number);
      }
    }
  });
  const placeOf = (point) => {
    const [s, t] = shareOf(frame, point);
    return numbers.get(`${intervalAt(rows, t)}/${intervalAt(cols, s)}`);
  };
  const texts = cells.map(() => []);
  const own = home.structure[block].table.cells
    .flatMap((cell) => cell.lines)
    .map((place) => result.lines[home.first + place]);
  for (const { place, line } of wholeLines(own).flatMap((one) => parted(one, placeOf))) {
    texts[place].push(line);
  }
  const fresh = cells.map((cell, number) => ({
    ...cell,
    polygon: cornersOf(
      frame,
      cols[cell.col],
      rows[cell.row],
      cols[cell.col + cell.col_span],
      rows[cell.row + cell.row_span],
    ),
    own: inOrder(texts[number], frame),
  }));
  const polygon = cornersOf(frame, cols[0], rows[0], cols.at(-1), rows.at(-1));
  return rebuilt(
    result,
    page,
    block,
    { polygon },
    { rows: rows.length - 1, cols: cols.length - 1, header_rows: heads },
    fresh,
  );
}

// Rows from top to bottom, and the parts of a row from left to right.
function inOrder(lines, frame) {
  const spans = lines
    .map((line) => ({ line, ...sharesOf(frame, line.polygon) }))
    .toSorted((a, b) => a.top + a.bottom - b.top - b.bottom);
  const rows = [];
  for (const span of spans) {
    const last = rows.at(-1);
    const same = last && span.top + span.bottom - last[0].top - last[0].bottom < last[0].bottom - last[0].top;
    if (same) {
      last.push(span);
    } else {
      rows.push([span]);
    }
  }
  return rows.flatMap((row) => row.toSorted((a, b) => a.left - b.left).map(({ line }) => line));
}

/**
 * The lines of a page stand in the order of its blocks and cells, so all of it is numbered anew.
 * @param {Result} result
 */
function rebuilt(result, page, block, blockPatch, tablePatch, cells) {
  const home = result.pages[page];
  const lines = [];
  const used = new Set();
  const put = (own) => own.map((line) => lines.push(line) - 1);
  const old = (places) => places.map((place) => (used.add(place), result.lines[home.first + place]));
  const structure = home.structure.map((one, index) => {
    if (!one.table) {
      return { ...one, lines: put(old(one.lines)) };
    }
    old(one.lines);
    const given = index === block ? cells : one.table.cells.map((cell) => ({ ...cell, own: old(cell.lines) }));
    const kept = given.map(({ own, ...cell }) => ({ ...cell, lines: put(own) }));
    const table = { ...one.table, ...(index === block ? tablePatch : {}), cells: kept };
    return { ...one, ...(index === block ? blockPatch : {}), lines: kept.flatMap((cell) => cell.lines), table };
  });
  put(old(Array.from({ length: home.count }, (_, place) => place).filter((place) => !used.has(place)))); // of no block
  const more = lines.length - home.count;
  const pages = result.pages.map((one, index) => {
    if (index === page) {
      return { ...one, structure, count: lines.length };
    }
    return index > page ? { ...one, first: one.first + more } : one;
  });
  return { ...result, pages, lines: result.lines.toSpliced(home.first, home.count, ...lines) };
}
