"""Places the borders between rows and columns, given the network's boxes and the lines. Pure functions.

The network's boxes are of the text in a cell, or of the cell where rules show it. Those of whole rows may lie
half a row off, and those of empty cells anywhere; the extents of rows and columns are about right. So all
borders of one axis are placed together, as a path of least cost (dynamic programming): through few lines,
with text between any two of them, about as far from each other as the boxes say, and not far from them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.document import Line
from crnn_ocr.tables.grid import Box, Grid, GridCell
from crnn_ocr.tables.network.tokens import WrittenCell

Array = NDArray[np.float64]

#: Places that are tried along an axis, and at least so many per row or column.
_PLACES, _PLACES_EACH = 128, 6
#: What it costs if a border goes through the middle of a line; if a row or column has no line; if it is wider
#: or narrower than the boxes say by the mean extent of all; and if a border lies that far off the boxes.
_THROUGH_A_LINE, _EMPTY, _OTHER_EXTENT, _FAR_OFF = 1.0, 1.5, 1.0, 0.5
#: So many lines in the way of a border count as any number: a wrong border must not spoil all others.
_MOST_LINES = 3.0
#: Share of a line's extent at either end through which a border may go: the boxes of close lines overlap.
_EDGE = 0.2


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

    spans = np.array([(cell.row_span, cell.col_span) for cell in cells])

    rough_ys, rough_xs = _wanted(down, rows, top, bottom), _wanted(across, cols, left, right)
    col_of = np.searchsorted(rough_xs, middles[:, 0])
    own = owner[np.searchsorted(rough_ys, middles[:, 1]), col_of]
    apart = owner[:-1, col_of] != owner[1:, col_of]
    ys = _borders(rough_ys, (top, bottom), boxes[:, 1::2], apart, spans[own, 0] == 1)

    row_of = np.searchsorted(ys[1:-1], middles[:, 1])
    own = owner[row_of, col_of]
    apart = (owner[row_of, :-1] != owner[row_of, 1:]).T
    xs = _borders(rough_xs, (left, right), boxes[:, ::2], apart, spans[own, 1] == 1)
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


def _wanted(spans: Sequence[tuple[int, int, float, float]], count: int, start: float, end: float) -> Array:
    """Return where the boxes want the borders between rows or columns, ascending, within the table.

    Args:
        spans: First and past-the-last row or column of every cell, and where its box begins and ends.
        count: Number of rows or columns.
        start: Where the table begins.
        end: Where it ends.
    """
    wanted = np.linspace(start, end, count + 1)[1:-1]
    for border in range(1, count):
        before = [stop for _, after, _, stop in spans if after == border]
        after = [begin for first, _, begin, _ in spans if first == border]
        sides = [float(np.median(side)) for side in (before, after) if side]
        if sides:
            wanted[border - 1] = np.mean(sides)
    return np.asarray(np.maximum.accumulate(wanted.clip(start, end)))


def _borders(
    wanted: Array,
    ends: tuple[float, float],
    lines: Array,
    apart: NDArray[np.bool_],
    single: NDArray[np.bool_],
) -> list[float]:
    """Return the borders along one axis, strictly ascending, with the two ends of the table.

    Args:
        wanted: Where the boxes want the borders, (B,), ascending.
        ends: Where the table begins and ends.
        lines: Where each line begins and ends, (L, 2).
        apart: Whether each border divides other cells than the one in which a line lies, (B, L).
        single: Whether the cell in which a line lies covers one row or column, (L,).
    """
    start, end = ends
    if not len(wanted):
        return [start, end]
    extent = (end - start) / (len(wanted) + 1)
    places = np.linspace(start, end, max(_PLACES, _PLACES_EACH * (len(wanted) + 1)) + 1)
    places = np.unique(np.concatenate((places, wanted)))
    begin, stop = lines[:, :1], lines[:, 1:]
    depth = np.minimum(places - begin, stop - places) / np.maximum(stop - begin, 1e-9)
    through = ((depth - _EDGE) / (0.5 - _EDGE)).clip(0.0)
    each = (
        _THROUGH_A_LINE * (apart @ through).clip(max=_MOST_LINES)
        + _FAR_OFF * np.abs(places - wanted[:, None]) / extent
    )
    before = np.searchsorted(np.sort(lines[single].mean(axis=1)), places)  # lines before every place
    pair = np.where(before == before[:, None], np.float32(_EMPTY), np.float32(0.0))
    apart_by = ((places - places[:, None]) * (_OTHER_EXTENT / extent)).astype(np.float32)
    pair[apart_by <= 0] = np.inf
    least = np.full(len(places), np.inf, np.float32)
    least[0] = 0.0
    came_from = []
    cost = np.empty_like(pair)
    for number, by in enumerate(np.diff(wanted, prepend=start, append=end) * (_OTHER_EXTENT / extent)):
        np.subtract(apart_by, np.float32(by), out=cost)
        np.abs(cost, out=cost)
        cost += pair
        cost += least[:, None]
        came_from.append(cost.argmin(axis=0))
        least = cost[came_from[-1], np.arange(len(places))]
        if number < len(each):
            least = (least + each[number]).astype(np.float32)
    path = [len(places) - 1]
    for previous in reversed(came_from):
        path.append(int(previous[path[-1]]))
    return [float(places[index]) for index in reversed(path)]


def _side(cell: WrittenCell, index: int) -> float:
    assert cell.box is not None
    return cell.box[index]


def _boxes(lines: Sequence[Line]) -> Array:
    """Return the boxes around the lines, (N, 4): left, top, right, bottom."""
    corners = np.array([line.polygon for line in lines], np.float64).reshape(-1, 4, 2)
    return np.concatenate((corners.min(axis=1), corners.max(axis=1)), axis=1)
