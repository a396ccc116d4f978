"""How large a picture or document is, told by its headers alone: for those who have to plan ahead."""

from __future__ import annotations

from crnn_ocr.imaging.footprint import Extent
from crnn_ocr.imaging.formats import Format, sniff
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.pdf import pdf_page_sizes
from crnn_ocr.imaging.raster import raster_extents

#: PDFium's bitmap, and the copy of it.
_PDF_BYTES = 6


def page_extents(data: bytes, limits: Limits, *, pdf_dpi: int = 200) -> list[Extent]:
    """Read how large all pages are without decoding any.

    Args:
        data: The whole file.
        limits: Bounds the pages that are looked at, and the pixels of a PDF page.
        pdf_dpi: Resolution at which PDF pages will be drawn.

    Returns:
        One extent per page; at most `limits.max_pages` of them.

    Raises:
        OcrError: The header cannot be read. That all is well here does not mean that it can be decoded.
    """
    name = sniff(data)
    if name is Format.PDF:
        sizes = pdf_page_sizes(data, limits, dpi=pdf_dpi)
        return [Extent(width, height, _PDF_BYTES * width * height) for width, height in sizes]
    return raster_extents(data, name, limits)


def page_sizes(data: bytes, limits: Limits, *, pdf_dpi: int = 200) -> list[tuple[int, int]]:
    """Width and height in pixels of all pages; otherwise as `page_extents`."""
    return [(page.width, page.height) for page in page_extents(data, limits, pdf_dpi=pdf_dpi)]
