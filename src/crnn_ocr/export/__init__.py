"""Writes a Document in every output format. Pure functions.

A new format needs a module with one function, and an entry in `FORMATS`. The command line, the REST API and
the page offer every format in `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from crnn_ocr.document import Document
from crnn_ocr.export.extras import require
from crnn_ocr.export.json import to_dict, to_json
from crnn_ocr.export.ocr_xml.alto import to_alto
from crnn_ocr.export.ocr_xml.hocr import to_hocr
from crnn_ocr.export.ocr_xml.page_xml import page_xml_files, to_page_xml
from crnn_ocr.export.text import to_text
from crnn_ocr.export.text_formats.csv import csv_files, to_csv
from crnn_ocr.export.text_formats.markdown import to_markdown
from crnn_ocr.export.text_formats.tsv import to_tsv
from crnn_ocr.export.web.annotated import PictureKind, annotated_files, to_annotated
from crnn_ocr.export.web.html import to_html
from crnn_ocr.export.web.report import to_report
from crnn_ocr.export.web.svg import to_svg

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
        password: Password of the input, where it is an encrypted PDF.
        name: File name of the input, for formats that name the picture of their pages or have a title; None
            where it is not known.
    """

    source: str | None = None
    chars: bool = False
    original: Callable[[], bytes] | None = None
    picture: Callable[[int], Pixels] | None = None
    name: str | None = None
    password: str = field(default="", repr=False)

    @property
    def title(self) -> str | None:
        """The best name of the input that there is."""
        return self.name if self.source is None else self.source


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
        needs_chars: Whether it writes places or confidences of words or characters, which the document tells
            only where its lines have their characters.
        write_parts: Turns a document into several files, for example one per table: the names of the parts,
            which go between the document's name and the suffix, and their contents. None where `write` gives
            all there is. `export.files` chooses between the two.
    """

    write: Callable[[Document, WriteOptions], str | bytes]
    suffix: str
    media_type: str
    title: str
    headed: bool = False
    layout: Literal["lines", "blocks"] = "lines"
    appendable: bool = True
    needs_original: bool = False
    needs_chars: bool = False
    write_parts: Callable[[Document, WriteOptions], list[tuple[str, bytes]]] | None = None


# The writers below need extras and load much, so they are imported on first use.


def _xlsx(document: Document, how: WriteOptions) -> bytes:
    require("xlsxwriter", "office", "Excel files")
    from crnn_ocr.export.office.xlsx import to_xlsx

    return to_xlsx(document, how)


def _docx(document: Document, how: WriteOptions) -> bytes:
    require("docx", "office", "Word files")
    from crnn_ocr.export.office.word import to_docx

    return to_docx(document, how)


def _pdf(document: Document, how: WriteOptions) -> bytes:
    require("pikepdf", "pdf", "searchable PDFs")
    from crnn_ocr.export.pdf.writer import to_pdf

    return to_pdf(document, how)


def _annotated(kind: PictureKind, title: str) -> Writer:
    return Writer(
        lambda document, how: to_annotated(document, kind, picture=how.picture),
        f".annotated.{kind}",
        f"image/{kind}",
        title,
        layout="blocks",
        appendable=False,
        needs_original=True,
        write_parts=lambda document, how: annotated_files(document, kind, picture=how.picture),
    )


#: Every output format by name.
FORMATS: dict[str, Writer] = {
    "text": Writer(
        lambda document, how: to_text(document, source=how.source),
        ".txt",
        "text/plain; charset=utf-8",
        "Plain text",
        headed=True,
    ),
    "markdown": Writer(
        lambda document, how: to_markdown(document, picture=how.picture),
        ".md",
        "text/markdown; charset=utf-8",
        "Markdown",
        layout="blocks",
    ),
    "html": Writer(
        lambda document, how: to_html(document, source=how.title, picture=how.picture),
        ".html",
        "text/html; charset=utf-8",
        "HTML",
        layout="blocks",
        appendable=False,
    ),
    "csv": Writer(
        lambda document, how: to_csv(document),
        ".csv",
        "text/csv; charset=utf-8",
        "Tables (CSV)",
        layout="blocks",
        appendable=False,
        write_parts=lambda document, how: csv_files(document),
    ),
    "tsv": Writer(
        lambda document, how: to_tsv(document),
        ".tsv",
        "text/tab-separated-values; charset=utf-8",
        "Words with places (TSV)",
        layout="blocks",
        appendable=False,
        needs_chars=True,
    ),
    "hocr": Writer(
        lambda document, how: to_hocr(document, source=how.title, chars=how.chars),
        ".hocr",
        "text/vnd.hocr+html; charset=utf-8",
        "hOCR",
        layout="blocks",
        appendable=False,
        needs_chars=True,
    ),
    "alto": Writer(
        lambda document, how: to_alto(document, source=how.title, chars=how.chars),
        ".alto.xml",
        "application/alto+xml",
        "ALTO",
        layout="blocks",
        appendable=False,
        needs_chars=True,
    ),
    "page-xml": Writer(
        lambda document, how: to_page_xml(document, source=how.title, chars=how.chars),
        ".page.xml",
        "application/vnd.prima.page+xml",
        "PAGE-XML",
        layout="blocks",
        appendable=False,
        needs_chars=True,
        write_parts=lambda document, how: page_xml_files(document, source=how.title, chars=how.chars),
    ),
    "svg": Writer(
        lambda document, how: to_svg(document, source=how.title, picture=how.picture),
        ".svg",
        "image/svg+xml",
        "Picture with text (SVG)",
        layout="blocks",
        appendable=False,
    ),
    "png": _annotated("png", "Annotated picture (PNG)"),
    "webp": _annotated("webp", "Annotated picture (WebP)"),
    "report": Writer(
        lambda document, how: to_report(document, source=how.title, picture=how.picture),
        ".report.html",
        "text/html; charset=utf-8",
        "Report for checking (HTML)",
        layout="blocks",
        appendable=False,
        needs_chars=True,
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
