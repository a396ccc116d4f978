"""Reads single pages of a document that stays open, in any order, as background jobs need them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

from crnn_ocr.document import Document, Page
from crnn_ocr.engine.text_pages import PAGE_ERRORS
from crnn_ocr.errors import OcrError
from crnn_ocr.imaging.opened import OpenedDocument
from crnn_ocr.imaging.raster.footprint import Extent
from crnn_ocr.layout.blocks.whole_document import refine_pages
from crnn_ocr.models.fingerprint import TEXT_LAYER


@dataclass(frozen=True, slots=True)
class PageReading:
    """A page as it was read, before what only the whole document tells (`joined`).

    Attributes:
        page: The page; with an `error` if it could not be read.
        model: Name and version of the recogniser; None if no picture was to be read.
        packs: Fingerprints of the model packs that read it, or might have.
        error: Why it could not be read; None if it was.
        elapsed_ms: Time that it took, in milliseconds.
    """

    page: Page
    model: str | None
    packs: frozenset[str] = frozenset()
    error: OcrError | None = None
    elapsed_ms: float = 0.0


#: Reads the page at a place of an opened document.
ReadPlace = Callable[[int], PageReading]


class PageReadings:
    """An open document whose pages are read one by one; to be used by one thread at a time.

    Attributes:
        numbers: Number of each wanted page in the input, from 1.
        extents: Width, height and memory of each wanted page according to the headers; empty if they do not
            say.
    """

    def __init__(self, document: OpenedDocument, read: ReadPlace) -> None:
        """Use an opened document, which is closed with this object.

        Args:
            document: The document.
            read: Reads a page of it.
        """
        self._document = document
        self._read = read
        self.numbers: tuple[int, ...] = document.numbers
        self.extents: tuple[Extent, ...] = document.sizes

    def read(self, number: int) -> PageReading:
        """Read the page of that number; one that cannot be read has an error.

        Raises:
            OcrError: An error that is not the page's own, such as that of a missing model.
            DeadlineExceededError: The ticket's time ran out.
            RequestCancelledError: The ticket was cancelled.
            ValueError: The page is none of the wanted ones.
        """
        began = time.perf_counter()
        reading = self._read(self.numbers.index(number))
        elapsed_ms = (time.perf_counter() - began) * 1000
        return replace(reading, elapsed_ms=elapsed_ms)

    def holds_text(self, number: int) -> bool:
        """Return whether a page holds text that may be taken, so that it costs little.

        Raises:
            DeadlineExceededError: The ticket's time ran out.
            RequestCancelledError: The ticket was cancelled.
        """
        try:
            text = self._document.text(self.numbers.index(number))
        except PAGE_ERRORS:
            return False
        return text is not None and not text.pictures

    def close(self) -> None:
        """Release the file and its process."""
        self._document.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def joined(readings: Sequence[PageReading], layout: Literal["lines", "blocks"]) -> Document:
    """Return the document of pages that were read one by one, as `OCR.read` returns it.

    Args:
        readings: All wanted pages, by rising number.
        layout: The layout that they were read with.
    """
    pages = tuple(reading.page for reading in readings)
    if layout == "blocks":
        pages = refine_pages(pages)
    models = [reading.model for reading in readings if reading.model is not None]
    packs = frozenset[str]().union(*(reading.packs for reading in readings))
    return Document(pages, models[0] if models else TEXT_LAYER, {}, packs, layout)
