"""Makes a grid of rows and columns with cells that span several, from the places that belong together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crnn_ocr.tables.grid import Grid, GridCell

#: A place of the grid: row and column.
Place = tuple[int, int]
#: First row, first column, row after the last, column after the last.
Area = tuple[int, int, int, int]


def assemble(
    ys: Sequence[float], xs: Sequence[float], together: Iterable[tuple[Place, Place]], method: str
) -> Grid:
    """Return a grid.

    Args:
        ys: The borders of the rows from top to bottom, one more than there are rows.
        xs: The borders of the columns from left to right.
        together: Pairs of places that one cell covers; cells grow until they are rectangles. Rows and columns
            that have no border of their own left are dropped.
        method: Name of the method that found them.
    """
    rows, cols = len(ys) - 1, len(xs) - 1
    areas = _areas(rows, cols, together)
    tops = sorted({area[0] for area in areas})
    lefts = sorted({area[1] for area in areas})
    row_at = {row: index for index, row in enumerate([*tops, rows])}
    col_at = {col: index for index, col in enumerate([*lefts, cols])}
    cells = []
    for top, left, bottom, right in sorted(areas):
        row, col = row_at[top], col_at[left]
        cells.append(
            GridCell(
                row,
                col,
                row_at[bottom] - row,
                col_at[right] - col,
                (float(xs[left]), float(ys[top]), float(xs[right]), float(ys[bottom])),
            )
        )
    return Grid(len(tops), len(lefts), tuple(cells), method)


def _areas(rows: int, cols: int, together: Iterable[tuple[Place, Place]]) -> set[Area]:
    """Return the rectangles that the places are joined to."""
    area_of: dict[Place, Area] = {(r, c): (r, c, r + 1, c + 1) for r in range(rows) for c in range(cols)}
    for one, other in together:
        a, b = area_of[one], area_of[other]
        if a == b:
            continue
        area = _around(a, b)
        while True:
            touched = {area_of[r, c] for r in range(area[0], area[2]) for c in range(area[1], area[3])}
            wider = area
            for t in touched:
                wider = _around(wider, t)
            if wider == area:
                break
            area = wider
        for r in range(area[0], area[2]):
            for c in range(area[1], area[3]):
                area_of[r, c] = area
    return set(area_of.values())


def _around(a: Area, b: Area) -> Area:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
