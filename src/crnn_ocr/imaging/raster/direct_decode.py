"""Decode large opaque pictures directly into their final array.

Pillow keeps four bytes per pixel, of which three are then copied; its WebP decoder takes nine more. OpenCV's
Python binding copies what it decodes from memory once. Only `cv2.imread` writes into the array that Python
gets: three bytes per pixel, in two thirds of the time. So the file is passed to it through a memory file
descriptor (Linux). Nothing is written to a disk.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.imaging.formats import Format
from crnn_ocr.imaging.raster import png
from crnn_ocr.pixels import Pixels

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile


LEAST_PIXELS = 4_000_000
"""From this many pixels on, saving memory matters more than the microseconds that the detour costs."""

_FLAGS = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
_PNG_METADATA = {b"eXIf", b"iTXt", b"zTXt", b"tEXt"}
_DEPTH, _KIND = 24, 25  # offsets in a PNG: bits per channel, and the colour type
_TRUE_COLOUR = 2


def can_decode(image: ImageFile, name: Format, data: bytes) -> bool:
    """Return whether `decode` gives the same result as Pillow with less memory.

    Args:
        image: The picture, whose header Pillow has read.
        name: Its format.
        data: The whole file.
    """
    width, height = image.size
    if width * height < LEAST_PIXELS or image.mode != "RGB" or image.has_transparency_data:
        return False
    if name is Format.PNG:
        deep = data[_DEPTH] != 8 or data[_KIND] != _TRUE_COLOUR
        # Pillow finds metadata behind the pixels, such as the orientation, only by decoding them.
        behind = itertools.dropwhile(lambda kind: kind != b"IDAT", png.chunks(data))
        return not deep and not _PNG_METADATA & set(behind)
    if name is Format.WEBP:
        return getattr(image, "n_frames", 1) == 1
    return name is Format.JPEG


def decode(data: bytes, width: int, height: int) -> Pixels | None:
    """Decode a colour picture.

    Args:
        data: The whole file, JPEG, PNG or WebP.
        width: Width in pixels according to the header.
        height: Height in pixels according to the header.

    Returns:
        (H, W, 3) BGR, uint8, as stored (not turned upright); None if OpenCV cannot decode the file to that.
    """
    try:
        pixels = _imread(data) if hasattr(os, "memfd_create") else _imdecode(data)
    except (cv2.error, OSError):
        return None
    if pixels is None or pixels.shape != (height, width, 3) or pixels.dtype != np.uint8:
        return None
    return pixels.astype(np.uint8, copy=False)


def _imread(data: bytes) -> NDArray[Any] | None:
    descriptor = os.memfd_create("picture", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        path = Path(f"/proc/self/fd/{descriptor}")
        # With the argument for the result: the variant without it makes a copy.
        return cv2.imread(str(path), None, _FLAGS) if path.exists() else _imdecode(data)
    finally:
        os.close(descriptor)


def _imdecode(data: bytes) -> NDArray[Any] | None:
    return cv2.imdecode(np.frombuffer(data, np.uint8), _FLAGS)
