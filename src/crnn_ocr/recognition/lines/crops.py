"""Crop lines from a page and turn the crops."""

from __future__ import annotations

import math

import cv2
import numpy as np

from crnn_ocr.document import Point, Polygon
from crnn_ocr.imaging.polygons import Turn, unturn_point
from crnn_ocr.pixels import Pixels

#: Clockwise rotation of a picture in degrees.

_CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def is_upright(polygon: Polygon) -> bool:
    """Return whether a polygon is an axis-aligned rectangle, whose crop needs no resampling."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = polygon
    return ax == dx and bx == cx and ay == by and cy == dy and bx > ax and dy > ay


def crop_size(image: Pixels, polygon: Polygon) -> tuple[int, int]:
    """Return width and height, in pixels, of the crop that `crop` returns."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = polygon
    if is_upright(polygon):
        left, right = _interval(ax, bx, image.shape[1])
        top, bottom = _interval(ay, dy, image.shape[0])
        return right - left, bottom - top
    width = round(max(math.dist((ax, ay), (bx, by)), math.dist((dx, dy), (cx, cy))))
    height = round(max(math.dist((ax, ay), (dx, dy)), math.dist((bx, by), (cx, cy))))
    return max(1, width), max(1, height)


def crop(image: Pixels, polygon: Polygon) -> Pixels:
    """Crop a four-cornered region and straighten it.

    Args:
        image: (H, W) or (H, W, 3), uint8.
        polygon: Corners in pixels, clockwise; the first becomes the top left of the crop. They may lie on the
            border.

    Returns:
        The region at its own size, at least 1×1, uint8. Crops of axis-aligned regions are views; others are
        resampled once.
    """
    if is_upright(polygon):
        (ax, ay), _, (cx, cy), _ = polygon
        left, right = _interval(ax, cx, image.shape[1])
        top, bottom = _interval(ay, cy, image.shape[0])
        return image[top:bottom, left:right]
    w, h = crop_size(image, polygon)
    target = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    matrix = cv2.getPerspectiveTransform(np.array(polygon, np.float32), target)
    return np.asarray(
        cv2.warpPerspective(image, matrix, (w, h), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


def turned(image: Pixels, turn: Turn) -> Pixels:
    """Return the picture turned clockwise by that many degrees."""
    return image if turn == 0 else np.asarray(cv2.rotate(image, _CODES[turn]), np.uint8)


def unturn(polygon: Polygon, turn: Turn, width: float, height: float) -> Polygon:
    """Convert all corners as `unturn_point` does; the first corner stays the text's own top left."""
    a, b, c, d = (unturn_point(point, turn, width, height) for point in polygon)
    return a, b, c, d


def turn_corners(polygon: Polygon, turn: Turn) -> Polygon:
    """Return the same polygon, starting at the top left of the text in a crop turned clockwise by `turn`."""
    a, b, c, d = polygon
    orders: dict[int, Polygon] = {0: (a, b, c, d), 90: (d, a, b, c), 180: (c, d, a, b), 270: (b, c, d, a)}
    return orders[turn]


def part(polygon: Polygon, start: float, end: float) -> Polygon:
    """Return the part of a line between two fractions of its length."""
    a, b, c, d = polygon

    def between(p: Point, q: Point, t: float) -> Point:
        return p[0] + (q[0] - p[0]) * t, p[1] + (q[1] - p[1]) * t

    return between(a, b, start), between(a, b, end), between(d, c, end), between(d, c, start)


def _interval(low: float, high: float, limit: int) -> tuple[int, int]:
    """Round [low, high] to whole pixels within [0, limit], at least one."""
    start = min(max(0, math.floor(low + 0.5)), limit - 1)
    return start, max(start + 1, min(limit, math.floor(high + 0.5)))
