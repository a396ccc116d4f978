"""Find the figures of a page: photographs, drawings, charts and logos."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.document import Line, Polygon
from crnn_ocr.layout.picture.looks import grey_of
from crnn_ocr.pixels import Pixels

#: Left, top, right and bottom in pixels.
Box = tuple[float, float, float, float]

#: Height of a line on the thumbnail that is looked at, in pixels, and the bounds of the thumbnail's longer
#: side: small enough to cost little, large enough for the lines of drawings.
_LINE_PIXELS, _LEAST_SIDE, _MOST_SIDE = 8.0, 300, 900
#: Least difference from the paper's colour, of 255, for a pixel to be ink.
_INK = 28
#: How far white space inside a figure is closed, in line heights.
_CLOSED = 0.8
#: Least sides of a figure in line heights, and its least share of the page.
_LEAST_LINES, _LEAST_SHARE = 2.8, 0.008
#: Largest share of the page: beyond it the picture is a photograph with text in it, not a page with a figure.
_MOST_SHARE = 0.6
#: Most share of a figure that is covered by text: labels of a chart take less, forms and boxes take more.
_MOST_TEXT = 0.35
#: Least share of ink in the box of a photograph, text aside, and least spread of its grey values.
_PICTURE_INK, _PICTURE_SPREAD = 0.6, 18.0
#: Least share of a photograph that is not covered by text, and the thickness of strokes that are none of it.
_LEAST_BARE, _SOLID = 0.3, 3
#: Least share of the box of a drawing that its closed ink fills; less is a frame or a stray line.
_DRAWING_FILLED = 0.3
#: Least difference from the paper that a fiftieth of a figure has: pale patterns are decoration.
_CLEAR = 70
#: Least share of ink in the box of a drawing once long straight rules are left out, and its most.
_DRAWING_INK = 0.02
#: Length of a straight rule, as a share of the box's side, that frames and tables are made of.
_RULE = 0.45


def find_figures(image: Pixels, lines: Sequence[Line], tables: Sequence[Polygon]) -> list[Box]:
    """Return the boxes of the figures, from top to bottom.

    Args:
        image: The upright page, (H, W) grey or (H, W, 3) BGR.
        lines: Its lines outside of tables.
        tables: The corners of its tables, in which there are no figures.

    Returns:
        Boxes that are large, full of ink that is no text, and do not overlap. None on a photograph, and on
        pages without lines, whose scale is unknown.
    """
    heights = [_height(line) for line in lines if _height(line) > 0]
    if not heights or not lines:
        return []
    height, width = image.shape[:2]
    scale = _LINE_PIXELS / median(heights)
    scale = min(1.0, max(scale, _LEAST_SIDE / max(height, width)), _MOST_SIDE / max(height, width))
    small = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    line_height = median(heights) * scale
    text = _mask(small.shape[:2], [line.polygon for line in lines], scale, 0.15 * line_height)
    far = _distance(small)
    ink = np.where(far > _INK, np.uint8(255), np.uint8(0))
    ink[_mask(small.shape[:2], tables, scale, 0.5 * line_height) > 0] = 0
    bare = ink & ~text
    return sorted(
        (
            (left / scale, top / scale, right / scale, bottom / scale)
            for left, top, right, bottom in _areas(small, far, bare, text, line_height)
        ),
        key=lambda box: (box[1], box[0], box[3], box[2]),
    )


def inside(line: Line, box: Box) -> bool:
    """Return whether the middle of a line is within a box."""
    x, y = sum(x for x, _ in line.polygon) / 4, sum(y for _, y in line.polygon) / 4
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _height(line: Line) -> float:
    a, b, _, d = line.polygon
    return min(math.dist(a, d), math.dist(a, b))


def _distance(small: Pixels) -> NDArray[np.uint8]:
    """Return how far each pixel is from the paper, whose colour is the most frequent one."""
    planes = small.reshape(*small.shape[:2], -1)
    far = np.zeros(small.shape[:2], np.uint8)
    for plane in np.moveaxis(planes, -1, 0):
        counts = np.bincount(plane.ravel(), minlength=256).astype(np.float64)
        paper = int(np.argmax(np.convolve(counts, np.ones(9), mode="same")))
        far = np.maximum(far, cv2.absdiff(np.ascontiguousarray(plane), np.full_like(plane, paper)))
    return far


def _mask(
    shape: tuple[int, ...], polygons: Sequence[Polygon], scale: float, margin: float
) -> NDArray[np.uint8]:
    mask = np.zeros(shape, np.uint8)
    for polygon in polygons:
        corners = np.array(polygon, np.float64) * scale
        middle = corners.mean(axis=0)
        outwards = np.sign(corners - middle) * margin
        cv2.fillConvexPoly(mask, np.round(corners + outwards).astype(np.int32), 255)
    return mask


def _areas(
    small: Pixels,
    far: NDArray[np.uint8],
    bare: NDArray[np.uint8],
    text: NDArray[np.uint8],
    line_height: float,
) -> list[tuple[int, int, int, int]]:
    """Return the boxes of figures on the thumbnail as left, top, right and bottom."""
    reach = max(3, round(2 * _CLOSED * line_height) | 1)
    grey = grey_of(small)
    # Photographs first, and without thin strokes: frames and rules would join them to what is around.
    kernel = np.ones((_SOLID, _SOLID), np.uint8)
    solid = np.asarray(cv2.morphologyEx(bare, cv2.MORPH_OPEN, kernel), np.uint8)
    found: list[tuple[int, int, int, int]] = []
    for box, own, _ in _components(solid, reach, line_height):
        window = np.s_[box[1] : box[3], box[0] : box[2]]
        rest = own.size - cv2.countNonZero(text[window])
        if (
            _is_clear(far[window])
            and rest > _LEAST_BARE * own.size
            and cv2.countNonZero(own) >= _PICTURE_INK * rest
            and float(grey[window][own > 0].std()) >= _PICTURE_SPREAD
        ):
            found.append(box)
    thin = bare.copy()
    for left, top, right, bottom in found:
        thin[top:bottom, left:right] = 0
    for box, own, filled in _components(thin, reach, line_height):
        window = np.s_[box[1] : box[3], box[0] : box[2]]
        if (
            _is_clear(far[window])
            and cv2.countNonZero(text[window]) < _MOST_TEXT * own.size
            and filled > _DRAWING_FILLED
            and _is_drawing(own)
        ):
            found.append(box)
    return _without_inner(found)


def _components(
    ink: NDArray[np.uint8], reach: int, line_height: float
) -> Iterator[tuple[tuple[int, int, int, int], NDArray[np.uint8], float]]:
    """Yield the box, the ink and the filled share of the box of each area that is as large as a figure."""
    closed = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    for at in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[at])
        share = width * height / labels.size
        if min(width, height) < _LEAST_LINES * line_height or not _LEAST_SHARE <= share <= _MOST_SHARE:
            continue
        window = np.s_[top : top + height, left : left + width]
        own = np.where(labels[window] == at, ink[window], np.uint8(0))
        yield (left, top, left + width, top + height), own, area / (width * height)


def _is_clear(far: NDArray[np.uint8]) -> bool:
    return float(np.quantile(far, 0.98)) >= _CLEAR


def _is_drawing(own: NDArray[np.uint8]) -> bool:
    """Return whether there is enough ink beside the long straight rules of frames and tables."""
    height, width = own.shape
    across = cv2.morphologyEx(own, cv2.MORPH_OPEN, np.ones((1, max(3, round(_RULE * width))), np.uint8))
    down = cv2.morphologyEx(own, cv2.MORPH_OPEN, np.ones((max(3, round(_RULE * height)), 1), np.uint8))
    rules = cv2.dilate(cv2.bitwise_or(across, down), np.ones((3, 3), np.uint8))
    rest = cv2.bitwise_and(own, cv2.bitwise_not(rules))
    return cv2.countNonZero(rest) >= _DRAWING_INK * own.size


def _without_inner(boxes: Sequence[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Join boxes that overlap into the box around both, until none do."""
    joined: list[tuple[int, int, int, int]] = []
    for box in sorted(boxes):
        while (other := next((each for each in joined if _overlap(each, box)), None)) is not None:
            joined.remove(other)
            box = (min(box[0], other[0]), min(box[1], other[1]), max(box[2], other[2]), max(box[3], other[3]))
        joined.append(box)
    return joined


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
