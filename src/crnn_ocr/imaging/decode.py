"""Turn encoded files, Pillow images and arrays into upright uint8 pages."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from crnn_ocr.errors import ImageEmptyError
from crnn_ocr.imaging.archive import ArchivePages
from crnn_ocr.imaging.formats import Format, sniff
from crnn_ocr.imaging.geometry import apply_orientation
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.page_source import EVERY_PICTURE, PageSource, Wanted
from crnn_ocr.imaging.pdf.pages import decode_pdf
from crnn_ocr.imaging.process.stored_file import StoredFile
from crnn_ocr.imaging.raster.decoder import decode_raster
from crnn_ocr.imaging.raster.files import orientation_of, translated
from crnn_ocr.imaging.raster.pixels import pixels_of, pixels_of_array
from crnn_ocr.imaging.raster.remote import RemotePages
from crnn_ocr.pixels import Pixels
from crnn_ocr.scheduling.ticket import Ticket

__all__ = ["Limits", "Pixels", "decode_pages", "from_array", "from_pil"]


def decode_pages(
    data: bytes | bytearray | memoryview | StoredFile,
    limits: Limits,
    *,
    pdf_dpi: int = 200,
    ticket: Ticket | None = None,
    wanted: Wanted = EVERY_PICTURE,
) -> PageSource:
    """Decode a picture or a document into its pages.

    The format is told by the bytes, never by a name. The call itself checks the type, the header and the
    number of pages; pixels are decoded one page at a time during iteration. Only the first picture of an
    animation is read. A JPEG that ends early is read if at least 98 % of its rows are there; other damaged
    files are refused.

    Args:
        data: The whole file, or where it is.
        limits: The largest input that is accepted.
        pdf_dpi: Resolution at which PDF pages are drawn, in pixels per inch.
        ticket: Deadline and cancellation of the request; None for no limit.
        wanted: Which pages, and whether the text of a PDF may be taken.

    Returns:
        The pages: (H, W) grey or (H, W, 3) BGR, uint8, C-contiguous. Exif and TIFF orientation are applied
        and transparency is composited.

    Raises:
        ImageEmptyError: The file has no bytes.
        ImageTooLargeError: More bytes, pixels or pages than the limits allow.
        UnsupportedImageError: The file is not a picture, or its format is not supported.
        ImageDecodeError: The file is damaged; also raised during iteration.
        InvalidOptionError: The file has none of the wanted pages.
        PdfPasswordError: The PDF is encrypted, and the password is missing or wrong.
        MissingExtraError: The file is a PDF and the extra `pdf` is not installed.
        OcrError: `decode_pdf` or `RemotePages` raised one of its other errors.
    """
    limits.check_bytes(len(data))
    if not len(data):
        raise ImageEmptyError("The picture is empty: it has 0 bytes.")
    if isinstance(data, StoredFile):
        name = sniff(data.head())
        if name is Format.TIFF:
            return RemotePages(data, name, limits, ticket or Ticket(), wanted.pages)
    else:
        data = bytes(data)
        name = sniff(data)
    if name is Format.PDF:
        return decode_pdf(data, limits, dpi=pdf_dpi, ticket=ticket, wanted=wanted)
    if isinstance(data, StoredFile):
        data = data.content(limits.max_bytes)
    if name is Format.ZIP:
        return ArchivePages(
            data, limits, partial(decode_pages, limits=limits, pdf_dpi=pdf_dpi), ticket, wanted
        )
    return decode_raster(data, name, limits, ticket, wanted.pages)


def from_pil(image: Image.Image, limits: Limits | None = None) -> Pixels:
    """Convert a Pillow image as a person would see it: orientation applied, transparency composited.

    Args:
        image: Any mode; it is loaded if necessary and otherwise left unchanged. The current frame of an
            animation or document is used.
        limits: The largest image that is accepted; None for no limit.

    Returns:
        (H, W) grey or (H, W, 3) BGR, uint8, C-contiguous.

    Raises:
        ImageTooLargeError: The image exceeds the limits.
        ImageDecodeError: Its file is damaged.
    """
    with translated(image.format or "Pillow"):
        if limits is not None:
            limits.check_size(*image.size)
        pixels = pixels_of(image)
        return apply_orientation(pixels, orientation_of(image))


def from_array(array: NDArray[Any], limits: Limits | None = None) -> Pixels:
    """Convert an array to the engine's layout.

    Args:
        array: (H, W) or (H, W, 1) grey, (H, W, 3) BGR, (H, W, 4) BGRA or (H, W, 2) grey and alpha. uint8 is
            used as it is, without a copy if possible; bools, wider integers and floats are scaled as
            `pixels.to_uint8` describes.
        limits: The largest array that is accepted; None for no limit.

    Returns:
        (H, W) grey or (H, W, 3) BGR, uint8, C-contiguous; it may be `array` itself.

    Raises:
        UnsupportedImageError: The shape or the type is not supported.
        ImageTooLargeError: The array exceeds the limits.
    """
    array = np.asarray(array)
    if limits is not None and array.ndim >= 2 and array.size:
        limits.check_size(int(array.shape[1]), int(array.shape[0]))
    return pixels_of_array(array)
