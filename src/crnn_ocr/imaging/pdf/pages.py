"""Draw the pages of a PDF with PDFium (`pypdfium2`, the extra `pdf`), in separate processes."""

from __future__ import annotations

import importlib.util
import math
from functools import cached_property
from typing import Any

import numpy as np

from crnn_ocr.errors import ImageDecodeError, ImageTooLargeError, MissingExtraError
from crnn_ocr.imaging.limits import DECODING_BYTES, MIB, Limits
from crnn_ocr.imaging.page_source import EVERY_PICTURE, Wanted
from crnn_ocr.imaging.pdf.page_text import PageText
from crnn_ocr.imaging.pdf.text_layer import page_text
from crnn_ocr.imaging.process.document import ProcessDocument, ProcessPages
from crnn_ocr.imaging.process.helper import DecoderSpec, Helper
from crnn_ocr.imaging.process.stored_file import StoredFile
from crnn_ocr.imaging.raster.footprint import Extent
from crnn_ocr.pixels import Pixels
from crnn_ocr.scheduling.ticket import Ticket

_TRADE = DecoderSpec(
    "crnn_ocr.imaging.pdf.drawer:Drawer",
    "The PDF",
    "PDFs",
    "draw",
    "PDFium",
    "Print the PDF into a new PDF, or send its pages as pictures.",
)
_POINTS_PER_INCH = 72
_A4_SIDE = 842  # points
_WORTHWHILE = 1.25  # least gain in resolution, so that a Letter page is not enlarged to A4
_EMBEDDED_FACTOR = 4  # embedded pictures may have four times a page's pixels because they are streamed

# Memory that a process may take beside the program itself. Measured as address space with A4 pages at 200
# dpi: a scan at 300 dpi took 43 MiB as JPEG and 131 as JPEG 2000; a scan at 600 dpi took 45 as JPEG, 142 as
# progressive JPEG and 151 as JPEG 2000; two hundred thousand lines took 53.
_CONTENT_BYTES = 192 * MIB
_PAGE_BYTES = 6  # per pixel: PDFium's bitmap in its own process, and our copy of it
_PIXEL_BYTES = 4  # per pixel: the largest bitmap or memory block of PDFium
_SPARE_BYTES = 64 * MIB
_MOST_TEXT_BYTES = 16 * MIB  # 61 bytes for each of 200,000 characters (`glyphs.MOST_CHARS`)
_COPIES = 3  # times the file's size: the file, its unpacked objects (not pictures), and some reserve


class PdfPages(ProcessPages["_Document"]):
    """The wanted pages of a PDF; to be used by one thread at a time.

    Attributes:
        numbers: Number of each wanted page, from 1.
    """

    def __init__(
        self, data: bytes | StoredFile, limits: Limits, dpi: int, ticket: Ticket, wanted: Wanted
    ) -> None:
        """Open the document; see `decode_pdf`."""
        self._limits = limits
        self._dpi = dpi
        self._use = wanted.text
        self._ticket = ticket
        self._dpis: dict[int, float] = {}
        document = _Document(data, limits, ticket, wanted)
        super().__init__(document, document.open)
        self.total = document.count

    def draw(self, place: int) -> Pixels:
        """Draw a page, see `PageSource.draw`."""
        pixels, self._dpis[place] = self._document.draw(self.numbers[place] - 1, self._dpi)
        return pixels

    def text(self, place: int) -> PageText | None:
        """Return the text that a page holds, see `PageSource.text`."""
        if self._use == "force":
            return None
        number = self.numbers[place]
        found, raw = self._document.text(number - 1)
        try:
            width, height = map(float, found["size"])
            size, scale = self._drawn(width, height)
            dpi = scale * _POINTS_PER_INCH
            return page_text(found, raw, size, dpi, self._use, self._ticket.check)
        except (ValueError, LookupError, TypeError, ArithmeticError) as error:
            raise ImageDecodeError(f"The text of page {number} of the PDF is damaged.") from error

    def dpi(self, place: int) -> float | None:
        """Return the pixels per inch at which a page was drawn."""
        return self._dpis.pop(place, None)

    @cached_property
    def extents(self) -> tuple[Extent, ...]:
        """Sizes of the pages as they will be drawn; small pages with detailed pictures may become larger.

        A page that cannot be drawn at any size has none.

        Raises:
            OcrError: As `decode_pdf`.
        """
        sizes = self._document.sizes()
        return tuple(self._extent(*sizes[number - 1]) for number in self.numbers)

    def _extent(self, width: float, height: float) -> Extent:
        try:
            (wide, high), _ = self._drawn(width, height)
        except (ImageDecodeError, ImageTooLargeError):
            return Extent(0, 0, 0)
        return Extent(wide, high, _PAGE_BYTES * wide * high)

    def _drawn(self, width: float, height: float) -> tuple[tuple[int, int], float]:
        """Return width and height in pixels of a page given in points, and the pixels per point."""
        scale = fitting_scale(width, height, self._limits, self._dpi / _POINTS_PER_INCH)
        return (math.ceil(width * scale), math.ceil(height * scale)), scale


def decode_pdf(
    data: bytes | StoredFile,
    limits: Limits,
    *,
    dpi: int = 200,
    ticket: Ticket | None = None,
    wanted: Wanted = EVERY_PICTURE,
) -> PdfPages:
    """Draw the pages of a PDF as a viewer shows them, with annotations and filled-in forms.

    The document is opened and its pages are counted at once; each page is drawn when the iterator reaches it.

    Args:
        data: The whole file, or where it is.
        limits: What to refuse. A page that would have too many pixels is drawn at a lower resolution.
        dpi: Resolution in pixels per inch. A page smaller than A4 is drawn at a higher resolution if a
            picture on it has more detail, up to the size of an A4 page.
        ticket: Deadline and cancellation of the request; None for no limit.
        wanted: Which pages, and whether their text may be taken.

    Returns:
        The pages, (H, W, 3) BGR uint8.

    Raises:
        MissingExtraError: `pypdfium2` is not installed.
        PdfPasswordError: The document is encrypted, and the password is missing or wrong.
        InvalidOptionError: It has none of the wanted pages.
        ImageTooLargeError: More wanted pages than `limits.max_pages`, or `max_text_pages` if their text may
            be taken; for single pages also if they take too much time or memory.
        ImageDecodeError: The document is damaged; also raised for single pages.
        DeadlineExceededError: The ticket's time ran out; also raised for single pages.
        RequestCancelledError: The ticket was cancelled; also raised for single pages.
        OverloadedError: No process can be started; also raised for single pages.
        UnsupportedImageError: This program cannot start Python (see `helper`).
    """
    if importlib.util.find_spec("pypdfium2") is None:
        raise MissingExtraError(
            "Reading PDF needs the extra `pdf`.", hint="Install it: pip install 'crnn-ocr[pdf]'."
        )
    return PdfPages(data, limits, dpi, ticket or Ticket(), wanted)


class _Document(ProcessDocument):
    """A PDF that is open in its own process."""

    def __init__(self, data: bytes | StoredFile, limits: Limits, ticket: Ticket, wanted: Wanted) -> None:
        super().__init__(data, _TRADE, ticket)
        self._limits = limits
        self._wanted = wanted
        self._count = 0
        self._size = len(data)
        self._memory = _CONTENT_BYTES + _COPIES * self._size

    @property
    def count(self) -> int:
        """Number of all pages; 0 until the document has been opened."""
        return self._count

    def open(self) -> tuple[int, ...]:
        """Open the document and return the numbers of the wanted pages."""
        with self._slot():
            self._running(self._open_in)
        pages = self._wanted.pages
        # Without a page of its own: whoever asks for a million pages waits for no list of them.
        count = min(self._count, pages.last or self._count)
        numbers = pages.of(count)
        if not numbers:
            raise pages.nothing_left(self._count)
        if self._wanted.text == "force":
            self._limits.check_pages(len(numbers))
        else:
            self._limits.check_text_pages(len(numbers))
        return numbers

    def sizes(self) -> list[tuple[float, float]]:
        """Return width and height of every page in points."""
        with self._slot():
            helper = self._running(self._open_in)
            with helper.watched(self._ticket, "The PDF"):
                sizes = helper.ask("sizes", memory=self._memory, spare=_SPARE_BYTES)["sizes"]
                if len(sizes) != self._count:
                    raise ValueError("a size is missing")
                return [(float(width), float(height)) for width, height in sizes]

    def text(self, index: int) -> tuple[dict[str, Any], bytes]:
        """Return the answer about the text of one page, and the arrays that follow it."""
        with self._slot():
            helper = self._running(self._open_in)
            with helper.watched(self._ticket, f"Page {index + 1} of the PDF"):
                found = helper.ask("text", page=index, memory=self._memory, spare=_SPARE_BYTES)
                length = int(found["bytes"])
                if not 0 <= length <= _MOST_TEXT_BYTES:
                    raise ValueError("the arrays are too long")
                raw = bytearray(length)
                helper.read(memoryview(raw))
                return found, bytes(raw)

    def draw(self, index: int, dpi: int) -> tuple[Pixels, float]:
        """Draw one page at the given resolution in pixels per inch.

        Returns:
            (H, W, 3) BGR uint8, and the resolution at which it was really drawn.
        """
        with self._slot():
            helper = self._running(self._open_in)
            what = f"Page {index + 1} of the PDF"
            with helper.watched(self._ticket, what):
                found = helper.ask("measure", page=index, memory=self._memory, spare=_SPARE_BYTES)
                width, height = map(float, found["size"])
                largest = self._largest(found["largest"])
                scale = dpi / _POINTS_PER_INCH
                detailed = min(float(found["detail"]), scale * _A4_SIDE / max(width, height, 1))
                if detailed > _WORTHWHILE * scale:
                    scale = detailed
                scale = fitting_scale(width, height, self._limits, scale)
                pixels = math.ceil(width * scale) * math.ceil(height * scale)
                rows = self._rows(helper, scale, *self._room(pixels, largest), what)
                return rows, scale * _POINTS_PER_INCH

    def _open_in(self, helper: Helper) -> None:
        with helper.watched(self._ticket, "The PDF"):
            found = helper.ask(
                "open",
                data=self._data,
                memory=self._memory,
                spare=_SPARE_BYTES,
                password=self._wanted.password,
            )
            self._count = int(found["pages"])
            if self._count < 1:
                raise ImageDecodeError("The PDF has no pages.")

    def _largest(self, size: Any) -> int:
        """Return the number of pixels of the largest picture on a page.

        Raises:
            ImageTooLargeError: The picture is so large that decoding it takes too much memory at any page
                size.
        """
        width, height = map(int, size)
        if width * height > _EMBEDDED_FACTOR * self._limits.max_pixels:
            raise ImageTooLargeError(
                f"The PDF holds a picture of {width} × {height} pixels.",
                hint="Save the PDF with pictures of lower resolution.",
            )
        return width * height

    def _room(self, pixels: int, largest: int) -> tuple[int, int]:
        """Return the bytes that drawing a page may take, and those it may request in one block.

        Args:
            pixels: Number of pixels of the page.
            largest: Number of pixels of the largest picture on it.
        """
        spare = max(_SPARE_BYTES, _PIXEL_BYTES * max(pixels, largest))
        decoding = DECODING_BYTES * min(largest, self._limits.max_pixels)
        content = max(_CONTENT_BYTES, decoding) + _COPIES * self._size
        return content + _PIXEL_BYTES * pixels, spare

    def _rows(self, helper: Helper, scale: float, memory: int, spare: int, what: str) -> Pixels:
        """Draw the page that was measured last and receive its rows."""
        found = helper.ask("draw", scale=scale, memory=memory, spare=spare)
        width, height = int(found["width"]), int(found["height"])
        self._limits.check_size(width, height)
        try:
            page = np.empty((height, width, 3), np.uint8)
        except MemoryError as error:
            raise helper.too_much_memory(what) from error
        helper.read(page.data.cast("B"))
        return page


def fitting_scale(width: float, height: float, limits: Limits, scale: float) -> float:
    """Find the resolution at which a page keeps to the limits.

    Args:
        width: Width of the page in points.
        height: Height of the page in points.
        limits: Only `max_pixels` and `max_side` are used.
        scale: Wanted pixels per point.

    Returns:
        Pixels per point, at most `scale`, such that both sides, rounded up, keep to the limits.

    Raises:
        ImageDecodeError: The page has no area.
        ImageTooLargeError: The page is so long and thin that no resolution fits.
    """
    if not (math.isfinite(width) and math.isfinite(height) and width > 0 and height > 0):
        raise ImageDecodeError(f"A page of the PDF claims a size of {width} × {height} points.")
    longer = max(width, height)
    scale = min(scale, limits.max_side / longer, math.sqrt(limits.max_pixels / (width * height)))
    while math.ceil(width * scale) * math.ceil(height * scale) > limits.max_pixels or (
        math.ceil(longer * scale) > limits.max_side
    ):
        scale *= 0.99
        if longer * scale < 1:
            raise ImageTooLargeError(f"A page of {width:.0f} × {height:.0f} points cannot be drawn.")
    return scale
