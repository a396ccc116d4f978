"""Defines the grid of a table before its text is put into it; every method of reading a table returns one."""

from __future__ import annotations

from dataclasses import dataclass

#: Left, top, right and bottom in pixels of the upright page.
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class GridCell:
    """A place of the grid, or several that one cell covers.

    Attributes:
        row: First row, from 0.
        col: First column, from 0.
        row_span: Number of rows that it covers.
        col_span: Number of columns that it covers.
        box: Its area on the upright page.
    """

    row: int
    col: int
    row_span: int
    col_span: int
    box: Box


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows, columns and cells of a table, as one method sees them.

    Attributes:
        rows: Number of rows.
        cols: Number of columns.
        cells: Cells by row and column. Together they cover every place of the grid once.
        method: Name of the method that found it, for example "rules".
    """

    rows: int
    cols: int
    cells: tuple[GridCell, ...]
    method: str
