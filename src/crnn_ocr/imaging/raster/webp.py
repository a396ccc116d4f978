"""Read the headers of WebP files: canvas size, and whether the file is a plain lossy picture."""

from __future__ import annotations

import struct
from collections.abc import Callable

from crnn_ocr.errors import ImageDecodeError

MOST_CHUNKS = 10_000
"""A picture has a handful of chunks, an animation one for each frame."""

_PLAIN = frozenset((b"VP8 ", b"VP8X", b"ICCP", b"EXIF", b"XMP "))


def size(data: bytes) -> tuple[int, int] | None:
    """Read the canvas size from a WebP header (RFC 9649, section 2).

    libwebp's animation decoder allocates the canvas as soon as it is opened, so the size must be known
    before.

    Returns:
        Width and height in pixels, or None if the header is malformed.
    """
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L" and len(data) >= 25 and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(data) >= 30 and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def is_plain(data: bytes, check: Callable[[], None]) -> bool:
    """Return whether a file holds a single lossy picture without transparency.

    What its decoder takes is told by its size. A lossless picture or a transparency plane brings up to 65,536
    groups of prefix codes (RFC 9649, section 3.7.2.2), whose tables no header tells.

    Args:
        data: The whole file.
        check: Called for every chunk; an exception from it ends the walk.

    Raises:
        ImageDecodeError: The file has more than `MOST_CHUNKS` chunks, each of which its decoder remembers.
    """
    plain, chunks, place = True, 0, 12
    while place + 8 <= len(data):
        check()
        chunks += 1
        if chunks > MOST_CHUNKS:
            raise ImageDecodeError(
                f"The WebP has more than {MOST_CHUNKS} parts: such files are made to do harm."
            )
        plain = plain and data[place : place + 4] in _PLAIN
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        place += 8 + size + size % 2
    return plain
