"""Open a picture or document once: read its page sizes, then decode one page at a time."""

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
    """A picture or document whose headers have been read, for admission control and for the engine.

    It is to be used by one thread at a time. Whoever opened it must close it, because a PDF holds a process.

    Attributes:
        extents: Width, height and memory of each page according to the headers; empty if they do not say.
    """

    def __init__(self, images: Iterator[Pixels], extents: Sequence[Extent]) -> None:
        self._images = images
        self.extents = tuple(extents)
        self._drawn = 0

    @property
    def room(self) -> int:
        """Most bytes that the next page takes while it is decoded; 0 if there is none or it is unknown."""
        return self.extents[self._drawn].memory if self._drawn < len(self.extents) else 0

    def draw(self) -> Pixels | None:
        """Decode the next page.

        Returns:
            (H, W) grey or (H, W, 3) BGR, uint8; None after the last page. Nothing else keeps a reference to
            it, so its memory is free as soon as the caller drops it.

        Raises:
            OcrError: The page cannot be decoded.
        """
        self._drawn += 1
        return next(self._images, None)

    def close(self) -> None:
        """Release the file and its process; no more pages can be decoded."""
        close = getattr(self._images, "close", None)
        if close is not None:
            close()
        self._images = iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


#: Reserves capacity for the work on a document while the block runs; raises `OcrError` if there is none.
Admit = Callable[[OpenedDocument], AbstractContextManager[None]]


def open_document(
    source: Source, limits: Limits, *, pdf_dpi: int = 200, ticket: Ticket | None = None
) -> OpenedDocument:
    """Open a source and read its headers only.

    Args:
        source: A path, bytes, a binary file, a Pillow image or an array; see `OCR.read`.
        limits: The largest input that is accepted.
        pdf_dpi: Resolution at which PDF pages are drawn, in pixels per inch.
        ticket: Deadline and cancellation of the request; None for no limit.

    Raises:
        OcrError: The source is not a picture, or larger than the limits allow.
        OSError: The path cannot be opened.
        TypeError: The source has none of the accepted types.
    """
    if isinstance(source, PillowImage.Image):
        return _taken_over(from_pil(source, limits))
    if isinstance(source, np.ndarray):
        return _taken_over(from_array(source, limits))
    data = bytes(_data_of(source, limits.max_bytes))
    images = decode_pages(data, limits, pdf_dpi=pdf_dpi, ticket=ticket)
    try:
        return OpenedDocument(images, images.extents)
    except OcrError:  # drawing the pages will show which of them are damaged
        return OpenedDocument(images, ())


def _taken_over(image: Pixels) -> OpenedDocument:
    extent = Extent(image.shape[1], image.shape[0], image.nbytes)
    # The iterator must not keep a reference to the page after returning it.
    held = [image]
    return OpenedDocument((held.pop() for _ in range(1)), (extent,))


def _data_of(source: Any, most: int) -> bytes | bytearray | memoryview:
    """Return the encoded file; of a file above the limit, return one byte more than the limit."""
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
