"""Writes the tables of a Document as CSV, after RFC 4180, for spreadsheets.

Files begin with a byte order mark, without which Excel takes UTF-8 for another encoding. Cells that a
spreadsheet would run as a formula are made text: who sends a scan must not be able to send a program.
"""

from __future__ import annotations

import csv
import io
import re

from crnn_ocr.document import Document, Table
from crnn_ocr.export.text import table_rows

#: Signs at which Excel, LibreOffice and Google Sheets begin a formula, of full width as well, after OWASP's
#: page on CSV injection. Cells hold no tab and no carriage return, which that page names too.
_FORMULA = tuple("=+-@＝＋－＠")
#: What begins with such a sign and is a plain number, an amount or a share: -5.00, +3 %, -￥1,200.50.
_NUMBER = re.compile(r"[-+]\s?[¥￥$€£]?\s?(?:\d+|\d{1,3}(?:,\d{3})+)(?:[.,]\d+)?\s?[%％‰]?")
#: A cell that holds nothing but dashes says that there is no value.
_DASHES = re.compile(r"[-－]+")


def to_csv(document: Document) -> bytes:
    """Write all tables into one file, with an empty row between them.

    Returns:
        UTF-8 with a byte order mark, which is all that a document without tables gives.
    """
    return _encoded("\r\n".join(_rows(table) for _, table in _tables(document)))


def csv_files(document: Document) -> list[tuple[str, bytes]]:
    """Write every table into a file of its own.

    Returns:
        Names to be appended to the document's name, such as "table2", and contents; empty without tables.
    """
    return [(f"table{number}", _encoded(_rows(table))) for number, table in _tables(document)]


def neutral(text: str) -> str:
    """Return the text of a cell, behind an apostrophe if a spreadsheet would take it for a formula."""
    harmless = _NUMBER.fullmatch(text) or _DASHES.fullmatch(text)
    return f"'{text}" if text.startswith(_FORMULA) and not harmless else text


def _tables(document: Document) -> list[tuple[int, Table]]:
    tables = [block.table for page in document.pages for block in page.blocks if block.table is not None]
    return list(enumerate(tables, start=1))


def _rows(table: Table) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([neutral(text) for text in row] for row in table_rows(table))
    return out.getvalue()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8-sig")
