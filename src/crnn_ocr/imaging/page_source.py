"""Defines how the pages of any input are reached, and which of them are wanted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crnn_ocr.imaging.page_ranges import ALL_PAGES, PageRanges
from crnn_ocr.imaging.pdf.page_text import PageText, UseOfText
from crnn_ocr.imaging.raster.footprint import Extent
from crnn_ocr.pixels import Pixels


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of an input.

    Attributes:
        pages: Numbers of the pages.
        text: Whether the text that pages of a PDF hold may be taken instead of their pictures.
        password: Password of an encrypted PDF; empty: none.
    """

    pages: PageRanges = ALL_PAGES
    text: UseOfText = "force"
    password: str = ""

    def __repr__(self) -> str:
        """Return the wishes without the password."""
        return f"Wanted(pages={self.pages.text!r}, text={self.text!r})"


#: All pages, as pictures.
EVERY_PICTURE = Wanted()


class PageSource(Iterator[Pixels], ABC):
    """The wanted pages of an input, to be used by one thread at a time.

    Pages are reached by their places among the wanted ones, from 0. An error of one page leaves the others
    readable. As an iterator it gives the pictures of all pages, and ends with the first error.

    Attributes:
        numbers: Number of each page in the input, from 1.
        total: Number of all pages of the input, wanted or not; None where nobody has counted them.
    """

    numbers: tuple[int, ...] = ()
    total: int | None = None
    _next = 0

    @property
    @abstractmethod
    def extents(self) -> Sequence[Extent]:
        """Size and memory of each page according to the headers.

        Raises:
            OcrError: A page's header is not valid.
        """

    @abstractmethod
    def draw(self, place: int) -> Pixels:
        """Decode a page, (H, W) grey or (H, W, 3) BGR, uint8; nothing else keeps a reference to it.

        Raises:
            OcrError: The page cannot be decoded.
        """

    def text(self, place: int) -> PageText | None:
        """Return the text that a page holds; None if its picture has to be read.

        Raises:
            OcrError: The page is damaged.
        """
        return None

    def dpi(self, place: int) -> float | None:
        """Return the pixels per inch at which a page of a PDF was drawn; None for pictures."""
        return None

    def close(self) -> None:
        """Release the file; no more pages can be decoded."""
        self._next = len(self.numbers)

    def __next__(self) -> Pixels:
        """Decode the next page."""
        place = self._next
        if place >= len(self.numbers):
            raise StopIteration
        self._next += 1
        try:
            return self.draw(place)
        except BaseException:
            self.close()
            raise
        finally:
            if self._next >= len(self.numbers):
                self.close()
