"""Decode raster pictures: common ones here, all others in a separate process with limits.

JPEG, PNG, lossy WebP and unpacked BMP are decoded here: once their headers have been checked, their decoders
take what the header tells. Everything else goes to a process (`remote`): TIFF, GIF, PNM, lossless WebP and
packed BMP can ask for far more memory and time than their sizes tell.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crnn_ocr.imaging.formats import Format
from crnn_ocr.imaging.geometry import apply_orientation
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.page_ranges import ALL_PAGES, PageRanges
from crnn_ocr.imaging.page_source import PageSource
from crnn_ocr.imaging.raster import direct_decode, jpeg, png, webp
from crnn_ocr.imaging.raster.files import open_file, orientation_of, translated
from crnn_ocr.imaging.raster.footprint import WEBP, Extent, converted, stored
from crnn_ocr.imaging.raster.pixels import pixels_of
from crnn_ocr.imaging.raster.remote import RemotePages
from crnn_ocr.pixels import Pixels
from crnn_ocr.scheduling.ticket import Ticket

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_BMP_COMPRESSION = 30  # offset of the field in all headers but OS/2's, which has 12 bytes and no compression
_UNPACKED = (0, 3)  # BI_RGB and BI_BITFIELDS


def decode_raster(
    data: bytes,
    name: Format,
    limits: Limits,
    ticket: Ticket | None = None,
    pages: PageRanges = ALL_PAGES,
) -> RasterPages | RemotePages:
    """Decode a picture, or the pages of a TIFF.

    Headers are checked at once; pixels are decoded during iteration.

    Args:
        data: The whole file.
        name: Its format, as returned by `sniff`; not `Format.PDF`.
        limits: The largest input that is accepted.
        ticket: Deadline and cancellation of the request; None for no limit.
        pages: Numbers of the wanted pages.

    Returns:
        The upright pages: (H, W) grey or (H, W, 3) BGR, uint8.

    Raises:
        ImageTooLargeError: The header claims more than the limits allow.
        ImageDecodeError: The file is damaged; also raised during iteration.
        InvalidOptionError: It has none of the wanted pages.
        UnsupportedImageError: This build of Pillow lacks the decoder.
        OcrError: As `RemotePages`; also during iteration.
    """
    ticket = ticket or Ticket()
    opening = 0
    if name is Format.WEBP and (size := webp.size(data)):  # its decoder allocates the canvas at once
        limits.check_size(*size)
        opening = WEBP * size[0] * size[1]
    if not _is_told_by_its_header(data, name, ticket):
        limits.check_memory(opening, name.value)
        return RemotePages(data, name, limits, ticket, pages, opening=opening)
    if 1 not in pages:
        raise pages.nothing_left(1)
    with translated(name):
        image = open_file(data, name)
        limits.check_size(*image.size)
        if name is Format.JPEG:
            jpeg.check_scans(data, image.size[0] * image.size[1], ticket.check)
        extent = _extent(image, name, data)
        limits.check_memory(extent.memory, name.value)
    return RasterPages(_one_page(data, image, name), (extent,))


class RasterPages(PageSource):
    """The only page of a picture."""

    def __init__(self, images: Iterator[Pixels], extents: tuple[Extent, ...]) -> None:
        """Take the page from an iterator that keeps no reference to it."""
        self._images = images
        self._extents = extents
        self.numbers = (1,)
        self.total = 1

    @property
    def extents(self) -> tuple[Extent, ...]:
        """Size and memory of the page according to the header."""
        return self._extents

    def draw(self, place: int) -> Pixels:
        """Decode the page; nothing else keeps a reference to it."""
        return next(self._images)

    def close(self) -> None:
        """Release the file."""
        super().close()
        self._images = iter(())


def _is_told_by_its_header(data: bytes, name: Format, ticket: Ticket) -> bool:
    """Return whether decoding takes what the header tells.

    Raises:
        ImageDecodeError: The headers are so many that reading them takes much memory or time.
        OcrError: The ticket is no longer valid.
    """
    if name is Format.JPEG:
        jpeg.check_header(data, ticket.check)
        return True
    if name is Format.PNG:
        png.check_chunks(data, ticket.check)
        return True
    if name is Format.WEBP:
        return webp.is_plain(data, ticket.check)
    if name is Format.BMP and len(data) >= _BMP_COMPRESSION + 4:
        return struct.unpack_from("<I", data, _BMP_COMPRESSION)[0] in _UNPACKED
    return False


def _extent(image: ImageFile, name: Format, data: bytes) -> Extent:
    width, height = image.size
    # Of a PNG Pillow would cache what it has seen, and more may follow the pixels.
    turned = "exif" in image.info if name is Format.PNG else orientation_of(image) != 1
    each = converted(image.mode, turned=turned, transparent=image.has_transparency_data)
    if name is Format.JPEG:
        each += 2 * jpeg.coefficients_per_pixel(data)
    if not direct_decode.can_decode(image, name, data):
        each += stored(image, name)
    return Extent(width, height, round(each * width * height))


def _one_page(data: bytes, image: ImageFile, name: Format) -> Iterator[Pixels]:
    with translated(name):
        pixels = _pixels(data, image, name)
        orientation = orientation_of(image)  # after the pixels, because in a PNG it may follow them
        image.close()
        upright = [apply_orientation(pixels, orientation)]
        del pixels
    yield upright.pop()  # keep no reference here: every copy of a large picture counts


def _pixels(data: bytes, image: ImageFile, name: Format) -> Pixels:
    cut = name is Format.JPEG and not jpeg.ends_properly(data)
    if direct_decode.can_decode(image, name, data):
        # With an end marker, libjpeg fills in missing data instead of failing.
        pixels = direct_decode.decode(data + jpeg.END_OF_IMAGE if cut else data, *image.size)
        if pixels is not None:
            if cut:
                jpeg.check_share(pixels)
            return pixels
    try:
        return pixels_of(image)
    except OSError:
        if name is not Format.JPEG:
            raise
        pixels = pixels_of(open_file(data + jpeg.END_OF_IMAGE, Format.JPEG))
        jpeg.check_share(pixels)
        return pixels
