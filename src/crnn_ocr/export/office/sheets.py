"""Arrange the tables of a document for spreadsheets: parts on several pages joined, cells with values."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from crnn_ocr.document import Cell, Document, Table, block_id
from crnn_ocr.export.escaping import clean
from crnn_ocr.export.office.numbers import Value, decimal_sign, value_of
from crnn_ocr.export.web.tables import head_rows
from crnn_ocr.layout.blocks.joining import join_lines

#: A cell whose lines are less certain is text, because a wrong digit in a number would go unnoticed.
_SURE = 0.8
#: Cells below this confidence are marked.
CERTAIN = 0.9
#: Width of columns in characters: least, greatest, and the space beside the text.
_NARROWEST, _WIDEST, _SPACE = 4, 60, 2


@dataclass(frozen=True, slots=True)
class SheetCell:
    """A cell as it is written.

    Attributes:
        page: Number of the page on which it stands.
        row: First row, from 0.
        col: First column, from 0.
        last_row: Last row that it covers.
        last_col: Last column that it covers.
        text: Its text, with line feeds between lines; empty for an empty cell. It may be longer than what a
            cell of a spreadsheet holds.
        value: Its number or date; None if it is text.
        head: Whether it names columns.
        doubtful: Whether it was read with low confidence.
    """

    page: int
    row: int
    col: int
    last_row: int
    last_col: int
    text: str
    value: Value | None
    head: bool
    doubtful: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as it is written.

    Attributes:
        pages: Numbers of the pages on which it stands.
        head_rows: Number of rows that name the columns.
        cells: Its cells by row and column.
        widths: Widths of its columns in characters.
    """

    pages: tuple[int, ...]
    head_rows: int
    cells: tuple[SheetCell, ...]
    widths: tuple[int, ...]


def sheets(document: Document) -> list[Sheet]:
    """Return the tables of a document in reading order; a table over several pages is one."""
    joined: list[list[tuple[int, Table]]] = []
    places: dict[str, int] = {}
    for page in document.pages:
        for index, block in enumerate(page.blocks):
            if block.table is None:
                continue
            former = block.table.continues_from
            place = places.get(former, len(joined)) if former is not None else len(joined)
            if place == len(joined):
                joined.append([])
            joined[place].append((page.number, block.table))
            places[block_id(page.number, index)] = place
    return [_sheet(parts) for parts in joined]


def _sheet(parts: Sequence[tuple[int, Table]]) -> Sheet:
    first = parts[0][1]
    heads = head_rows(first)
    cells: list[tuple[int, Cell]] = []
    rows = 0
    for page, table in parts:
        # The head is often repeated on the next page.
        repeated = head_rows(table) == heads and _head(table, heads) == _head(first, heads)
        skipped = heads if rows and repeated else 0
        own = (cell for cell in table.cells if cell.row >= skipped)
        cells += [(page, replace(cell, row=cell.row - skipped + rows)) for cell in own]
        rows += table.rows - skipped
    cols = max(table.cols for _, table in parts)
    texts = {(cell.row, cell.col): clean(join_lines(cell.lines)) for _, cell in cells}
    body = {place: text for place, text in texts.items() if place[0] >= heads}
    usual = decimal_sign(body.values())
    by_column: list[list[str]] = [[] for _ in range(cols)]
    for (_, col), text in body.items():
        by_column[col].append(text)
    signs = [decimal_sign(own, usual) for own in by_column]
    written = []
    for page, cell in cells:
        text = texts[cell.row, cell.col]
        confidence = min((line.confidence for line in cell.lines), default=1.0)
        head = cell.row < heads
        value = None if head or confidence < _SURE else value_of(text, signs[cell.col])
        last_row, last_col = cell.row + cell.row_span - 1, cell.col + cell.col_span - 1
        doubtful = confidence < CERTAIN
        written.append(SheetCell(page, cell.row, cell.col, last_row, last_col, text, value, head, doubtful))
    pages = tuple(dict.fromkeys(page for page, _ in parts))
    return Sheet(pages, heads, tuple(written), tuple(_widths(written, cols)))


def _head(table: Table, count: int) -> list[tuple[int, int, int, int, str]]:
    return [
        (cell.row, cell.col, cell.row_span, cell.col_span, cell.text)
        for cell in table.cells
        if cell.row < count
    ]


def _widths(cells: Iterable[SheetCell], cols: int) -> Iterator[int]:
    longest = [0] * cols
    for cell in cells:
        if cell.col == cell.last_col:
            longest[cell.col] = max(longest[cell.col], *map(display_width, cell.text.split("\n")))
    for each in longest:
        yield min(max(each + _SPACE, _NARROWEST), _WIDEST)


def display_width(text: str) -> int:
    """Return the width of a text in characters of half width."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
