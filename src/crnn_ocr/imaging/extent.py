"""How large a picture or document is, told by its headers alone: for those who have to plan ahead."""

from __future__ import annotations

from crnn_ocr.imaging.formats import Format, sniff
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.pdf.pages import PdfPages, pdf_page_sizes
from crnn_ocr.imaging.raster.decoder import raster_extents
from crnn_ocr.imaging.raster.footprint import Extent
from crnn_ocr.scheduling.ticket import Ticket

#: PDFium's bitmap in its own process, and the copy of it.
_PDF_BYTES = 6


def page_extents(
    data: bytes, limits: Limits, *, pdf_dpi: int = 200, ticket: Ticket | None = None
) -> list[Extent]:
    """Read how large all pages are without decoding any.

    Args:
        data: The whole file.
        limits: Bounds the pages that are looked at, and the pixels of a PDF page.
        pdf_dpi: Resolution at which PDF pages will be drawn.
        ticket: Until when it is wanted, as opening a PDF may take long; always, when None.

    Returns:
        One extent per page; at most `limits.max_pages` of them.

    Raises:
        OcrError: The header cannot be read. That all is well here does not mean that it can be decoded.
    """
    name = sniff(data)
    if name is Format.PDF:
        return _pdf_extents(pdf_page_sizes(data, limits, dpi=pdf_dpi, ticket=ticket))
    return raster_extents(data, name, limits)


def extents_of(pages: PdfPages) -> list[Extent]:
    """The same of a PDF that is open already."""
    return _pdf_extents(pages.sizes())


def page_sizes(
    data: bytes, limits: Limits, *, pdf_dpi: int = 200, ticket: Ticket | None = None
) -> list[tuple[int, int]]:
    """Width and height in pixels of all pages; otherwise as `page_extents`."""
    extents = page_extents(data, limits, pdf_dpi=pdf_dpi, ticket=ticket)
    return [(page.width, page.height) for page in extents]


def _pdf_extents(sizes: list[tuple[int, int]]) -> list[Extent]:
    return [Extent(width, height, _PDF_BYTES * width * height) for width, height in sizes]
