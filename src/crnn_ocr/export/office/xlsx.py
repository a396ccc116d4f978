"""Write the tables of a document as an Excel workbook, one sheet each, and its other text on a last sheet.

Texts are written as texts: nothing becomes a formula or a link, whatever it begins with.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import xlsxwriter

from crnn_ocr.document import Document, block_id
from crnn_ocr.export import WriteOptions
from crnn_ocr.export.escaping import clean
from crnn_ocr.export.kinds import KINDS
from crnn_ocr.export.office.sheets import CERTAIN, MOST_CHARACTERS, Sheet, SheetCell, display_width, sheets

#: The same in every file, so that equal documents give equal bytes.
_CREATED = dt.datetime(2000, 1, 1)
#: Rows of a sheet (Excel specifications and limits).
_MOST_ROWS = 1_048_576
_WIDEST_TEXT = 100
#: Fill of cells that were read with low confidence, and of heads.
_DOUBTFUL, _HEAD = "#FFF2CC", "#F2F2F2"
#: A spreadsheet shows such texts as they are, but makes them formulas when somebody edits their cells.
_FORMULA = tuple("=+-@")


@dataclass(frozen=True, slots=True)
class _Look:
    """How a cell looks; cells that look alike share a format of the workbook."""

    form: str | None = None
    head: bool = False
    doubtful: bool = False
    wrapped: bool = False
    merged: bool = False
    quoted: bool = False


def to_xlsx(document: Document, how: WriteOptions) -> bytes:
    """Write a document as an Excel workbook.

    Args:
        document: What was read.
        how: Ignored; all formats have the same options.

    Returns:
        The file; the same for the same document.
    """
    content = io.BytesIO()
    safe = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(content, {"in_memory": True, **safe}) as book:
        book.set_properties({"created": _CREATED})
        formats = _Formats(book)
        several = len(document.pages) > 1
        for number, sheet in enumerate(sheets(document), start=1):
            _add_table(book.add_worksheet(_name(number, sheet, several)), sheet, formats)
        _add_text(book.add_worksheet("Text"), document, formats)
    return content.getvalue()


class _Formats:
    """The formats of a workbook, made once each."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[_Look, Any] = {}

    def of(self, look: _Look) -> Any:
        if look not in self._made:
            properties: dict[str, Any] = {"valign": "vcenter", "text_wrap": look.wrapped}
            if look.form is not None:
                properties["num_format"] = look.form
            if look.head:
                properties |= {"bold": True, "bg_color": _HEAD, "bottom": 1}
            if look.doubtful:
                properties["bg_color"] = _DOUBTFUL
            if look.head and look.merged:
                properties["align"] = "center"
            if look.quoted:
                properties["quote_prefix"] = True
            self._made[look] = self._book.add_format(properties)
        return self._made[look]


def _name(number: int, sheet: Sheet, several: bool) -> str:
    """Return the name of a table's sheet: at most 31 characters, without brackets that Excel forbids."""
    if not several:
        return f"Table {number}"
    first, last = sheet.pages[0], sheet.pages[-1]
    pages = f"page {first}" if first == last else f"pages {first}-{last}"
    return f"Table {number} ({pages})"[:31]


def _add_table(target: Any, sheet: Sheet, formats: _Formats) -> None:
    for col, width in enumerate(sheet.widths):
        target.set_column(col, col, width)
    if sheet.head_rows:
        target.freeze_panes(sheet.head_rows, 0)
    for cell in sheet.cells:
        look = _look(cell, sheet.widths)
        if look.merged:
            target.merge_range(cell.row, cell.col, cell.last_row, cell.last_col, "", formats.of(look))
        _write(target, cell, formats.of(look))


def _look(cell: SheetCell, widths: tuple[int, ...]) -> _Look:
    room = sum(widths[cell.col : cell.last_col + 1])
    return _Look(
        form=None if cell.value is None else cell.value.form,
        head=cell.head,
        doubtful=cell.doubtful,
        wrapped=cell.value is None and ("\n" in cell.text or display_width(cell.text) > room),
        merged=(cell.row, cell.col) != (cell.last_row, cell.last_col),
        quoted=cell.value is None and cell.text.startswith(_FORMULA),
    )


def _write(target: Any, cell: SheetCell, form: Any) -> None:
    if cell.value is None:
        if cell.text:
            target.write_string(cell.row, cell.col, cell.text, form)
        else:
            target.write_blank(cell.row, cell.col, None, form)
    elif isinstance(cell.value.content, dt.date):
        target.write_datetime(cell.row, cell.col, cell.value.content, form)
    else:
        target.write_number(cell.row, cell.col, cell.value.content, form)


def _add_text(target: Any, document: Document, formats: _Formats) -> None:
    """Write every line outside of tables into a row."""
    titles = ("Page", "Block", "Kind", "Text")
    for col, title in enumerate(titles):
        target.write_string(0, col, title, formats.of(_Look(head=True)))
    target.freeze_panes(1, 0)
    widest = max(map(display_width, titles))
    row = 0
    for row, (page, block, kind, text, doubtful) in enumerate(_lines(document), start=1):
        if row >= _MOST_ROWS:
            break
        plain = formats.of(_Look())
        target.write_number(row, 0, page, plain)
        target.write_string(row, 1, block, plain)
        target.write_string(row, 2, kind, plain)
        look = _Look(doubtful=doubtful, quoted=text.startswith(_FORMULA))
        target.write_string(row, 3, text, formats.of(look))
        widest = max(widest, display_width(text))
    if row:
        target.autofilter(0, 0, min(row, _MOST_ROWS - 1), len(titles) - 1)
    for col, width in enumerate((6, 10, 13, min(widest + 2, _WIDEST_TEXT))):
        target.set_column(col, col, width)


def _lines(document: Document) -> Iterator[tuple[int, str, str, str, bool]]:
    for page in document.pages:
        for index, block in enumerate(page.blocks):
            if block.table is not None:
                continue
            for line in block.lines:
                yield (
                    page.number,
                    block_id(page.number, index),
                    KINDS[block.kind].title,
                    clean(line.text)[:MOST_CHARACTERS],
                    line.confidence < CERTAIN,
                )
