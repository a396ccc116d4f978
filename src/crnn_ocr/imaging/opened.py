"""A source that is open: how large its pages are, and their pixels, one page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from crnn_ocr.errors import ImageDecodeError, OcrError
from crnn_ocr.imaging.decode import decode_pages, from_array, from_pil
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.raster.footprint import Extent
from crnn_ocr.pixels import Pixels
from crnn_ocr.scheduling.ticket import Ticket

Source = str | Path | bytes | bytearray | memoryview | BinaryIO | PillowImage.Image | NDArray[Any]


class OpenedDocument:
    """A picture or document whose headers have been read once, for all who plan with them and for the engine.

    To be used by one thread at a time, and closed by whoever opened it: a PDF holds a process.

    Attributes:
        extents: Width, height and memory of each page, as far as its headers tell; empty where they do not.
    """

    def __init__(self, images: Iterator[Pixels], extents: Sequence[Extent]) -> None:
        self._images = images
        self.extents = tuple(extents)
        self._drawn = 0

    @property
    def room(self) -> int:
        """Bytes that the next page takes at most while it is decoded; 0 where there is none or no telling."""
        return self.extents[self._drawn].memory if self._drawn < len(self.extents) else 0

    def draw(self) -> Pixels | None:
        """Decode the next page.

        Returns:
            (H, W) grey or (H, W, 3) BGR; None behind the last page. Only the caller holds it, so its memory
            is free when the caller drops it.

        Raises:
            OcrError: The page is damaged.
        """
        self._drawn += 1
        return next(self._images, None)

    def close(self) -> None:
        """Let the file and its process go; there are no more pages."""
        close = getattr(self._images, "close", None)
        if close is not None:
            close()
        self._images = iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


#: Holds room for the work on a document while the block runs; raises `OcrError` where there is none.
Admit = Callable[[OpenedDocument], AbstractContextManager[None]]


def open_document(
    source: Source, limits: Limits, *, pdf_dpi: int = 200, ticket: Ticket | None = None
) -> OpenedDocument:
    """Open a source; nothing but headers is looked at yet.

    Args:
        source: See `OCR.read`.
        limits: What to refuse.
        pdf_dpi: Resolution at which PDF pages are drawn, in pixels per inch.
        ticket: Until when the pages are wanted; always, when None.

    Raises:
        OcrError: It is no picture, or larger than the limits allow.
        OSError: The path cannot be opened.
        TypeError: It is no kind of source.
    """
    if isinstance(source, PillowImage.Image):
        return _taken_over(from_pil(source, limits))
    if isinstance(source, np.ndarray):
        return _taken_over(from_array(source, limits))
    data = bytes(_data_of(source, limits.max_bytes))
    images = decode_pages(data, limits, pdf_dpi=pdf_dpi, ticket=ticket)
    try:
        return OpenedDocument(images, images.extents)
    except OcrError:  # whether its pages can be drawn is found out by drawing them
        return OpenedDocument(images, ())


def _taken_over(image: Pixels) -> OpenedDocument:
    extent = Extent(image.shape[1], image.shape[0], image.nbytes)
    # The iterator must not hold the page when it has given it away.
    held = [image]
    return OpenedDocument((held.pop() for _ in range(1)), (extent,))


def _data_of(source: Any, most: int) -> bytes | bytearray | memoryview:
    """Return the encoded file; one that is larger than allowed comes one byte too long."""
    if isinstance(source, str | Path):
        with Path(source).open("rb") as stream:
            return stream.read(most + 1)
    if isinstance(source, bytes | bytearray | memoryview):
        return source
    if hasattr(source, "read"):
        data = source.read(most + 1)
        if not isinstance(data, bytes):
            raise ImageDecodeError("The file object gives text, not bytes.", hint="Open it with mode 'rb'.")
        return data
    raise TypeError(
        f"cannot read a {type(source).__name__}: "
        "give a path, bytes, a binary file, a Pillow image or an array"
    )
