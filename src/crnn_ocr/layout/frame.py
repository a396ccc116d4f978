"""Find the page's dominant direction and convert polygons to boxes in that frame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from crnn_ocr.document import Point, Polygon
from crnn_ocr.layout.prose import prose

#: Ratio of height to width from which a box is tall: a column or text turned by a quarter.
TALL = 2.0


@dataclass(frozen=True, slots=True)
class Box:
    """A line of text, or several lines read as one unit, in the deskewed frame (pixels, y down).

    Attributes:
        left: Smallest x.
        top: Smallest y.
        right: Largest x.
        bottom: Largest y.
        members: Indices of the lines that it contains, in reading order.
        downward: For tall boxes: whether the text runs from top to bottom (columns, text turned clockwise).
        prose: Score of its text as running text, see `prose`; 0 if unknown.
        column: Whether it is known to be a column of upright characters, however short.
        unit: Whether it is a table or a figure, which is read as a whole and says nothing about the text.
    """

    left: float
    top: float
    right: float
    bottom: float
    members: tuple[int, ...]
    downward: bool = True
    prose: float = 0.0
    column: bool = False
    unit: bool = False

    @property
    def width(self) -> float:
        """Extent along x."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Extent along y."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """The y of the centre."""
        return (self.top + self.bottom) / 2

    @property
    def tall(self) -> bool:
        """Whether it is a column or much higher than wide."""
        return not self.unit and (self.column or self.height >= TALL * self.width)


def upright_boxes(
    polygons: Sequence[Polygon],
    texts: Sequence[str] = (),
    columns: Sequence[bool] = (),
    units: Sequence[Polygon] = (),
) -> list[Box]:
    """Convert every polygon to a box in the frame in which most of the text is horizontal.

    The result depends neither on the order of the polygons nor on the page's rotation or skew.

    Args:
        polygons: Corners of the lines in pixels.
        texts: Texts of the lines; may be empty.
        columns: Whether each line is known to be a column of upright characters; empty if none is.
        units: Corners of tables and figures; their indices follow those of the lines.

    Returns:
        The boxes, sorted from top to bottom, then from left to right.
    """
    # A sum of floats depends on the order of its terms, so the order must not come from the caller.
    canonical = sorted(range(len(polygons)), key=lambda i: (polygons[i], texts[i] if texts else ""))
    angle = dominant_angle([polygons[i] for i in canonical])
    boxes = [_box(polygons[i], angle, i) for i in canonical]
    if texts:
        boxes = [replace(box, prose=prose(texts[box.members[0]])) for box in boxes]
    if any(columns):
        boxes = [replace(box, column=columns[box.members[0]]) for box in boxes]
    boxes += [
        replace(_box(units[i], angle, len(polygons) + i), unit=True)
        for i in sorted(range(len(units)), key=lambda i: units[i])
    ]
    # The sort is stable: equal boxes stay in the canonical order.
    return sorted(boxes, key=lambda box: (box.top, box.left, box.bottom, box.right))


def dominant_angle(polygons: Iterable[Polygon]) -> float:
    """Return the direction in which most of the text runs, in radians clockwise from the x axis.

    Lines vote first for a quarter turn and then for the angle within it (weighted median). A line's weight is
    the difference of its sides, because a longer line has a more certain direction.
    """
    votes: dict[int, list[tuple[float, float]]] = {0: [], 1: [], 2: [], 3: []}
    for polygon in polygons:
        angle, weight = _direction(polygon)
        quarter = round(angle / (math.pi / 2))
        votes[quarter % 4].append((angle - quarter * math.pi / 2, weight))
    quarter, ballots = max(
        votes.items(), key=lambda entry: (sum(weight for _, weight in entry[1]), len(entry[1]), -entry[0])
    )
    return quarter * math.pi / 2 + _weighted_median(ballots)


def _direction(polygon: Polygon) -> tuple[float, float]:
    """Return (angle, weight) of one line; a box that is higher than wide is measured along its height."""
    (along_x, along_y), (down_x, down_y) = _axes(polygon)
    along, down = math.hypot(along_x, along_y), math.hypot(down_x, down_y)
    angle = math.atan2(along_y, along_x) if along >= down else math.atan2(-down_x, down_y)
    return angle, abs(along - down)


def _axes(polygon: Polygon) -> tuple[Point, Point]:
    """Return the mean vectors from left to right and from top to bottom, in the text's own orientation."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = polygon
    along = ((bx - ax + cx - dx) / 2, (by - ay + cy - dy) / 2)
    down = ((dx - ax + cx - bx) / 2, (dy - ay + cy - by) / 2)
    return along, down


def _weighted_median(ballots: Sequence[tuple[float, float]]) -> float:
    half = sum(weight for _, weight in ballots) / 2
    if half <= 0:
        return 0.0
    seen = 0.0
    ordered = sorted(ballots)
    for (value, weight), (following, _) in pairwise([*ordered, ordered[-1]]):
        seen += weight
        if seen > half:
            return value
        if seen == half:
            return (value + following) / 2
    return ordered[-1][0]


def _box(polygon: Polygon, angle: float, index: int) -> Box:
    """Return a polygon's box in a frame turned by `angle`; a steeper line gets its bounding box."""
    cosine, sine = math.cos(angle), math.sin(angle)

    def turn(point: Point) -> Point:
        return point[0] * cosine + point[1] * sine, point[1] * cosine - point[0] * sine

    corners = [turn(point) for point in polygon]
    along, down = (turn(vector) for vector in _axes(polygon))
    left, right = min(x for x, _ in corners), max(x for x, _ in corners)
    top, bottom = min(y for _, y in corners), max(y for _, y in corners)
    slope = abs(math.remainder(math.atan2(along[1], along[0]), math.pi))
    if slope < math.radians(20) and math.hypot(*along) > math.hypot(*down):
        # A slightly skewed line is as high as its text, not as its bounding box.
        middle = sum(y for _, y in corners) / 4
        half = math.hypot(*down) / 2
        top, bottom = middle - half, middle + half
    # In text that runs upwards, the direction from left to right points up.
    downward = not (abs(along[1]) > abs(along[0]) and along[1] < 0)
    return Box(left, top, right, bottom, (index,), downward)
