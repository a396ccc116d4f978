"""Turns the tokens that the network writes, a subset of HTML, into the places of a grid. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from crnn_ocr.tables.grid import Box

_SPAN = re.compile(r' (?P<side>col|row)span="(?P<count>\d+)"')
#: A cell without spans is a token of its own; another one is opened, given its spans, and closed.
_PLAIN, _OPENED, _CLOSED, _ROW = "<td></td>", "<td", ">", "<tr>"


@dataclass(frozen=True, slots=True)
class WrittenCell:
    """A cell as the network wrote it.

    Attributes:
        row: First row, from 0.
        col: First column, from 0.
        row_span: Number of rows that it covers.
        col_span: Number of columns that it covers.
        box: Its text or its area, as far as the network saw it; None for a place that it left out.
    """

    row: int
    col: int
    row_span: int = 1
    col_span: int = 1
    box: Box | None = None


def written_cells(tokens: Sequence[str], boxes: Sequence[Box]) -> tuple[WrittenCell, ...]:
    """Return the cells of a table, by row and column; together they cover every place of its grid once.

    Rows without a cell are dropped, spans end at the last row and at a cell from above, and the places that
    short rows leave out become empty cells.

    Args:
        tokens: The tokens, without start and end.
        boxes: For each token the box of the cell that it opens.
    """
    rows = [row for row in _rows(tokens, boxes) if row]
    taken: dict[tuple[int, int], int] = {}  # place → index of its cell
    placed: list[WrittenCell] = []
    for number, row in enumerate(rows):
        col = 0
        for cell in row:
            while (number, col) in taken:
                col += 1
            free = 1
            while free < cell.col_span and (number, col + free) not in taken:
                free += 1
            cell = replace(
                cell, row=number, col=col, row_span=min(cell.row_span, len(rows) - number), col_span=free
            )
            _take(taken, cell, len(placed))
            placed.append(cell)
            col += free
    width = max((col + 1 for _, col in taken), default=0)
    gaps = [
        WrittenCell(row, col) for row in range(len(rows)) for col in range(width) if (row, col) not in taken
    ]
    return tuple(sorted([*placed, *gaps], key=lambda cell: (cell.row, cell.col)))


def _rows(tokens: Sequence[str], boxes: Sequence[Box]) -> list[list[WrittenCell]]:
    """Return the cells of every row with their spans; their places are not known yet."""
    rows: list[list[WrittenCell]] = []
    opened: WrittenCell | None = None
    for token, box in zip(tokens, boxes, strict=True):
        if token == _ROW:
            rows.append([])
            opened = None
        elif token == _PLAIN:
            _last(rows).append(WrittenCell(0, 0, box=box))
            opened = None
        elif token == _OPENED:
            opened = WrittenCell(0, 0, box=box)
        elif opened is not None and (span := _SPAN.fullmatch(token)):
            count = max(1, int(span["count"]))
            rows_too = span["side"] == "row"
            opened = replace(opened, row_span=count) if rows_too else replace(opened, col_span=count)
        elif opened is not None and token == _CLOSED:
            _last(rows).append(opened)
            opened = None
    return rows


def _last(rows: list[list[WrittenCell]]) -> list[WrittenCell]:
    """Return the last row; a cell before the first row opens it."""
    if not rows:
        rows.append([])
    return rows[-1]


def _take(taken: dict[tuple[int, int], int], cell: WrittenCell, index: int) -> None:
    """Mark the places of a cell. No cell from above can be in its way below its first row.

    A cell from above that reaches into a lower row reaches into the first row of this one too, or ends
    above it; and cells to the left have ended before it.
    """
    for row in range(cell.row, cell.row + cell.row_span):
        for col in range(cell.col, cell.col + cell.col_span):
            taken[row, col] = index
