"""Tell where a pixel of a page's picture lies in the coordinates of the PDF page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pikepdf

from crnn_ocr.document import Point

#: Left, bottom, right and top.
Box = tuple[float, float, float, float]

#: What viewers take for a page without a usable MediaBox: US Letter in points.
_LETTER: Box = (0, 0, 612, 792)
#: Nodes of a page tree from a page to its root; more are a circle.
_DEEPEST = 100


def turned(point: Point, turn: int) -> Point:
    """Turn a point of the unit square, y down, clockwise about its centre by 0, 90, 180 or 270 degrees."""
    x, y = point
    return {0: (x, y), 90: (1 - y, x), 180: (1 - x, 1 - y), 270: (y, 1 - x)}[turn]


@dataclass(frozen=True, slots=True)
class Placement:
    """The visible part of a page, and how it differs from the picture that was read.

    The scale follows from the visible part and the size of the picture, so UserUnit does not matter.

    Attributes:
        box: The visible part in the page's coordinates.
        turn: Clockwise turn in degrees from the picture to the page before the page's own /Rotate: 0, 90, 180
            or 270.
    """

    box: Box
    turn: int

    def from_pixels(self, width: float, height: float) -> Callable[[Point], Point]:
        """Return the function that converts a pixel of the picture to the page's coordinates.

        Args:
            width: Width of the picture in pixels.
            height: Its height in pixels.
        """
        left, bottom, right, top = self.box

        def place(point: Point) -> Point:
            across, down = turned((point[0] / width, point[1] / height), self.turn)
            return left + across * (right - left), top - down * (top - bottom)

        return place


def placement_of(page: pikepdf.Object) -> Placement:
    """Return the placement of a page, as PDFium shows it."""
    media = _box(inherited(page, "/MediaBox")) or _LETTER
    crop = _box(inherited(page, "/CropBox")) or media
    visible = _intersection(media, crop) or media
    shown = inherited(page, "/Rotate")
    quarters = int(shown) // 90 % 4 if isinstance(shown, int | float | Decimal) else 0
    return Placement(visible, -90 * quarters % 360)


def inherited(page: pikepdf.Object, key: str) -> Any:
    """Return an entry of a page or of the nearest node above it that has it; None if none has it."""
    for node in _upwards(page):
        found = node.get(key)
        if found is not None:
            return found
    return None


def _upwards(page: pikepdf.Object) -> Iterator[pikepdf.Dictionary]:
    node: Any = page
    for _ in range(_DEEPEST):
        if not isinstance(node, pikepdf.Dictionary):
            return
        yield node
        node = node.get("/Parent")


def _box(value: Any) -> Box | None:
    """Return a rectangle with its corners in order; None if it is none or has no area."""
    try:
        a, b, c, d = (float(number) for number in value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return _with_area((min(a, c), min(b, d), max(a, c), max(b, d)))


def _intersection(one: Box, other: Box) -> Box | None:
    return _with_area(
        (max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3]))
    )


def _with_area(box: Box) -> Box | None:
    return box if box[2] > box[0] and box[3] > box[1] else None
