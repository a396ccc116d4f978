"""Estimate from a picture's header how much memory decoding takes.

The figures were measured with pictures of 50 million pixels: the peak of a fresh process minus its initial
memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crnn_ocr.imaging.formats import Format
from crnn_ocr.imaging.raster import direct_decode, jpeg

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

#: Bytes per pixel that decoders keep beside Pillow's own copy.
_OWN = {Format.WEBP: 9.0, Format.JPEG2000: 12.5, Format.AVIF: 2.5}
#: Bytes per pixel of Pillow's own copy, by mode; four for all others.
_STORED = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
#: Bytes per pixel of intermediate copies (16 bits or doubles) for grey of more than 8 bits.
_DEEP = {"I": 29, "F": 29, "I;16": 5, "I;16L": 5, "I;16B": 5, "I;16N": 5}
_GREY = ("1", "L", "LA", "La")


@dataclass(frozen=True, slots=True)
class Extent:
    """Size of a page and memory for decoding it.

    Attributes:
        width: Width in pixels.
        height: Height in pixels.
        memory: Peak bytes while it is decoded, including the result.
    """

    width: int
    height: int
    memory: int


def bytes_per_pixel(image: ImageFile, name: Format, data: bytes, *, turned: bool) -> float:
    """Return the peak bytes per pixel during decoding, including the result of 1 or 3 bytes.

    Args:
        image: The picture, whose header Pillow has read.
        name: Its format.
        data: The whole file.
        turned: Whether it must be turned upright afterwards.
    """
    mode = image.mode
    result = 1 if mode in _GREY or mode in _DEEP else 3
    total = 2.0 * result if turned else float(result)
    if name is Format.JPEG:
        total += 2 * jpeg.coefficients_per_pixel(data)
    if direct_decode.can_decode(image, name, data):
        return total
    total += _STORED.get(mode, 4) + _DEEP.get(mode, 0) + _OWN.get(name, 0.0)
    return total + 1 if image.has_transparency_data else total
