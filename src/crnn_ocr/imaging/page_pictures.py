"""Draws the pages of a document once more, for formats that show them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Self

from crnn_ocr.imaging.opened import OpenedDocument
from crnn_ocr.pixels import Pixels


class PagePictures:
    """The pictures of a document's pages, of which one is in memory at a time.

    The document is opened at the first call. Calls with growing numbers draw every page once.
    """

    def __init__(
        self,
        open_again: Callable[[], OpenedDocument],
        *,
        admit: Callable[[OpenedDocument], AbstractContextManager[None]] = lambda document: nullcontext(),
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            open_again: Opens the document.
            admit: Returns a context that holds room for the work, or raises; see `OCR.read`.
        """
        self._open_again = open_again
        self._admit = admit
        self._held = ExitStack()
        self._document: OpenedDocument | None = None
        self._number = 0
        self._picture: Pixels | None = None

    def __call__(self, number: int) -> Pixels:
        """Return the picture of a page as (H, W) grey or (H, W, 3) BGR, uint8.

        Args:
            number: Number of the page in the input, from 1.

        Raises:
            OcrError: The document cannot be opened or drawn, or there is no room for it.
            IndexError: It was opened without such a page.
        """
        if self._picture is not None and number == self._number:
            return self._picture
        if self._document is None or number < self._number:
            self.close()
            self._document = self._held.enter_context(self._open_again())
            self._held.enter_context(self._admit(self._document))
        if number not in self._document.numbers:
            raise IndexError(f"the document has no page {number}")
        self._picture = None  # the memory of one page is enough
        place = self._document.numbers.index(number)
        self._document.choose(range(place, len(self._document.numbers)))
        self._picture, self._number = self._document.draw_next(), number
        return self._picture

    def close(self) -> None:
        """Close the document and forget the picture; a later call opens it again."""
        self._held.close()
        self._document, self._picture, self._number = None, None, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
