"""Write a table as Word has it: merged cells, a head that is repeated on every page, widths as printed."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from typing import Any

from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from crnn_ocr.document import Cell, Table
from crnn_ocr.export.escaping import clean, xml
from crnn_ocr.export.office.numbers import value_of
from crnn_ocr.export.office.word_package import element
from crnn_ocr.export.web.tables import head_rows
from crnn_ocr.layout.blocks.joining import join_lines

#: Columns that Word takes (Word's operating parameter limitations).
MOST_COLUMNS = 63
_TWIPS_PER_EMU = 1 / 635
#: Least width of a column in twentieths of a point, so that one character fits.
_NARROWEST = 300
_NO_SPACE = '<w:spacing w:before="0" w:after="0"/>'
_BEGINS, _RIGHT = '<w:vMerge w:val="restart"/>', '<w:jc w:val="right"/>'
_SIGNS = {"\n": "<w:br/>", "\r": "<w:br/>", "\t": "<w:tab/>"}


def table_element(table: Table, width: int, rotation: int = 0) -> Any:
    """Return a table with at most `MOST_COLUMNS` columns.

    Args:
        table: The grid.
        width: Its width in English Metric Units.
        rotation: Clockwise rotation in degrees that makes its page upright.
    """
    widths = column_widths(table, round(width * _TWIPS_PER_EMU), rotation)
    made = element("w:tbl")
    made.append(_properties(sum(widths)))
    grid = element("w:tblGrid")
    for each in widths:
        grid.append(element("w:gridCol", w=each))
    made.append(grid)
    heads = head_rows(table)
    for row, cells in enumerate(_by_rows(table)):
        made.append(_row(cells, row, widths, head=row < heads))
    return made


def column_widths(table: Table, width: int, rotation: int = 0) -> list[int]:
    """Return the widths of the columns in proportion to those on the page.

    Args:
        table: The grid.
        width: Width of the table, in any unit.
        rotation: Clockwise rotation in degrees that makes its page upright.

    Returns:
        Widths in the same unit; their sum is `width` unless columns would be too narrow for a character.
    """
    across = 1 if rotation % 180 else 0
    printed: list[list[float]] = [[] for _ in range(table.cols)]
    for cell in table.cells:
        if cell.col_span == 1:
            places = [corner[across] for corner in cell.polygon]
            printed[cell.col].append(max(places) - min(places))
    usual = [statistics.median(own) if own else 0.0 for own in printed]
    known = [each for each in usual if each > 0]
    mean = statistics.fmean(known) if known else 1.0
    shares = [each if each > 0 else mean for each in usual]
    total = sum(shares)
    return [max(round(width * share / total), _NARROWEST) for share in shares]


def _properties(width: int) -> Any:
    made = element("w:tblPr")
    made.append(element("w:tblStyle", val="TableGrid"))
    made.append(element("w:tblW", w=width, type="dxa"))
    made.append(element("w:tblLayout", type="fixed"))
    return made


def _by_rows(table: Table) -> list[list[Cell]]:
    """Return for every row the cells that cover it, those from rows above included."""
    rows: list[list[Cell]] = [[] for _ in range(table.rows)]
    for cell in table.cells:
        for row in range(cell.row, min(cell.row + cell.row_span, table.rows)):
            rows[row].append(cell)
    return [sorted(cells, key=lambda cell: cell.col) for cells in rows]


def _row(cells: Sequence[Cell], row: int, widths: Sequence[int], *, head: bool) -> Any:
    """Return a row. It is written as text and parsed: making every element by itself takes far longer."""
    places = (_rest_of(cell) if cell.row < row else _first_of(cell, widths, head=head) for cell in cells)
    return parse_xml(
        f"<w:tr {nsdecls('w')}><w:trPr><w:cantSplit/>{'<w:tblHeader/>' if head else ''}</w:trPr>"
        f"{''.join(places)}</w:tr>"
    )


def _first_of(cell: Cell, widths: Sequence[int], *, head: bool) -> str:
    """Return a cell in its first row, with its text."""
    text = clean(join_lines(cell.lines))
    right = not head and (value_of(text) or value_of(text, ",")) is not None
    content = f"<w:r>{'<w:rPr><w:b/></w:rPr>' if head else ''}{_run(text)}</w:r>" if text else ""
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{sum(widths[cell.col : cell.col + cell.col_span])}" w:type="dxa"/>'
        f"{_across(cell)}{_BEGINS if cell.row_span > 1 else ''}</w:tcPr>"
        f"<w:p><w:pPr>{_NO_SPACE}{_RIGHT if right else ''}</w:pPr>{content}</w:p></w:tc>"
    )


def _rest_of(cell: Cell) -> str:
    """Return a cell in a further row that it covers.

    It has only what Word demands there, because a file may have many: its columns, that it goes on (which
    `vMerge` says without a value, ECMA-376, part 1, 17.4.84), and a paragraph. Its width comes from the grid.
    """
    return f"<w:tc><w:tcPr>{_across(cell)}<w:vMerge/></w:tcPr><w:p><w:pPr>{_NO_SPACE}</w:pPr></w:p></w:tc>"


def _across(cell: Cell) -> str:
    return f'<w:gridSpan w:val="{cell.col_span}"/>' if cell.col_span > 1 else ""


def _run(text: str) -> str:
    """Return a text as the content of a run; line feeds become line breaks."""
    return "".join(
        _SIGNS.get(part) or f'<w:t xml:space="preserve">{xml(part)}</w:t>'
        for part in re.split(r"([\n\r\t])", text)
        if part
    )
