"""Large opaque pictures straight into their final array.

Pillow keeps four bytes for a pixel, three of which are then copied; its decoder of WebP takes nine more. What
OpenCV decodes from memory is copied once by its binding. Only `cv2.imread` writes into the array that Python
gets: three bytes for a pixel, in two thirds of the time. So the file is shown to it through a descriptor in
memory (Linux); nothing is written to a disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.imaging.formats import Format
from crnn_ocr.pixels import Pixels

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile


LEAST_PIXELS = 4_000_000
"""From here on a picture's memory matters more than the microseconds of the way around."""

_FLAGS = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
_PNG_METADATA = {b"eXIf", b"iTXt", b"zTXt", b"tEXt"}
_DEPTH, _KIND = 24, 25  # offsets into a PNG: bits of a channel, and what the channels are
_TRUE_COLOUR = 2


def can_decode(image: ImageFile, name: Format, data: bytes) -> bool:
    """Whether `decode` gives what Pillow would, for less.

    Args:
        image: The picture, of which Pillow has read the header.
        name: Its format.
        data: The whole file.
    """
    width, height = image.size
    if width * height < LEAST_PIXELS or image.mode != "RGB" or image.has_transparency_data:
        return False
    if name is Format.PNG:
        deep = data[_DEPTH] != 8 or data[_KIND] != _TRUE_COLOUR
        # Pillow finds what stands behind the pixels, such as the orientation, only by decoding them.
        return not deep and not _PNG_METADATA & set(_png_chunks_behind(data))
    if name is Format.WEBP:
        return getattr(image, "n_frames", 1) == 1
    return name is Format.JPEG


def decode(data: bytes, width: int, height: int) -> Pixels | None:
    """Decode a colour picture.

    Args:
        data: The whole file, JPEG, PNG or WebP.
        width: In pixels, by its header.
        height: Likewise.

    Returns:
        (H, W, 3) BGR as stored (not turned upright), or None where OpenCV does not get that from the file.
    """
    try:
        pixels = _imread(data) if hasattr(os, "memfd_create") else _imdecode(data)
    except (cv2.error, OSError):
        return None
    if pixels is None or pixels.shape != (height, width, 3) or pixels.dtype != np.uint8:
        return None
    return pixels.astype(np.uint8, copy=False)


def _png_chunks_behind(data: bytes) -> Iterator[bytes]:
    """Types of the chunks behind the first with pixels (PNG specification, 5.3)."""
    place = 8
    behind = False
    while place + 8 <= len(data):
        kind = data[place + 4 : place + 8]
        if behind:
            yield kind
        behind = behind or kind == b"IDAT"
        place += 12 + int.from_bytes(data[place : place + 4], "big")


def _imread(data: bytes) -> NDArray[Any] | None:
    descriptor = os.memfd_create("picture", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        path = Path(f"/proc/self/fd/{descriptor}")
        # With a place for the result: the variant that only returns it copies it, too.
        return cv2.imread(str(path), None, _FLAGS) if path.exists() else _imdecode(data)
    finally:
        os.close(descriptor)


def _imdecode(data: bytes) -> NDArray[Any] | None:
    return cv2.imdecode(np.frombuffer(data, np.uint8), _FLAGS)
