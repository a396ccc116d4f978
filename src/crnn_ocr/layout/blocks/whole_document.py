"""Decide what only the whole document tells: levels of headings, headers and footers, continued tables."""

from __future__ import annotations

from collections.abc import Sequence

from crnn_ocr.document import Page


def refine_pages(pages: Sequence[Page]) -> tuple[Page, ...]:
    """Return the pages with levels of headings, headers, footers, page numbers and continued tables.

    Args:
        pages: Pages with typed blocks, as `arrange_blocks` leaves them.
    """
    return tuple(pages)
