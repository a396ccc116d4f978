"""Write the tables of a document as an Excel workbook, one sheet each, and its other text on a last sheet.

What is too large for Excel is on the last sheet as well, which goes on on further ones: cells beyond the rows
and columns of a sheet, and the rest of long texts.

Texts are written as texts: nothing becomes a formula or a link, whatever it begins with.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter

from crnn_ocr.document import Document, block_id
from crnn_ocr.export import WriteOptions
from crnn_ocr.export.escaping import clean
from crnn_ocr.export.kinds import KINDS
from crnn_ocr.export.office.sheets import CERTAIN, Sheet, SheetCell, display_width, sheets

#: The same in every file, so that equal documents give equal bytes.
_CREATED = dt.datetime(2000, 1, 1)
#: Rows and columns of a sheet, and characters of a cell (Excel specifications and limits).
_MOST_ROWS, _MOST_COLUMNS, _MOST_CHARACTERS = 1_048_576, 16_384, 32_767
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
        rest: list[_Row] = []
        for number, sheet in enumerate(sheets(document), start=1):
            _add_table(book.add_worksheet(_name(number, sheet, several)), sheet, formats)
            rest += _too_large(sheet, number)
        rows = [*_lines(document), *rest]
        for start in range(0, len(rows) or 1, _MOST_ROWS - 1):
            name = f"Text {start // (_MOST_ROWS - 1) + 1}" if start else "Text"
            _add_text(book.add_worksheet(name), rows[start : start + _MOST_ROWS - 1], formats)
    return content.getvalue()


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the last sheet: where a text stands, of what kind it is, and whether it is doubtful."""

    page: int
    place: str
    kind: str
    text: str
    doubtful: bool


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
    for col, width in enumerate(sheet.widths[:_MOST_COLUMNS]):
        target.set_column(col, col, width)
    if sheet.head_rows:
        target.freeze_panes(sheet.head_rows, 0)
    for cell in sheet.cells:
        if not _fits(cell):
            continue
        look = _look(cell, sheet.widths)
        if look.merged:
            target.merge_range(cell.row, cell.col, cell.last_row, cell.last_col, "", formats.of(look))
        _write(target, cell, formats.of(look))


def _fits(cell: SheetCell) -> bool:
    """Tell whether a cell lies on a sheet as a whole."""
    return cell.last_row < _MOST_ROWS and cell.last_col < _MOST_COLUMNS


def _too_large(sheet: Sheet, number: int) -> Iterator[_Row]:
    """Yield what the sheet of a table does not hold, with the number of its table, row and column."""
    for cell in sheet.cells:
        place = f"Table {number}, row {cell.row + 1}, column {cell.col + 1}"
        for part in _parts(cell.text)[1 if _fits(cell) else 0 :]:
            if part:
                yield _Row(cell.page, place, KINDS["table"].title, part, cell.doubtful)


def _parts(text: str) -> list[str]:
    """Return the parts of a text that a cell holds each."""
    return [text[at : at + _MOST_CHARACTERS] for at in range(0, len(text) or 1, _MOST_CHARACTERS)]


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
            target.write_string(cell.row, cell.col, cell.text[:_MOST_CHARACTERS], form)
        else:
            target.write_blank(cell.row, cell.col, None, form)
    elif isinstance(cell.value.content, dt.date):
        target.write_datetime(cell.row, cell.col, cell.value.content, form)
    else:
        target.write_number(cell.row, cell.col, cell.value.content, form)


def _add_text(target: Any, rows: Sequence[_Row], formats: _Formats) -> None:
    """Write a sheet with a row for each text; there are fewer than a sheet has rows."""
    titles = ("Page", "Block", "Kind", "Text")
    for col, title in enumerate(titles):
        target.write_string(0, col, title, formats.of(_Look(head=True)))
    target.freeze_panes(1, 0)
    widest = max(map(display_width, titles))
    plain = formats.of(_Look())
    for at, row in enumerate(rows, start=1):
        target.write_number(at, 0, row.page, plain)
        target.write_string(at, 1, row.place, plain)
        target.write_string(at, 2, row.kind, plain)
        look = _Look(doubtful=row.doubtful, quoted=row.text.startswith(_FORMULA))
        target.write_string(at, 3, row.text, formats.of(look))
        widest = max(widest, display_width(row.text))
    if rows:
        target.autofilter(0, 0, len(rows), len(titles) - 1)
    for col, width in enumerate((6, 10, 13, min(widest + 2, _WIDEST_TEXT))):
        target.set_column(col, col, width)


def _lines(document: Document) -> Iterator[_Row]:
    """Yield every line outside of tables; a long one in parts."""
    for page in document.pages:
        for index, block in enumerate(page.blocks):
            if block.table is not None:
                continue
            place, kind = block_id(page.number, index), KINDS[block.kind].title
            for line in block.lines:
                for part in _parts(clean(line.text)):
                    yield _Row(page.number, place, kind, part, line.confidence < CERTAIN)
