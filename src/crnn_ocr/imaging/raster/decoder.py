"""Decode raster pictures with Pillow, using one known decoder per format.

Pillow's `Image.open` would try unwanted decoders (such as Ghostscript for EPS) and checks sizes against
limits that are global to the process. So the decoder's class is called directly, after `formats.sniff` has
told the format, and the size is checked after reading the header and before decoding the pixels.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from PIL import ExifTags, Image

from crnn_ocr.errors import ImageDecodeError, ImageTooLargeError, OcrError, UnsupportedImageError
from crnn_ocr.imaging.formats import Format, embedded_icon, icon_bitmap_sizes, webp_size
from crnn_ocr.imaging.geometry import apply_orientation
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.raster import direct_decode, jpeg
from crnn_ocr.imaging.raster.footprint import Extent, bytes_per_pixel
from crnn_ocr.imaging.raster.pixels import pixels_of
from crnn_ocr.pixels import Pixels

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile
    from PIL.TiffImagePlugin import TiffImageFile

# Damaged metadata is not worth a line on stderr for each picture, and sizes are checked here, not by Pillow.
# The filter is set once, because `warnings.catch_warnings` is not thread-safe.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())  # else its warnings may go to stderr

_DECODERS: dict[Format, tuple[str, str]] = {
    Format.JPEG: ("JpegImagePlugin", "JpegImageFile"),
    Format.PNG: ("PngImagePlugin", "PngImageFile"),
    Format.GIF: ("GifImagePlugin", "GifImageFile"),
    Format.BMP: ("BmpImagePlugin", "BmpImageFile"),
    Format.TIFF: ("TiffImagePlugin", "TiffImageFile"),
    Format.WEBP: ("WebPImagePlugin", "WebPImageFile"),
    Format.AVIF: ("AvifImagePlugin", "AvifImageFile"),
    Format.JPEG2000: ("Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    Format.PNM: ("PpmImagePlugin", "PpmImageFile"),
    Format.QOI: ("QoiImagePlugin", "QoiImageFile"),
    Format.PSD: ("PsdImagePlugin", "PsdImageFile"),
    Format.ICO: ("IcoImagePlugin", "IcoImageFile"),
    Format.CUR: ("CurImagePlugin", "CurImageFile"),
    Format.ICNS: ("IcnsImagePlugin", "IcnsImageFile"),
    Format.TGA: ("TgaImagePlugin", "TgaImageFile"),
}

_SLOW_PIXELS = 4_000_000  # some decoders are pure Python and take a second or two per million pixels
_TAG_SUBFILE, _TAG_TILE_WIDTH, _TAG_TILE_HEIGHT = 254, 322, 323
_REDUCED = 1  # bit of the tag NewSubfileType: a smaller version of another page (TIFF 6.0, page 36)


def decode_raster(data: bytes, name: Format, limits: Limits) -> RasterPages:
    """Decode a picture, or the pages of a TIFF.

    Headers are checked at once; pixels are decoded during iteration.

    Args:
        data: The whole file.
        name: Its format, as returned by `sniff`; not `Format.PDF`.
        limits: The largest input that is accepted.

    Returns:
        The upright pages: (H, W) grey or (H, W, 3) BGR, uint8.

    Raises:
        ImageTooLargeError: The header claims more than the limits allow.
        ImageDecodeError: The file is damaged; also raised during iteration.
        UnsupportedImageError: This build of Pillow lacks the decoder.
    """
    if name in (Format.ICO, Format.CUR, Format.ICNS):
        inner = embedded_icon(data, name)
        if inner is not None:
            name = Format.PNG if inner.startswith(b"\x89PNG") else Format.JPEG2000
            return decode_raster(inner, name, limits)
        for width, height in icon_bitmap_sizes(data, name):
            limits.check_size(width, height)
    with translated(name):
        if name is Format.WEBP and (size := webp_size(data)):
            limits.check_size(*size)
        if name is Format.JPEG:
            jpeg.check_scans(data)
        image = _open(data, name)
        if name is Format.TIFF:
            pages = _check_tiff(image, limits, data)  # type: ignore[arg-type]
            return RasterPages(_tiff_pages(data, image, list(pages), limits), tuple(pages.values()))
        limits.check_size(*image.size)
        _check_slow(image, data, name)
        extent = _extent(image, name, data)
        limits.check_memory(extent.memory, name.value)
    return RasterPages(_one_page(data, image, name), (extent,))


class RasterPages(Iterator[Pixels]):
    """The pages of a picture, decoded one by one.

    Attributes:
        extents: Size and memory of each page according to the headers.
    """

    def __init__(self, images: Iterator[Pixels], extents: tuple[Extent, ...]) -> None:
        self._images = images
        self.extents = extents

    def __next__(self) -> Pixels:
        """Decode the next page; nothing else keeps a reference to it."""
        return next(self._images)


def _extent(image: ImageFile, name: Format, data: bytes) -> Extent:
    width, height = image.size
    each = bytes_per_pixel(image, name, data, turned=_is_turned(image, name))
    return Extent(width, height, round(each * width * height))


def _is_turned(image: ImageFile, name: Format) -> bool:
    """Return whether the picture will be turned, according to the header."""
    if name is Format.TIFF:
        return bool(image.tag_v2.get(ExifTags.Base.Orientation, 1) != 1)  # type: ignore[attr-defined]
    if name is Format.PNG:  # Pillow would cache what it has seen, and more may follow the pixels
        return "exif" in image.info
    return orientation_of(image) != 1


def orientation_of(image: Image.Image) -> int:
    """Return the Exif or XMP orientation of a Pillow image; 1 if there is none or it cannot be read."""
    try:
        # Not the method of PngImageFile, which decodes the pixels to find metadata behind them.
        value = Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged metadata may raise anything, but must not make the picture unreadable
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


@contextmanager
def translated(name: Format | str) -> Iterator[None]:
    """Translate any exception of a decoder into an `OcrError`.

    Args:
        name: The format, for the messages.
    """
    label = name.value if isinstance(name, Format) else name
    try:
        yield
    except OcrError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(f"The {label} picture has more pixels than its decoder takes.") from error
    except MemoryError as error:
        raise ImageTooLargeError(f"There is not enough memory for this {label} picture.") from error
    except Exception as error:
        # Decoders raise OSError, SyntaxError, ValueError, struct.error, KeyError … for damaged input.
        cut = isinstance(error, EOFError) or "truncated" in str(error).lower()
        what = "is cut short" if cut else "is damaged"
        raise ImageDecodeError(f"The {label} file {what}: it cannot be decoded.") from error


def _open(data: bytes, name: Format) -> ImageFile:
    module, class_name = _DECODERS[name]
    try:
        decoder: type[ImageFile] = getattr(import_module(f"PIL.{module}"), class_name)
    except (ImportError, AttributeError) as error:
        raise UnsupportedImageError(f"This installation of Pillow cannot read {name.value}.") from error
    return decoder(io.BytesIO(data))


def _check_slow(image: ImageFile, data: bytes, name: Format) -> None:
    """Refuse large pictures whose decoder is pure Python, because they would block a worker for minutes."""
    slow = (
        name in (Format.QOI, Format.ICO, Format.CUR, Format.ICNS)
        or (name is Format.BMP and image.info.get("compression") in (1, 2))  # run-length coded
        or (name is Format.PNM and data[1:2] in b"123")  # numbers as text
    )
    width, height = image.size
    if slow and width * height > _SLOW_PIXELS:
        raise ImageTooLargeError(
            f"The {name.value} picture has {width} × {height} pixels; this variant of the format is read "
            f"up to {_SLOW_PIXELS / 1e6:.0f} million.",
            hint="Save it as PNG.",
        )


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
        pixels = pixels_of(_open(data + jpeg.END_OF_IMAGE, Format.JPEG))
        jpeg.check_share(pixels)
        return pixels


def _check_tiff(image: TiffImageFile, limits: Limits, data: bytes) -> dict[int, Extent]:
    """Read all directories without pixels; return the index and extent of every page except thumbnails."""
    pages: dict[int, Extent] = {}
    first: Extent | None = None
    index = 0
    while True:
        try:
            image.seek(index)
        except EOFError:
            break
        limits.check_pages(len(pages) + 1, at_least=True)
        limits.check_size(*image.size)
        width, height = image.tag_v2.get(_TAG_TILE_WIDTH), image.tag_v2.get(_TAG_TILE_HEIGHT)
        if isinstance(width, int) and isinstance(height, int):
            limits.check_size(width, height)
        extent = _extent(image, Format.TIFF, data)
        first = first or extent
        subfile = image.tag_v2.get(_TAG_SUBFILE)
        if not (isinstance(subfile, int) and subfile & _REDUCED):
            pages[index] = extent
        index += 1
    if not pages and first is not None:
        pages[0] = first
    return pages


def _tiff_pages(data: bytes, image: ImageFile, pages: list[int], limits: Limits) -> Iterator[Pixels]:
    for index in pages:
        with translated(Format.TIFF):
            image.seek(index)
            limits.check_memory(_extent(image, Format.TIFF, data).memory, Format.TIFF.value)
            upright = [pixels_of(image)]  # Pillow turns TIFF pages upright by itself
        yield upright.pop()
    image.close()
