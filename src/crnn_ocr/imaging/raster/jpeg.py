"""Check JPEG files beyond what decoders do: truncated files, too many scans, memory for coefficients."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from crnn_ocr.errors import ImageDecodeError

if TYPE_CHECKING:  # the process that draws PDFs has no NumPy
    from crnn_ocr.pixels import Pixels

END_OF_IMAGE = b"\xff\xd9"
MOST_SCANS = 100
"""Progressive files have about ten scans. Every scan, however small, costs a pass over the whole picture."""

USUAL_SCANS = 30
"""A picture of any size may have so many."""

MOST_SCANNED = 500_000_000
"""Pixels that all scans together may go over, where there are more than usual."""

MOST_SEGMENTS = 5_000
"""Segments before the first scan. Camera files have about twenty, with depth maps some hundred."""

MOST_EXIF = 32
"""Segments with Exif data, which Pillow joins one by one. There is one, unless it is larger than 64 KiB."""

MOST_JUNK = 64 * 1024
"""Bytes between segments, which Pillow reads one by one."""

LEAST_SHARE = 0.98
"""Least share of a picture's rows that must be present for a truncated file to be read."""

_START_OF_SCAN = 0xDA
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # these three are tables and extensions
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # neither a stuffed zero nor a restart marker
_FILL = 128  # libjpeg's value for missing data: luminance and both chromas at mid-range


def check_header(data: bytes, check: Callable[[], None]) -> None:
    """Refuse a JPEG whose header has so many segments, or so much between them, that it is read for minutes.

    Args:
        data: The whole file.
        check: Called for every segment; an exception from it ends the walk.

    Raises:
        ImageDecodeError: The file has more than `MOST_SEGMENTS` segments before its first scan, more than
            `MOST_EXIF` with Exif data, or more than `MOST_JUNK` bytes that belong to none.
    """
    segments = exif = junk = 0
    position = 2
    while match := _MARKER.search(data, position):
        check()
        segments += 1
        exif += data.startswith(b"Exif\0", match.end() + 2)
        junk += match.start() - position
        if segments > MOST_SEGMENTS or exif > MOST_EXIF or junk > MOST_JUNK:
            raise ImageDecodeError("The JPEG's header is far too long: such files are made to do harm.")
        if data[match.start() + 1] in (_START_OF_SCAN, END_OF_IMAGE[1]):
            return
        position = match.end() + int.from_bytes(data[match.end() : match.end() + 2], "big")


def check_scans(data: bytes, pixels: int = 0, check: Callable[[], None] = lambda: None) -> None:
    """Refuse a JPEG that would keep the decoder busy for hours.

    Args:
        data: The whole file.
        pixels: Width times height; large pictures may have fewer scans.
        check: Called for every segment; an exception from it ends the walk.

    Raises:
        ImageDecodeError: The file has more than `MOST_SCANS` scans, or more than `USUAL_SCANS` that together
            go over more than `MOST_SCANNED` pixels.
    """
    most = max(USUAL_SCANS, min(MOST_SCANS, MOST_SCANNED // max(1, pixels)))
    # An upper bound first: the two bytes may occur anywhere, even behind the picture.
    if data.count(b"\xff\xda") <= most:
        return
    scans = 0
    position = 2
    while match := _MARKER.search(data, position):
        check()
        marker = data[match.start() + 1]
        if marker == END_OF_IMAGE[1]:
            break
        scans += marker == _START_OF_SCAN
        if scans > most:
            raise ImageDecodeError(f"The JPEG has more than {most} scans: such files are made to do harm.")
        length = int.from_bytes(data[match.end() : match.end() + 2], "big")
        position = match.end() + length


def frame_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels from the frame header (ITU-T T.81, B.2.2); None if there is none."""
    position = 2
    while match := _MARKER.search(data, position):
        marker = data[match.start() + 1]
        place = match.end()
        if marker in _START_OF_FRAME:
            height = int.from_bytes(data[place + 3 : place + 5], "big")
            return int.from_bytes(data[place + 5 : place + 7], "big"), height
        if marker == _START_OF_SCAN:
            break
        position = place + int.from_bytes(data[place : place + 2], "big")
    return None


def ends_properly(data: bytes) -> bool:
    """Return whether the file ends with the end marker, apart from some padding."""
    return END_OF_IMAGE in data[-1024:]


def coefficients_per_pixel(data: bytes) -> float:
    """Return how many coefficients per pixel a decoder keeps until the picture is complete.

    If one scan holds all components, rows are decoded as they arrive, and the result is 0. Progressive files
    and files with one scan per component are kept as coefficients of 16 bits each (ITU-T T.81, A.2 and G).
    """
    factors: list[tuple[int, int]] = []
    progressive = False
    position = 2
    while match := _MARKER.search(data, position):
        marker = data[match.start() + 1]
        place = match.end()
        head = data[place : place + 8]
        if len(head) < 8:
            break
        if marker in _START_OF_FRAME:
            progressive = marker in _PROGRESSIVE
            sampling = data[place + 9 : place + 8 + 3 * head[7] : 3]
            factors = [(value >> 4, value & 15) for value in sampling]
        elif marker == _START_OF_SCAN:
            if not factors or not (progressive or head[2] < len(factors)):
                break
            across, down = max(h for h, _ in factors), max(v for _, v in factors)
            return sum(h * v for h, v in factors) / max(1, across * down)
        position = place + int.from_bytes(head[:2], "big")
    return 0.0


def check_share(pixels: Pixels) -> None:
    """Check how much of a truncated JPEG is present.

    Args:
        pixels: (H, W) or (H, W, 3), uint8, as stored; decoded with an end marker appended to the data.

    Raises:
        ImageDecodeError: Less than `LEAST_SHARE` of the rows is present, so text would be missing silently.
    """
    height = pixels.shape[0]
    present = height
    while present and (pixels[present - 1] == _FILL).all():
        present -= 1
    if present < LEAST_SHARE * height:
        percent = 100 * present // height
        raise ImageDecodeError(f"The JPEG is cut short: only {percent} % of the picture is there.")
