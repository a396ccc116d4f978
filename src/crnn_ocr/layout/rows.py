"""Order the boxes of each strip in a section that is read row by row."""

from __future__ import annotations

from collections.abc import Sequence

from crnn_ocr.layout.frame import Box
from crnn_ocr.layout.labels import gather_labelled
from crnn_ocr.layout.sections import Strip, strips

#: Two lines are on one row if their middles differ by less than this share of the lower one's height.
ALIGNED = 0.4
_MAX_DEPTH = 8


def aligned(one: Box, other: Box) -> bool:
    """Return whether two boxes are on one row."""
    return abs(one.middle - other.middle) < ALIGNED * min(one.height, other.height)


def cell_rows(run: Sequence[Strip]) -> list[Strip]:
    """Put strips into reading order: row by row where rows are visible, otherwise cell by cell."""
    return gather_labelled(run, lambda strip: _in_order(strip, _MAX_DEPTH))


def _in_order(strip: Strip, depth: int) -> Strip:
    cells = _cells(strip)
    if len(cells) == len(strip) or not depth:
        return strip
    if len(cells) > 1 and not _share_rows(cells):
        return [box for cell in cells for part in strips(cell) for box in _in_order(part, depth - 1)]
    return [box for row in _rows(strip) for box in row]


def _cells(strip: Strip) -> list[Strip]:
    """Cut a strip, sorted from left to right, where white space runs through from top to bottom."""
    cells: list[Strip] = []
    edge = 0.0
    for box in strip:
        if cells and box.left < edge:
            cells[-1].append(box)
            edge = max(edge, box.right)
        else:
            cells.append([box])
            edge = box.right
    return cells


def _share_rows(cells: Sequence[Strip]) -> bool:
    """Return whether each line of every cell is on a row of the cell with the most lines."""
    fullest = max(cells, key=len)
    return all(
        any(aligned(box, other) for other in fullest) for cell in cells if cell is not fullest for box in cell
    )


def _rows(strip: Strip) -> list[Strip]:
    """Group boxes whose middles are close, from top to bottom, each row from left to right."""
    rows: list[Strip] = []
    for box in sorted(strip, key=lambda box: (box.middle, box.left)):
        if rows and aligned(rows[-1][0], box):
            rows[-1].append(box)
        else:
            rows.append([box])
    return [sorted(row, key=lambda box: (box.left, box.top)) for row in rows]
