"""Places the borders between rows and columns, given the network's boxes and the lines. Pure functions.

The network's boxes are of the text in a cell, or of the cell where rules show it; they may lie half a row
off, and those of empty cells anywhere. So a border goes where most cells on its two sides have it, and from
there to the nearest place at which no line is in its way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.document import Line
from crnn_ocr.tables.grid import Box, Grid, GridCell
from crnn_ocr.tables.network.tokens import WrittenCell

Array = NDArray[np.float64]

#: Places that are tried between the middles of two neighbouring rows or columns.
_PLACES = 64
#: What a line in the way of a border costs, against moving the border from one middle to the next.
_IN_THE_WAY = 4.0
#: Half of the least extent of a row or column, as a share of that of the table.
_LEAST = 1e-4


def grid_of(cells: Sequence[WrittenCell], lines: Sequence[Line], area: Box, method: str) -> Grid:
    """Return the grid of a table whose cells touch each other.

    Args:
        cells: The cells; together they cover every place once.
        lines: The lines within the table.
        area: The table.
        method: Name of the method.
    """
    rows = max(cell.row + cell.row_span for cell in cells)
    cols = max(cell.col + cell.col_span for cell in cells)
    owner = np.empty((rows, cols), np.int64)
    for index, cell in enumerate(cells):
        owner[cell.row : cell.row + cell.row_span, cell.col : cell.col + cell.col_span] = index
    left, top, right, bottom = area
    boxed = [cell for cell in cells if cell.box is not None]
    across = [(cell.col, cell.col + cell.col_span, _side(cell, 0), _side(cell, 2)) for cell in boxed]
    down = [(cell.row, cell.row + cell.row_span, _side(cell, 1), _side(cell, 3)) for cell in boxed]
    boxes = _boxes(lines)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2

    rough = _borders(across, cols, left, right, lambda border: boxes[:0, ::2])
    col_of = _place(rough, middles[:, 0])

    def lines_between_rows(border: int) -> Array:
        apart = owner[border - 1, col_of] != owner[border, col_of]
        return np.asarray(boxes[apart, 1::2])

    ys = _borders(down, rows, top, bottom, lines_between_rows)
    row_of = _place(ys, middles[:, 1])

    def lines_between_cols(border: int) -> Array:
        apart = owner[row_of, border - 1] != owner[row_of, border]
        return np.asarray(boxes[apart, ::2])

    xs = _borders(across, cols, left, right, lines_between_cols)
    return Grid(
        rows,
        cols,
        tuple(
            GridCell(
                cell.row,
                cell.col,
                cell.row_span,
                cell.col_span,
                (xs[cell.col], ys[cell.row], xs[cell.col + cell.col_span], ys[cell.row + cell.row_span]),
            )
            for cell in cells
        ),
        method,
    )


def _borders(
    spans: Sequence[tuple[int, int, float, float]],
    count: int,
    start: float,
    end: float,
    obstacles: Callable[[int], Array],
) -> list[float]:
    """Return the borders along one axis, ascending, with the two ends of the table.

    Args:
        spans: First and past-the-last row or column of every cell, and where its box begins and ends.
        count: Number of rows or columns.
        start: Where the table begins.
        end: Where it ends.
        obstacles: Returns the extents of the lines that a border, given its number from 1, should not cross,
            (N, 2).
    """
    middles = _middles(spans, count, start, end)
    borders = [start]
    for border in range(1, count):
        low, high = middles[border - 1], middles[border]
        before = [stop for _, after, _, stop in spans if after == border]
        after = [begin for first, _, begin, _ in spans if first == border]
        sides = [float(np.median(side)) for side in (before, after) if side]
        wanted = float(np.clip(np.mean(sides), low, high)) if sides else (low + high) / 2
        borders.append(_free_place(wanted, low, high, obstacles(border)))
    return [*borders, end]


def _middles(
    spans: Sequence[tuple[int, int, float, float]], count: int, start: float, end: float
) -> list[float]:
    """Return the middle of every row or column, strictly ascending and within the table."""
    known: dict[int, float] = {}
    for number in range(count):
        own = [
            (begin + stop) / 2
            for first, after, begin, stop in spans
            if (first, after) == (number, number + 1)
        ]
        if own:
            known[number] = float(np.median(own))
    xs = [-0.5, *known, count - 0.5]
    ys = [start, *known.values(), end]
    middles = np.interp(np.arange(count), xs, ys)
    least = _LEAST * (end - start)
    up = np.maximum.accumulate(middles - least * np.arange(count)) + least * np.arange(count)
    low, high = start + least, end - least
    room = np.linspace(low, high, count + 2)[1:-1]
    # Where rows crowd at one end of the table, those before them make room.
    up = np.minimum(up, high - least * np.arange(count)[::-1])
    up = np.maximum(up, low + least * np.arange(count))
    return [float(value) for value in (up if np.all(np.diff(up) > 0) else room)]


def _free_place(wanted: float, low: float, high: float, obstacles: Array) -> float:
    """Return the place of a border: near the wanted one, and through as few lines as possible.

    A line is the more in the way the nearer its middle, up to a quarter of the way from one middle to the
    next: the ends of boxes are not exact.
    """
    if not len(obstacles) or high <= low:
        return wanted
    places = np.linspace(low, high, _PLACES + 1)
    nearest = int(np.abs(places - wanted).argmin())
    places[nearest] = wanted
    begin, stop = obstacles[:, :1], obstacles[:, 1:]
    depth = np.minimum(places - begin, stop - places).clip(0.0)
    in_the_way = np.minimum(depth / (0.25 * (high - low)), 1.0).sum(axis=0)
    cost = np.abs(places - wanted) / (high - low) + _IN_THE_WAY * in_the_way
    return float(places[int(cost.argmin())])


def _place(borders: Sequence[float], values: Array) -> NDArray[np.int64]:
    """Return the number of the row or column in which each value lies; the first or last one outside."""
    return np.clip(np.searchsorted(np.asarray(borders[1:-1]), values, side="right"), 0, len(borders) - 2)


def _side(cell: WrittenCell, index: int) -> float:
    assert cell.box is not None
    return cell.box[index]


def _boxes(lines: Sequence[Line]) -> Array:
    """Return the boxes around the lines, (N, 4): left, top, right, bottom."""
    corners = np.array([line.polygon for line in lines], np.float64).reshape(-1, 4, 2)
    return np.concatenate((corners.min(axis=1), corners.max(axis=1)), axis=1)
