"""Writes a Document in every output format. Pure functions.

A new format needs a module with one function, and an entry in `FORMATS`. The command line, the REST API and
the page offer every format in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from crnn_ocr.document import Document
from crnn_ocr.export.extras import require
from crnn_ocr.export.json import to_dict, to_json
from crnn_ocr.export.text import to_text

if TYPE_CHECKING:
    from crnn_ocr.pixels import Pixels

__all__ = ["FORMATS", "WriteOptions", "Writer", "to_dict", "to_json", "to_text"]


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Options of all writers; a format ignores those that it does not support.

    Attributes:
        source: Name of the input, written next to its result; None to leave it out.
        chars: Whether to write single characters with their positions.
        original: The input's bytes, which a searchable PDF is built on; None where they are not known, as for
            a document that a client sends back.
        picture: Returns the picture of the page with that number as (H, W) grey or (H, W, 3) BGR, in the
            pixels of the page's polygons, for figures and overlays; None where pictures are not known.
    """

    source: str | None = None
    chars: bool = False
    original: Callable[[], bytes] | None = None
    picture: Callable[[int], Pixels] | None = None


@dataclass(frozen=True, slots=True)
class Writer:
    """One output format.

    Attributes:
        write: Turns a document into the whole content of a file.
        suffix: File name suffix with its dot.
        media_type: Value of the Content-Type header.
        title: Name for people, for example "Plain text".
        headed: Whether the name of the input is a headline, which is needed only for several results.
        layout: The layout that the format needs where the options leave it open.
        appendable: Whether results of several inputs can be written one after the other into one file.
        needs_original: Whether nothing can be written without the input itself.
    """

    write: Callable[[Document, WriteOptions], str | bytes]
    suffix: str
    media_type: str
    title: str
    headed: bool = False
    layout: Literal["lines", "blocks"] = "lines"
    appendable: bool = True
    needs_original: bool = False


# The writers below need extras and load much, so they are imported on first use.


def _xlsx(document: Document, how: WriteOptions) -> bytes:
    require("xlsxwriter", "office", "Excel files")
    from crnn_ocr.export.office.xlsx import to_xlsx

    return to_xlsx(document, how)


def _docx(document: Document, how: WriteOptions) -> bytes:
    require("docx", "office", "Word files")
    from crnn_ocr.export.office.docx import to_docx

    return to_docx(document, how)


def _pdf(document: Document, how: WriteOptions) -> bytes:
    require("pikepdf", "pdf", "searchable PDFs")
    from crnn_ocr.export.pdf.writer import to_pdf

    return to_pdf(document, how)


#: Every output format by name.
FORMATS: dict[str, Writer] = {
    "text": Writer(
        lambda document, how: to_text(document, source=how.source),
        ".txt",
        "text/plain; charset=utf-8",
        "Plain text",
        headed=True,
    ),
    "json": Writer(
        lambda document, how: to_json(document, source=how.source, chars=how.chars),
        ".json",
        "application/json",
        "JSON",
    ),
    "xlsx": Writer(
        _xlsx,
        ".xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "Excel",
        layout="blocks",
        appendable=False,
    ),
    "docx": Writer(
        _docx,
        ".docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "Word",
        layout="blocks",
        appendable=False,
    ),
    "pdf": Writer(_pdf, ".pdf", "application/pdf", "Searchable PDF", appendable=False, needs_original=True),
}
