"""Write a table as Word has it: merged cells, a head that is repeated on every page, widths as printed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from crnn_ocr.document import Cell, Table
from crnn_ocr.export.escaping import clean
from crnn_ocr.export.office.numbers import value_of
from crnn_ocr.export.office.word_package import element
from crnn_ocr.export.web.tables import head_rows
from crnn_ocr.layout.blocks.joining import join_lines

#: Columns that Word takes (Word's operating parameter limitations).
MOST_COLUMNS = 63
_TWIPS_PER_EMU = 1 / 635
#: Least width of a column in twentieths of a point, so that one character fits.
_NARROWEST = 300


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
    made = element("w:tr")
    properties = element("w:trPr")
    properties.append(element("w:cantSplit"))
    if head:
        properties.append(element("w:tblHeader"))
    made.append(properties)
    for cell in cells:
        place = element("w:tc")
        shape = element("w:tcPr")
        shape.append(element("w:tcW", w=sum(widths[cell.col : cell.col + cell.col_span]), type="dxa"))
        if cell.col_span > 1:
            shape.append(element("w:gridSpan", val=cell.col_span))
        if cell.row_span > 1:
            shape.append(element("w:vMerge", val="restart" if cell.row == row else "continue"))
        place.append(shape)
        text = clean(join_lines(cell.lines)) if cell.row == row else ""
        is_value = value_of(text) or value_of(text, ",")
        place.append(_paragraph(text, bold=head, right=is_value is not None and not head))
        made.append(place)
    return made


def _paragraph(text: str, *, bold: bool, right: bool) -> Any:
    made = element("w:p")
    properties = element("w:pPr")
    properties.append(element("w:spacing", before=0, after=0))
    if right:
        properties.append(element("w:jc", val="right"))
    made.append(properties)
    if text:
        run = element("w:r")
        if bold:
            look = element("w:rPr")
            look.append(element("w:b"))
            run.append(look)
        run.text = text  # line feeds become line breaks
        made.append(run)
    return made
