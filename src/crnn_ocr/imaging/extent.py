"""How large a picture or document is, told by its headers alone: for those who have to plan ahead."""

from __future__ import annotations

from crnn_ocr.imaging.formats import Format, sniff
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.pdf import pdf_page_sizes
from crnn_ocr.imaging.raster import raster_page_sizes


def page_sizes(data: bytes, limits: Limits, *, pdf_dpi: int = 200) -> list[tuple[int, int]]:
    """Read the sizes of all pages without decoding any.

    Args:
        data: The whole file.
        limits: Bounds the pages that are looked at, and the pixels of a PDF page.
        pdf_dpi: Resolution at which PDF pages will be drawn.

    Returns:
        Width and height in pixels, per page; at most `limits.max_pages` of them.

    Raises:
        OcrError: The header cannot be read. That all is well here does not mean that it can be decoded.
    """
    name = sniff(data)
    if name is Format.PDF:
        return pdf_page_sizes(data, limits, dpi=pdf_dpi)
    return raster_page_sizes(data, name, limits)
