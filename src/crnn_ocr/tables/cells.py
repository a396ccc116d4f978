"""Puts the lines of a table into the cells of its grid; lines that cross a border are divided."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from crnn_ocr.document import Cell, Line, Polygon, Table
from crnn_ocr.imaging.polygons import bounds, corners
from crnn_ocr.tables.grid import Box, Grid
from crnn_ocr.tables.grids.placing import places_of
from crnn_ocr.tables.words import Word, words_of


@dataclass(frozen=True, slots=True)
class Part:
    """A run of words of one line that lie in one cell.

    Attributes:
        cell: Number of the cell.
        line: Number of the line.
        first: Its first character in the text of the line.
        end: The character after its last one.
    """

    cell: int
    line: int
    first: int
    end: int


def parts_of(grid: Grid, words: Sequence[Word]) -> list[Part]:
    """Return which words lie in which cell; words of a line that follow one another stay together."""
    parts: list[Part] = []
    cells = places_of(grid, [word.box for word in words]).cells
    for word, cell in zip(words, cells.tolist(), strict=True):
        last = parts[-1] if parts else None
        if last is not None and last.line == word.line and last.cell == cell:
            parts[-1] = replace(last, end=word.end)
        else:
            parts.append(Part(cell, word.line, word.first, word.end))
    return parts


def fill(grid: Grid, lines: Sequence[Line], words: Sequence[Word] | None = None) -> Table:
    """Return the table with its lines in its cells.

    Args:
        grid: Its grid.
        lines: Its lines. Each one goes to the cell that holds most of it; one that crosses a border is
            divided between words. Only the white space at which a line is divided is left out.
        words: The words of the lines, if they are known.
    """
    held: dict[int, list[Line]] = {}
    by_line: dict[int, list[Part]] = {}
    for part in parts_of(grid, words_of(lines) if words is None else words):
        by_line.setdefault(part.line, []).append(part)
    for number, line in enumerate(lines):
        found = by_line.get(number) or [_whole(grid, number, line)]
        for part in found:
            whole = len(found) == 1
            held.setdefault(part.cell, []).append(line if whole else cut(line, part.first, part.end))
    cells = tuple(
        Cell(
            cell.row,
            cell.col,
            cell.row_span,
            cell.col_span,
            tuple(_in_order(held.get(index, []))),
            corners(cell.box),
        )
        for index, cell in enumerate(grid.cells)
    )
    return Table(grid.rows, grid.cols, cells)


def _whole(grid: Grid, number: int, line: Line) -> Part:
    cell = int(places_of(grid, [bounds(line.polygon)]).cells[0])
    return Part(cell, number, 0, len(line.text))


def cut(line: Line, first: int, end: int) -> Line:
    """Return a part of a line, by the places of its characters.

    Args:
        line: The line.
        first: The first character of the part in its text.
        end: The character after the last one.
    """
    count = max(1, len(line.text))
    if len(line.chars) == len(line.text):
        chars = line.chars[first:end]
        seen = [char.confidence for char in chars if not char.text.isspace()]
        corners = chars[0].polygon, chars[-1].polygon
        if _runs_down(line.polygon):
            polygon = (corners[0][0], corners[0][1], corners[1][2], corners[1][3])
        else:
            polygon = (corners[0][0], corners[1][1], corners[1][2], corners[0][3])
        return Line(line.text[first:end], math.prod(seen) if seen else line.confidence, polygon, chars)
    return Line(line.text[first:end], line.confidence, _share(line.polygon, first / count, end / count))


def _runs_down(polygon: Polygon) -> bool:
    left, top, right, bottom = bounds(polygon)
    return bottom - top > 1.5 * (right - left)


def _share(polygon: Polygon, start: float, end: float) -> Polygon:
    """Return the part of a polygon from one share of its length to another."""

    def between(a: tuple[float, float], b: tuple[float, float], share: float) -> tuple[float, float]:
        return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share

    a, b, c, d = polygon
    if _runs_down(polygon):
        return between(a, d, start), between(b, c, start), between(b, c, end), between(a, d, end)
    return between(a, b, start), between(a, b, end), between(d, c, end), between(d, c, start)


def _in_order(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of a cell row by row: those share one whose middles are close together."""
    rows: list[list[tuple[Box, Line]]] = []
    boxed = [(bounds(line.polygon), line) for line in lines]
    for box, line in sorted(boxed, key=lambda entry: (entry[0][1] + entry[0][3], entry[0][0], entry[1].text)):
        if rows:
            other = rows[-1][0][0]
            near = min(box[3] - box[1], other[3] - other[1]) / 2
            if abs((box[1] + box[3]) - (other[1] + other[3])) / 2 < near:
                rows[-1].append((box, line))
                continue
        rows.append([(box, line)])
    return [line for row in rows for _, line in sorted(row, key=lambda entry: (entry[0][0], entry[0][1]))]
