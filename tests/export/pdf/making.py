"""Documents and PDFs for the tests of searchable PDFs."""

from __future__ import annotations

import io
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from crnn_ocr.document import Block, Document, Line, Page, Polygon


def box(left: float, top: float, right: float, bottom: float) -> Polygon:
    return (left, top), (right, top), (right, bottom), (left, bottom)


def line(text: str, left: float, top: float, width: float = 0, height: float = 20) -> Line:
    width = width or sum(1.0 if ord(char) > 0x2000 else 0.5 for char in text) * height
    return Line(text, 0.9, box(left, top, left + width, top + height))


def page(*lines: Line, number: int = 1, width: int = 600, height: int = 800, **other: Any) -> Page:
    return Page(width, height, (Block(lines),) if lines else (), number=number, **other)


def document(*pages: Page) -> Document:
    return Document(pages, "test/1")


def pdf_of(
    count: int = 1, *, media: tuple[float, ...] = (0, 0, 300, 400), **entries: Any
) -> tuple[pikepdf.Pdf, bytes]:
    """A PDF of grey pages with a picture each; `entries` go into every page."""
    pdf = pikepdf.Pdf.new()
    for number in range(count):
        picture = Stream(pdf, bytes([number % 256, 200, 100, 50]))
        picture.stream_dict = Dictionary(
            Type=Name.XObject, Subtype=Name.Image, Width=2, Height=2,
            ColorSpace=Name.DeviceGray, BitsPerComponent=8,
        )  # fmt: skip
        content = (
            b"0.9 g 0 0 9999 9999 re f q 20 0 0 20 50 50 cm /Im Do Q q 2 0 0 2 0 0 cm"  # a `Q` is missing
        )
        made = Dictionary(
            Type=Name.Page,
            MediaBox=Array(media),
            Contents=Stream(pdf, content),
            Resources=Dictionary(XObject=Dictionary(Im=pdf.make_indirect(picture))),
            **entries,
        )
        pdf.pages.append(pikepdf.Page(pdf.make_indirect(made)))
    return pdf, saved(pdf)


def saved(pdf: pikepdf.Pdf, **how: Any) -> bytes:
    content = io.BytesIO()
    pdf.save(content, static_id=True, **how)
    return content.getvalue()
