"""Find bullets that stand before a line in the picture and are missing in its text.

Detectors of text often leave out a lone dot or square. A list without its dots reads like a paragraph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from crnn_ocr.document import Line
from crnn_ocr.layout.picture.looks import grey_of
from crnn_ocr.pixels import Pixels

# Lengths are in sizes of the type.
#: Where a bullet stands to the left of its line.
_NEAREST, _FARTHEST = 0.15, 2.6
#: Sides of a bullet, and the ratio of them.
_LEAST, _MOST, _OBLONG = 0.12, 0.85, 1.8
#: Least share of its box that is ink, so that letters are none.
_FILLED = 0.4
#: Least share of the height above and below its middle.
_MIDDLE = 0.22
#: Most distance of two bullets of one list along x.
_SAME_PLACE = 0.4
#: Least difference of ink from paper.
_CONTRAST = 50


def bulleted(image: Pixels, lines: Sequence[Line], sizes: Sequence[float]) -> list[bool]:
    """Return for each line whether a bullet stands before it; one that stands alone on the page is none.

    Args:
        image: The upright page, (H, W) grey or (H, W, 3) BGR.
        lines: Lines that run from left to right; coordinates are pixels of the upright page.
        sizes: Sizes of their type in pixels.
    """
    places = [_bullet(image, line, size) for line, size in zip(lines, sizes, strict=True)]
    found = []
    for at, place in enumerate(places):
        mates = (
            other
            for beside, other in enumerate(places)
            if beside != at and place is not None and other is not None
        )
        found.append(
            any(place is not None and abs(place - other) < _SAME_PLACE * sizes[at] for other in mates)
        )
    return found


def _bullet(image: Pixels, line: Line, size: float) -> float | None:
    """Return the x of the middle of the only mark to the left of a line if it is a bullet."""
    xs, ys = [x for x, _ in line.polygon], [y for _, y in line.polygon]
    left, right = math.floor(min(xs) - _FARTHEST * size), math.floor(min(xs) - _NEAREST * size)
    top, bottom = math.floor(min(ys)), math.ceil(max(ys))
    left, top, bottom = max(0, left), max(0, top), min(image.shape[0], bottom)
    right = min(right, image.shape[1])
    if right - left < 3 or bottom - top < 5 or bottom - top > 3 * size:
        return None
    crop = image[top:bottom, left:right]
    grey = grey_of(crop)
    paper = float(np.median(grey))
    ink = (np.abs(grey.astype(np.int16) - paper) > _CONTRAST).astype(np.uint8)
    count, _, stats, middles = cv2.connectedComponentsWithStats(ink)
    marks = [at for at in range(1, count) if max(stats[at][2], stats[at][3]) >= _LEAST * size]
    if len(marks) != 1:
        return None
    x, _, width, height, area = (int(value) for value in stats[marks[0]])
    narrow, wide = sorted((width, height))
    y = float(middles[marks[0]][1]) / (bottom - top)
    if (
        x == 0
        or x + width == right - left
        or wide > _MOST * size
        or wide > _OBLONG * narrow
        or area < _FILLED * width * height
        or not _MIDDLE < y < 1 - _MIDDLE
    ):
        return None
    return left + float(middles[marks[0]][0])
