"""From encoded files, Pillow images and arrays to upright uint8 pages."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from crnn_ocr.errors import ImageEmptyError
from crnn_ocr.imaging.formats import Format, sniff
from crnn_ocr.imaging.geometry import apply_orientation
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.imaging.pdf.pages import PdfPages, decode_pdf
from crnn_ocr.imaging.raster.decoder import RasterPages, decode_raster, orientation_of, translated
from crnn_ocr.imaging.raster.pixels import pixels_of, pixels_of_array
from crnn_ocr.pixels import Pixels
from crnn_ocr.scheduling.ticket import Ticket

__all__ = ["Limits", "Pixels", "decode_pages", "from_array", "from_pil"]


def decode_pages(
    data: bytes | bytearray | memoryview, limits: Limits, *, pdf_dpi: int = 200, ticket: Ticket | None = None
) -> PdfPages | RasterPages:
    """Decode a picture or a document into its pages.

    The format is told by the bytes, never by a name. The type, the header and the number of pages are
    checked by the call itself; pixels are decoded one page at a time as the iterator is drawn. Of an
    animation the first picture is read. A JPEG that ends early is read if at least 98 % of its rows are
    there; other damaged files are refused.

    Args:
        data: The whole file.
        limits: What to refuse.
        pdf_dpi: Resolution at which PDF pages are drawn, in pixels per inch.
        ticket: Until when the pages of a PDF are wanted, as drawing them may take long; always, when None.

    Returns:
        The pages: (H, W) grey or (H, W, 3) BGR, uint8, C-contiguous, upright (Exif and TIFF orientation
        applied), transparency composited.

    Raises:
        ImageEmptyError: No bytes.
        ImageTooLargeError: More bytes, pixels or pages than the limits allow.
        UnsupportedImageError: Not a picture, or none of a supported format.
        ImageDecodeError: The file is damaged; also while the iterator is drawn.
        PdfPasswordError: The PDF is encrypted.
        MissingExtraError: It is a PDF, and the extra `pdf` is not installed.
        OcrError: It is a PDF, and one of the other errors of `pdf.decode_pdf`.
    """
    limits.check_bytes(len(data))
    data = bytes(data)
    if not data:
        raise ImageEmptyError("The picture is empty: it has 0 bytes.")
    name = sniff(data)
    if name is Format.PDF:
        return decode_pdf(data, limits, dpi=pdf_dpi, ticket=ticket)
    return decode_raster(data, name, limits)


def from_pil(image: Image.Image, limits: Limits | None = None) -> Pixels:
    """Take over a Pillow image as a person would see it: orientation applied, transparency composited.

    Args:
        image: Any mode; it is loaded if necessary and otherwise left as it is. Of an animation or a document
            the frame that it stands at.
        limits: What to refuse; nothing when None.

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
    """Take over an array.

    Args:
        array: (H, W) or (H, W, 1) grey, (H, W, 3) BGR, (H, W, 4) BGRA or (H, W, 2) grey and alpha. uint8 is
            taken as it is, without a copy where possible; bools, wider integers and floats are scaled as
            `pixels.to_uint8` describes.
        limits: What to refuse; nothing when None.

    Returns:
        (H, W) grey or (H, W, 3) BGR, uint8, C-contiguous; it may be `array` itself.

    Raises:
        UnsupportedImageError: The shape or the type is none of these.
        ImageTooLargeError: The array exceeds the limits.
    """
    array = np.asarray(array)
    if limits is not None and array.ndim >= 2 and array.size:
        limits.check_size(int(array.shape[1]), int(array.shape[0]))
    return pixels_of_array(array)
