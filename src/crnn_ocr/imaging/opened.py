"""Open a picture or document once: read its page sizes, then decode one page at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from crnn_ocr.errors import ImageDecodeError, OcrError
from crnn_ocr.imaging.decode import decode_pages, from_array, from_pil
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.page_source import EVERY_PICTURE, PageSource, Wanted
from crnn_ocr.imaging.pdf.page_text import PageText
from crnn_ocr.imaging.process.stored_file import StoredFile
from crnn_ocr.imaging.raster.decoder import RasterPages
from crnn_ocr.imaging.raster.footprint import Extent
from crnn_ocr.pixels import Pixels
from crnn_ocr.scheduling.ticket import Ticket

Source = (
    str | Path | StoredFile | bytes | bytearray | memoryview | BinaryIO | PillowImage.Image | NDArray[Any]
)


class OpenedDocument:
    """A picture or document whose headers have been read, for admission control and for the engine.

    It is to be used by one thread at a time. Whoever opened it must close it, because a PDF holds a process.

    Attributes:
        numbers: Number of each wanted page in the input, from 1.
        total: Number of all pages of the input, wanted or not; None where nobody has counted them.
        sizes: Width, height and memory of each wanted page according to the headers; empty if they do not
            say.
    """

    def __init__(self, pages: PageSource, sizes: Sequence[Extent]) -> None:
        self._pages = pages
        self.numbers = pages.numbers
        self.total = pages.total
        self.sizes = tuple(sizes)
        self._chosen: Sequence[int] = range(len(self.numbers))
        self._drawn = 0
        self._once = True
        self._dpis: dict[int, float | None] = {}

    @property
    def extents(self) -> tuple[Extent, ...]:
        """Width, height and memory of each page that is drawn; empty if the headers do not say."""
        return tuple(self.sizes[place] for place in self._chosen) if self.sizes else ()

    @property
    def room(self) -> int:
        """Most bytes that the next page takes while it is decoded; 0 if there is none or it is unknown."""
        return self.sizes[self._chosen[self._drawn]].memory if self.sizes and self.has_more else 0

    @property
    def has_more(self) -> bool:
        """Whether a page is left to be drawn."""
        return self._drawn < len(self._chosen)

    def text(self, place: int) -> PageText | None:
        """Return the text that a page holds; None if its picture has to be read.

        Args:
            place: Its place in `numbers`.

        Raises:
            OcrError: The page is damaged.
        """
        return self._pages.text(place)

    def choose(self, places: Sequence[int], *, once: bool = True) -> None:
        """Draw only the pages at these places in `numbers`, in this order; call it before `draw`.

        Args:
            places: The places.
            once: Whether the file is released after the last of them; otherwise pages may be chosen again.
        """
        self._chosen = tuple(places)
        self._drawn = 0
        self._once = once
        if once and not places:
            self._pages.close()

    def draw(self) -> Pixels | None:
        """Decode the next page, see `draw_next`; return None after the last one."""
        return self.draw_next() if self.has_more else None

    def draw_next(self) -> Pixels:
        """Decode the next page; after an error the page after it is next.

        Returns:
            (H, W) grey or (H, W, 3) BGR, uint8. Nothing else keeps a reference to it, so its memory is free
            as soon as the caller drops it.

        Raises:
            OcrError: The page cannot be decoded.
        """
        place = self._chosen[self._drawn]
        self._drawn += 1
        try:
            pixels = self._pages.draw(place)
            self._dpis[place] = self._pages.dpi(place)  # a member of an archive tells it while it is open
            return pixels
        finally:
            if self._once and not self.has_more:
                self._pages.close()

    def dpi(self, place: int) -> float | None:
        """Return, once, the pixels per inch at which a page of a PDF was drawn; None for pictures."""
        return self._dpis.pop(place, None)

    def close(self) -> None:
        """Release the file and its process; no more pages can be decoded."""
        self._chosen = ()
        self._pages.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


#: Reserves capacity for the work on a document while the block runs; raises `OcrError` if there is none.
Admit = Callable[[OpenedDocument], AbstractContextManager[None]]


def open_document(
    source: Source,
    limits: Limits,
    *,
    pdf_dpi: int = 200,
    ticket: Ticket | None = None,
    wanted: Wanted = EVERY_PICTURE,
) -> OpenedDocument:
    """Open a source and read its headers only.

    Args:
        source: A path, a stored file, bytes, a binary file, a Pillow image or an array; see `OCR.read`.
        limits: The largest input that is accepted.
        pdf_dpi: Resolution at which PDF pages are drawn, in pixels per inch.
        ticket: Deadline and cancellation of the request; None for no limit.
        wanted: Which pages, and whether the text of a PDF may be taken.

    Raises:
        OcrError: The source is not a picture, or larger than the limits allow, or has no wanted page.
        OSError: The path cannot be opened.
        TypeError: The source has none of the accepted types.
    """
    if isinstance(source, PillowImage.Image):
        return _taken_over(from_pil(source, limits), wanted)
    if isinstance(source, np.ndarray):
        return _taken_over(from_array(source, limits), wanted)
    data = source if isinstance(source, StoredFile) else bytes(_data_of(source, limits.max_bytes))
    pages = decode_pages(data, limits, pdf_dpi=pdf_dpi, ticket=ticket, wanted=wanted)
    try:
        return OpenedDocument(pages, pages.extents)
    except OcrError:  # drawing the pages will show which of them are damaged
        return OpenedDocument(pages, ())


def _taken_over(image: Pixels, wanted: Wanted) -> OpenedDocument:
    if 1 not in wanted.pages:
        raise wanted.pages.nothing_left(1)
    extent = Extent(image.shape[1], image.shape[0], image.nbytes)
    # The iterator must not keep a reference to the page after returning it.
    held = [image]
    return OpenedDocument(RasterPages((held.pop() for _ in range(1)), (extent,)), (extent,))


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
