// What becomes of the cells when a line of the grid is added or removed. Pure; rows and columns are treated alike.

const AXES = { rows: { at: "row", span: "row_span" }, cols: { at: "col", span: "col_span" } };

/** The cells after a line was drawn through this row or column: cells over several keep their span, others are parted. */
export function cellsAfterAdding(cells, kind, number) {
  const { at, span } = AXES[kind];
  const found = cells.flatMap((cell) => {
    if (cell[at] > number) {
      return [{ ...cell, [at]: cell[at] + 1 }];
    }
    if (cell[at] + cell[span] <= number) {
      return [cell];
    }
    return cell[span] > 1 ? [{ ...cell, [span]: cell[span] + 1 }] : [cell, { ...cell, [at]: cell[at] + 1 }];
  });
  return found.toSorted(byPlace);
}

/** The cells after the line before this row or column was removed: the cells on both sides are one. */
export function cellsAfterRemoving(cells, kind, number) {
  const { at, span } = AXES[kind];
  const moved = cells.map((cell) => {
    const first = cell[at] >= number ? cell[at] - 1 : cell[at];
    const last = cell[at] + cell[span] > number ? cell[at] + cell[span] - 1 : cell[at] + cell[span];
    return { ...cell, [at]: first, [span]: Math.max(1, last - first) };
  });
  return united(moved);
}

// Cells that lie over each other are one, as large as all of them.
function united(cells) {
  const found = [];
  for (let cell of cells) {
    let other = found.findIndex((one) => overlap(one, cell));
    while (other >= 0) {
      cell = around(found[other], cell);
      found.splice(other, 1);
      other = found.findIndex((one) => overlap(one, cell));
    }
    found.push(cell);
  }
  return found.toSorted(byPlace);
}

function byPlace(a, b) {
  return a.row - b.row || a.col - b.col;
}

function overlap(a, b) {
  return (
    a.row < b.row + b.row_span && b.row < a.row + a.row_span && a.col < b.col + b.col_span && b.col < a.col + a.col_span
  );
}

function around(a, b) {
  const [row, col] = [Math.min(a.row, b.row), Math.min(a.col, b.col)];
  const [bottom, right] = [
    Math.max(a.row + a.row_span, b.row + b.row_span),
    Math.max(a.col + a.col_span, b.col + b.col_span),
  ];
  return { ...a, row, col, row_span: bottom - row, col_span: right - col };
}
