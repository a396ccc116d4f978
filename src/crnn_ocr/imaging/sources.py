"""Whatever a picture may be given as becomes pages, one at a time, with the memory that each will need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from crnn_ocr.errors import ImageDecodeError, OcrError
from crnn_ocr.imaging.decode import Limits, decode_pages, from_array, from_pil
from crnn_ocr.imaging.extent import extents_of, page_extents
from crnn_ocr.imaging.pdf.pages import PdfPages
from crnn_ocr.scheduling.ticket import Ticket

Image = NDArray[np.uint8]
Source = str | Path | bytes | bytearray | memoryview | BinaryIO | PillowImage.Image | NDArray[Any]


class Pages:
    """The pages of one source; to be drawn from by one thread at a time."""

    def __init__(self, images: Iterator[Image], rooms: Sequence[int]) -> None:
        self._images = images
        self._rooms = list(reversed(rooms))

    @property
    def room(self) -> int:
        """Bytes that the next page takes at most while it is decoded; 0 where there is none or no telling."""
        return self._rooms[-1] if self._rooms else 0

    def draw(self) -> Image | None:
        """Decode the next page; None behind the last.

        Only the caller holds it, so its memory is free when the caller drops it.

        Raises:
            OcrError: The page is damaged.
        """
        if self._rooms:
            self._rooms.pop()
        return next(self._images, None)


def open_pages(source: Source, limits: Limits, *, pdf_dpi: int, ticket: Ticket | None = None) -> Pages:
    """Open a source; nothing but headers is looked at yet.

    Args:
        source: See `OCR.read`.
        limits: What to refuse.
        pdf_dpi: Resolution at which PDF pages are drawn.
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
    return Pages(images, _rooms(images, data, limits))


def _taken_over(image: Image) -> Pages:
    # The iterator must not hold the page when it has given it away.
    held = [image]
    return Pages((held.pop() for _ in range(1)), [image.nbytes])


def _data_of(source: Any, most: int) -> bytes | bytearray | memoryview:
    """The encoded file; one that is larger than allowed comes one byte too long."""
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


def _rooms(images: Iterator[Image], data: bytes, limits: Limits) -> list[int]:
    """Bytes that each page takes while it is decoded."""
    try:
        extents = extents_of(images) if isinstance(images, PdfPages) else page_extents(data, limits)
        return [page.memory for page in extents]
    except OcrError:  # whether it can be decoded is found out by decoding it
        return []
