"""Convert polygons, their points and upright boxes. Pure functions."""

from __future__ import annotations

from typing import Literal

from crnn_ocr.document import Point, Polygon

#: Left, top, right and bottom in pixels.
Box = tuple[float, float, float, float]
#: Clockwise rotation in degrees.
Turn = Literal[0, 90, 180, 270]


def bounds(*polygons: Polygon) -> Box:
    """Return the smallest upright box around polygons.

    Raises:
        ValueError: There are no polygons.
    """
    xs = [x for polygon in polygons for x, _ in polygon]
    ys = [y for polygon in polygons for _, y in polygon]
    return min(xs), min(ys), max(xs), max(ys)


def corners(box: Box) -> Polygon:
    """Return the corners of an upright box, clockwise from its upper left one."""
    left, top, right, bottom = box
    return (left, top), (right, top), (right, bottom), (left, bottom)


def unturn_point(point: Point, turn: Turn, width: float, height: float) -> Point:
    """Convert a point of the turned picture to the original picture.

    Args:
        point: (x, y) in the turned picture, in pixels.
        turn: Clockwise rotation of the original in degrees.
        width: Width of the original in pixels.
        height: Height of the original in pixels.

    Returns:
        (x, y) in the original picture.
    """
    x, y = point
    if turn == 90:
        return y, height - x
    if turn == 180:
        return width - x, height - y
    if turn == 270:
        return width - y, x
    return x, y
