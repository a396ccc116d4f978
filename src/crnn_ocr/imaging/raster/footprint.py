"""Estimate from a picture's header how much memory decoding takes.

The figures were measured with pictures of 50 million pixels: the peak of a fresh process minus its initial
memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crnn_ocr.imaging.formats import Format

if TYPE_CHECKING:
    from PIL.Image import Image

#: Bytes per pixel that a decoder of WebP takes, with Pillow's own copy; nearly all of it once it is opened.
WEBP = 13
#: Bytes per pixel that decoders keep beside Pillow's own copy.
_OWN = {Format.WEBP: WEBP - 4.0}
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


def stored(image: Image, name: Format) -> float:
    """Return the bytes per pixel that Pillow and its decoder keep of a picture."""
    return _STORED.get(image.mode, 4) + _OWN.get(name, 0.0)


def converted(mode: str, *, turned: bool, transparent: bool) -> float:
    """Return the bytes per pixel of converting a picture, including the result of 1 or 3 bytes.

    Args:
        mode: Pillow's mode.
        turned: Whether it must be turned upright afterwards.
        transparent: Whether it has transparency.
    """
    result = 1.0 if mode in _GREY or mode in _DEEP else 3.0
    return (2 * result if turned else result) + _DEEP.get(mode, 0) + (1 if transparent else 0)
