"""Get the picture of a page, or a part of it, for a file that can do without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from crnn_ocr.document import Block, Page
from crnn_ocr.errors import ImageDecodeError, ImageTooLargeError
from crnn_ocr.export.places import box_of, polygons_of

if TYPE_CHECKING:
    from crnn_ocr.pixels import Pixels


def page_picture(page: Page, picture: Callable[[int], Pixels] | None) -> Pixels | None:
    """Return the picture of a page; None if it is not known or cannot be drawn, which costs the page no text.

    Raises:
        OcrError: The work has to end, for example because its time is up.
    """
    if picture is None:
        return None
    try:
        return picture(page.number)
    except (ImageDecodeError, ImageTooLargeError, IndexError):
        return None


def figure_picture(block: Block, page: Page, picture: Callable[[int], Pixels] | None) -> Pixels | None:
    """Return the part of a page's picture that shows a block, not turned; None if there is none."""
    places = polygons_of(block)
    drawn = page_picture(page, picture) if places else None
    if drawn is None:
        return None
    box = box_of(page, *places)
    part = drawn[box.top : box.bottom, box.left : box.right]
    return part if part.size else None
