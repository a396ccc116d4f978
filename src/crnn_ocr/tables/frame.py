"""Shows a page in another position: made straight, or a part of it that lies on its side made upright."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.document import Line, Point, Polygon, line_with_polygons
from crnn_ocr.pixels import Pixels

#: Skew in degrees from which a page is made straight: 0.4 degrees are 7 of 1,000 pixels, half a line.
_LEAST_SKEW = 0.4
#: Greatest skew in degrees that is one; more is a picture of something at an angle.
_GREATEST_SKEW = 12.0
#: Least width of a line, in heights, whose direction counts.
_LONG = 3.0


@dataclass(frozen=True, slots=True)
class Frame:
    """A movement of the page.

    Attributes:
        matrix: (2, 3) affine matrix from the page to the frame.
        inverse: (2, 3) affine matrix back.
        width: Width of the frame in pixels.
        height: Its height.
    """

    matrix: NDArray[np.float64]
    inverse: NDArray[np.float64]
    width: int
    height: int

    def picture(self, image: Pixels) -> Pixels:
        """Return the page in the frame."""
        moved = cv2.warpAffine(
            image,
            self.matrix,
            (self.width, self.height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return moved.astype(np.uint8, copy=False)

    def to(self, polygon: Polygon) -> Polygon:
        """Return a polygon of the page in the frame."""
        return _moved(self.matrix, polygon)

    def back(self, polygon: Polygon) -> Polygon:
        """Return a polygon of the frame on the page."""
        return _moved(self.inverse, polygon)

    def line(self, line: Line) -> Line:
        """Return a line of the page in the frame."""
        return line_with_polygons(line, self.to)

    def line_back(self, line: Line) -> Line:
        """Return a line of the frame on the page."""
        return line_with_polygons(line, self.back)


def _moved(matrix: NDArray[np.float64], polygon: Polygon) -> Polygon:
    def point(at: Point) -> Point:
        x, y = at
        (a, b, c), (d, e, f) = matrix.tolist()
        return a * x + b * y + c, d * x + e * y + f

    p, q, r, s = polygon
    return point(p), point(q), point(r), point(s)


def _frame(matrix: NDArray[np.float64], width: float, height: float) -> Frame:
    return Frame(
        matrix, cv2.invertAffineTransform(matrix).astype(np.float64), math.ceil(width), math.ceil(height)
    )


def frame_of_skew(image: Pixels, lines: Sequence[Line]) -> Frame | None:
    """Return the frame in which the lines of a page are level, or None if they are so already."""
    angle = skew(lines)
    if not _LEAST_SKEW <= abs(angle) <= _GREATEST_SKEW:
        return None
    height, width = image.shape[:2]
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    corners = [(x * cos + y * sin, y * cos - x * sin) for x in (0, width) for y in (0, height)]
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    right, bottom = max(x for x, _ in corners), max(y for _, y in corners)
    return _frame(np.array([[cos, sin, -left], [-sin, cos, -top]]), right - left, bottom - top)


def skew(lines: Sequence[Line]) -> float:
    """Return the angle of the lines of a page in degrees, positive if they fall to the right.

    It is the median over long lines, each counted by its length.
    """
    angles, weights = [], []
    for line in lines:
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = line.polygon
        along = (x1 + x2 - x0 - x3) / 2, (y1 + y2 - y0 - y3) / 2
        length = math.hypot(*along)
        if length > _LONG * math.hypot(x3 - x0, y3 - y0) and abs(along[1]) < abs(along[0]):
            angles.append(math.degrees(math.atan2(along[1], abs(along[0])) * (1 if along[0] > 0 else -1)))
            weights.append(length)
    if not angles:
        return 0.0
    order = np.argsort(angles, kind="stable")
    summed = np.cumsum(np.array(weights)[order])
    return float(np.array(angles)[order][int(np.searchsorted(summed, summed[-1] / 2))])


def is_turned(line: Line, *, clockwise: bool) -> bool:
    """Return whether a line is print on its side: turned clockwise it runs down, otherwise up.

    A column of characters that stand upright runs down too, but its polygon starts with its short side.
    """
    (x0, y0), (x1, y1), _, _ = line.polygon
    down = y1 - y0 if clockwise else y0 - y1
    return down > 2 * abs(x1 - x0)


def turned_frame(image: Pixels, *, clockwise: bool) -> Frame:
    """Return the frame in which print that was turned by 90 degrees is upright."""
    height, width = image.shape[:2]
    if clockwise:
        return _frame(np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, float(width)]]), height, width)
    return _frame(np.array([[0.0, -1.0, float(height)], [1.0, 0.0, 0.0]]), height, width)
