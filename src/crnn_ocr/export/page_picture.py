"""Get the picture of a page for a file that can do without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from crnn_ocr.document import Page
from crnn_ocr.errors import ImageDecodeError, ImageTooLargeError

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
