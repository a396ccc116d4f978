"""Draw the pages of a PDF with PDFium (`pypdfium2`, the extra `pdf`), in separate processes."""

from __future__ import annotations

import importlib.util
import math
from functools import cached_property
from typing import Any

import numpy as np

from crnn_ocr.errors import ImageDecodeError, ImageTooLargeError, MissingExtraError
from crnn_ocr.imaging.limits import DECODING_BYTES, MIB, Limits
from crnn_ocr.imaging.process.document import ProcessDocument, ProcessPages
from crnn_ocr.imaging.process.helper import Helper, Trade
from crnn_ocr.imaging.raster.footprint import Extent
from crnn_ocr.pixels import Pixels
from crnn_ocr.scheduling.ticket import Ticket

_TRADE = Trade(
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
_COPIES = 3  # times the file's size: the file, its unpacked objects (not pictures), and some reserve


class PdfPages(ProcessPages["_Document"]):
    """The pages of a PDF, drawn one by one; to be used by one thread at a time.

    Attributes:
        count: Number of pages.
    """

    def __init__(self, data: bytes, limits: Limits, dpi: int, ticket: Ticket) -> None:
        """Open the document; see `decode_pdf`."""
        self._limits = limits
        self._dpi = dpi
        document = _Document(data, limits, ticket)
        super().__init__(document, document.open)

    def _draw(self, index: int) -> Pixels:
        return self._document.draw(index, self._dpi)

    @cached_property
    def extents(self) -> tuple[Extent, ...]:
        """Sizes of the pages as they will be drawn; small pages with detailed pictures may become larger.

        Raises:
            OcrError: A page cannot be drawn at any size, or as `decode_pdf`.
        """
        extents = []
        for width, height in self._document.sizes():
            scale = fitting_scale(width, height, self._limits, self._dpi / _POINTS_PER_INCH)
            wide, high = math.ceil(width * scale), math.ceil(height * scale)
            extents.append(Extent(wide, high, _PAGE_BYTES * wide * high))
        return tuple(extents)


def decode_pdf(data: bytes, limits: Limits, *, dpi: int = 200, ticket: Ticket | None = None) -> PdfPages:
    """Draw the pages of a PDF as a viewer shows them, with annotations and filled-in forms.

    The document is opened and its pages are counted at once; each page is drawn when the iterator reaches it.

    Args:
        data: The whole file.
        limits: What to refuse. A page that would have too many pixels is drawn at a lower resolution.
        dpi: Resolution in pixels per inch. A page smaller than A4 is drawn at a higher resolution if a
            picture on it has more detail, up to the size of an A4 page.
        ticket: Deadline and cancellation of the request; None for no limit.

    Returns:
        The pages, (H, W, 3) BGR uint8.

    Raises:
        MissingExtraError: `pypdfium2` is not installed.
        PdfPasswordError: The document is encrypted with a password.
        ImageTooLargeError: More pages than `limits.max_pages`; during iteration also if a page takes too much
            time or memory.
        ImageDecodeError: The document is damaged; also raised during iteration.
        DeadlineExceededError: The ticket's time ran out; also raised during iteration.
        RequestCancelledError: The ticket was cancelled; also raised during iteration.
        OverloadedError: No process can be started; also raised during iteration.
        UnsupportedImageError: This program cannot start Python (see `helper`).
    """
    if importlib.util.find_spec("pypdfium2") is None:
        raise MissingExtraError(
            "Reading PDF needs the extra `pdf`.", hint="Install it: pip install 'crnn-ocr[pdf]'."
        )
    return PdfPages(data, limits, dpi, ticket or Ticket())


class _Document(ProcessDocument):
    """A PDF that is open in its own process."""

    def __init__(self, data: bytes, limits: Limits, ticket: Ticket) -> None:
        super().__init__(data, _TRADE, ticket)
        self._limits = limits
        self._count = 0
        self._memory = _CONTENT_BYTES + _COPIES * len(data)

    def open(self) -> int:
        """Open the document and return the number of its pages."""
        with self._slot():
            self._running(self._open_in)
            return self._count

    def sizes(self) -> list[tuple[float, float]]:
        """Return width and height of every page in points."""
        with self._slot():
            helper = self._running(self._open_in)
            with helper.watched(self._ticket, "The PDF"):
                sizes = helper.ask("sizes", memory=self._memory, spare=_SPARE_BYTES)["sizes"]
                if len(sizes) != self._count:
                    raise ValueError("a size is missing")
                return [(float(width), float(height)) for width, height in sizes]

    def draw(self, index: int, dpi: int) -> Pixels:
        """Draw one page, (H, W, 3) BGR uint8, at the given resolution in pixels per inch."""
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
                return self._rows(helper, scale, *self._room(pixels, largest), what)

    def _open_in(self, helper: Helper) -> None:
        with helper.watched(self._ticket, "The PDF"):
            found = helper.ask("open", data=self._data, memory=self._memory, spare=_SPARE_BYTES)
            self._count = int(found["pages"])
            self._limits.check_pages(self._count)
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
        content = max(_CONTENT_BYTES, decoding) + _COPIES * len(self._data)
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
