"""What JPEG needs beyond its decoder: files that end early, floods of scans, what its decoder keeps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crnn_ocr.errors import ImageDecodeError

if TYPE_CHECKING:  # the process that draws PDFs has no NumPy
    from crnn_ocr.pixels import Pixels

END_OF_IMAGE = b"\xff\xd9"
MOST_SCANS = 100
"""Progressive files have some ten scans. Thousands of tiny ones cost a pass over the whole picture each."""

LEAST_SHARE = 0.98
"""Share of a picture's rows that must be there for a file that ends early to be read all the same."""

_START_OF_SCAN = 0xDA
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # tables and extensions are between them
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # neither a stuffed zero nor a restart marker
_FILL = 128  # what libjpeg puts where data is missing: luminance and both chromas in the middle


def check_scans(data: bytes) -> None:
    """Refuse a JPEG that would keep the decoder busy for hours.

    Raises:
        ImageDecodeError: More than `MOST_SCANS` scans.
    """
    # An upper bound first: the two bytes may stand anywhere, also in what follows the picture.
    if data.count(b"\xff\xda") <= MOST_SCANS:
        return
    scans = 0
    position = 2
    while match := _MARKER.search(data, position):
        marker = data[match.start() + 1]
        if marker == END_OF_IMAGE[1]:
            break
        scans += marker == _START_OF_SCAN
        if scans > MOST_SCANS:
            raise ImageDecodeError(
                f"The JPEG has more than {MOST_SCANS} scans: such files are made to do harm."
            )
        length = int.from_bytes(data[match.end() : match.end() + 2], "big")
        position = match.end() + length


def frame_size(data: bytes) -> tuple[int, int] | None:
    """Read width and height from the frame header (ITU-T T.81, B.2.2); None where there is none."""
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
    """Whether the end marker stands where the file ends, give or take some padding."""
    return END_OF_IMAGE in data[-1024:]


def coefficients_per_pixel(data: bytes) -> float:
    """How many coefficients per pixel a decoder keeps until the picture is complete; 0 for ordinary files.

    Where the components come in one scan, rows are decoded as they come. Progressive files and those with a
    scan for each component are kept as coefficients, 16 bits each (ITU-T T.81, A.2 and G).
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
    """Judge how much of a JPEG that ends early is there.

    Args:
        pixels: (H, W) or (H, W, 3), as stored, decoded with an end marker put behind the data.

    Raises:
        ImageDecodeError: Less than `LEAST_SHARE` of the rows: text would be missing without a word.
    """
    height = pixels.shape[0]
    present = height
    while present and (pixels[present - 1] == _FILL).all():
        present -= 1
    if present < LEAST_SHARE * height:
        percent = 100 * present // height
        raise ImageDecodeError(f"The JPEG is cut short: only {percent} % of the picture is there.")
