"""Decode raster files in a separate process with limits, and convert their pixels here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from typing import Any

from PIL import Image

from crnn_ocr.imaging.formats import Format
from crnn_ocr.imaging.geometry import apply_orientation
from crnn_ocr.imaging.limits import MIB, Limits
from crnn_ocr.imaging.page_ranges import ALL_PAGES, PageRanges
from crnn_ocr.imaging.process.document import ProcessDocument, ProcessPages
from crnn_ocr.imaging.process.helper import DecoderSpec, Helper
from crnn_ocr.imaging.process.stored_file import StoredFile
from crnn_ocr.imaging.raster.footprint import Extent
from crnn_ocr.imaging.raster.pixels import BAND_ROWS, Bands, pixels_of_bands
from crnn_ocr.pixels import Pixels
from crnn_ocr.scheduling.ticket import Ticket

#: Memory that a process may take beside the program, the file and what the header tells: the decoder's
#: modules, its tables, and the headers' values.
_BESIDE = 32 * MIB
_COPIES = 4  # times the file's size: the file, Pillow's copy and libtiff's, and some reserve
_WIDEST = 16  # bytes per pixel of a row: no mode has more than eight


class RemotePages(ProcessPages["_File"]):
    """The pages of a raster file, decoded in a separate process; to be used by one thread at a time.

    Attributes:
        numbers: Number of each wanted page, from 1.
    """

    def __init__(
        self,
        data: bytes | StoredFile,
        name: Format,
        limits: Limits,
        ticket: Ticket,
        pages: PageRanges = ALL_PAGES,
        *,
        opening: int = 0,
    ) -> None:
        """Read the headers.

        Args:
            data: The whole file, or where it is.
            name: Its format, as returned by `sniff`; not `Format.PDF`.
            limits: The largest input that is accepted.
            ticket: Deadline and cancellation of the request: once it is invalid, the process is killed.
            pages: Numbers of the wanted pages.
            opening: Bytes that the decoder takes as soon as it is opened.

        Raises:
            ImageTooLargeError: The headers claim more than the limits allow, or reading takes too much.
            ImageDecodeError: The file is damaged; also raised during iteration.
            InvalidOptionError: It has none of the wanted pages.
            UnsupportedImageError: Pillow lacks the decoder, or this program cannot start Python.
            DeadlineExceededError: The ticket's time ran out; also raised during iteration.
            RequestCancelledError: The ticket was cancelled; also raised during iteration.
            OverloadedError: No process can be started; also raised during iteration.
        """
        file = _File(data, name, limits, ticket, pages, opening)
        super().__init__(file, file.open)
        self._extents = file.extents

    @property
    def extents(self) -> tuple[Extent, ...]:
        """Size and memory of each page according to the headers."""
        return self._extents

    def draw(self, place: int) -> Pixels:
        """Decode a page, see `PageSource.draw`."""
        return self._document.read(place)


class _File(ProcessDocument):
    """A raster file that is open in its own process."""

    def __init__(
        self,
        data: bytes | StoredFile,
        name: Format,
        limits: Limits,
        ticket: Ticket,
        pages: PageRanges,
        opening: int,
    ) -> None:
        file = f"The {name.value} file"
        spec = DecoderSpec(
            "crnn_ocr.imaging.raster.reader:Reader",
            file,
            f"{name.value} files",
            "decode",
            "its decoder",
            "Save it as PNG or JPEG.",
        )
        super().__init__(data, spec, ticket)
        self._name = name
        self._limits = limits
        self._memory = _BESIDE + _COPIES * len(data) + opening
        self._wanted = pages
        #: Of each wanted page its number, its size, and the bytes that it takes here and there.
        self._pages: list[list[int]] = []

    @property
    def extents(self) -> tuple[Extent, ...]:
        """Size and memory of each page, in both processes together."""
        return tuple(Extent(width, height, both) for _, width, height, _, both in self._pages)

    def open(self) -> tuple[int, ...]:
        """Read the headers and return the numbers of the wanted pages."""
        with self._slot():
            self._running(self._open_in)
            return tuple(number for number, *_ in self._pages)

    def _open_in(self, helper: Helper) -> None:
        with helper.watched(self._ticket, self._spec.file):
            found = helper.ask(
                "open",
                data=self._data,
                memory=self._memory,
                spare=0,
                format=self._name.name,
                limits=astuple(self._limits),
                pages=self._wanted.text,
            )
            self._pages = [[int(number) for number in page] for page in found["pages"]]
            if not self._pages:
                raise self._wanted.nothing_left(int(found["count"]))
            for _, width, height, here, both in self._pages:
                if max(width, height):  # reading another one tells what is wrong with it
                    self._limits.check_size(width, height)
                if min(here, both) < 0:
                    raise ValueError("memory cannot be negative")

    def read(self, index: int) -> Pixels:
        """Decode one page; (H, W) grey or (H, W, 3) BGR, uint8."""
        with self._slot():
            helper = self._running(self._open_in)
            with helper.watched(self._ticket, self._spec.file):
                memory = self._memory + self._pages[index][3]
                found = helper.ask("read", page=index, memory=memory, spare=0)
                try:
                    pixels = pixels_of_bands(_bands(helper, found, self._limits, self._name))
                    return apply_orientation(pixels, int(found["orientation"]))
                except MemoryError as error:
                    helper.close()
                    raise helper.too_much_memory(self._spec.file) from error


def _bands(helper: Helper, found: dict[str, Any], limits: Limits, name: Format) -> Bands:
    """Return the pixels that follow an answer, band by band."""
    mode, width, height, row = (
        str(found["mode"]),
        int(found["width"]),
        int(found["height"]),
        int(found["row"]),
    )
    limits.check_size(width, height)
    if not 0 < row <= _WIDEST * width + _WIDEST:
        raise ValueError("the rows are too long")
    transparency = found["transparency"]
    if isinstance(transparency, str):
        transparency = bytes.fromhex(transparency)
    elif isinstance(transparency, list):
        transparency = tuple(transparency)

    def bands() -> Iterator[tuple[slice, Image.Image]]:
        for top in range(0, height, BAND_ROWS):
            rows = slice(top, min(height, top + BAND_ROWS))
            raw = bytearray(row * (rows.stop - rows.start))
            helper.read(memoryview(raw))
            band = Image.frombytes(mode, (width, rows.stop - rows.start), bytes(raw))
            if found["palette"]:
                kind, colours = found["palette"]
                band.putpalette(bytes.fromhex(colours), kind)
            if transparency is not None:
                band.info["transparency"] = transparency
            yield rows, band

    spare_alpha = name is Format.BMP
    return Bands(mode, width, height, bool(found["transparent"]), transparency, spare_alpha, bands())
