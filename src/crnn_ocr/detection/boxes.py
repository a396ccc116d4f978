"""Turn a probability map into rotated text boxes: the post-processing of DB (Liao et al., 2020).

DB trains its map to be high on a *shrunken* core of every text line, so that close lines stay apart. Each
core is therefore enclosed in its rectangle of least area, which is grown by A·r/P (area, ratio, perimeter),
the offset used for shrinking. Growing a rectangle means moving its four sides, so no polygon library is
needed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.document import Polygon
from crnn_ocr.pixels import Pixels


@dataclass(frozen=True, slots=True)
class Region:
    """A text region.

    Attributes:
        polygon: Four corners in pixels, clockwise, starting at the top left of the unrotated picture.
        score: Mean probability inside, 0 to 1.
    """

    polygon: Polygon
    score: float

    @property
    def width(self) -> float:
        """Length of the upper side in pixels."""
        return math.dist(self.polygon[0], self.polygon[1])

    @property
    def height(self) -> float:
        """Length of the left side in pixels."""
        return math.dist(self.polygon[0], self.polygon[3])


@dataclass(frozen=True, slots=True)
class BoxParameters:
    """Parameters that decide what counts as text in a probability map.

    Attributes:
        threshold: Least probability of a pixel in a core.
        box_threshold: Least mean probability of a core.
        unclip: The ratio r in the formula above.
        least_side: Least thickness of a core, in map pixels; thinner ones are noise.
        straight: A box is made axis-aligned if its slope moves its ends by less than this share of its
            height.
    """

    threshold: float = 0.3
    box_threshold: float = 0.6
    unclip: float = 1.6
    least_side: float = 2.0
    straight: float = 0.12


def boxes_from_map(
    heat: Pixels,
    *,
    scale_x: float,
    scale_y: float,
    width: int,
    height: int,
    parameters: BoxParameters,
) -> list[Region]:
    """Find the text regions of one probability map.

    Args:
        heat: (h, w) uint8, probabilities × 255.
        scale_x: Map pixels per picture pixel, horizontally.
        scale_y: Map pixels per picture pixel, vertically.
        width: Width of the picture in pixels; boxes are clipped to it.
        height: Height of the picture in pixels; boxes are clipped to it.
        parameters: The thresholds to use.

    Returns:
        Regions in picture coordinates, in no particular order.
    """
    _, binary = cv2.threshold(heat, int(parameters.threshold * 255), 1, cv2.THRESH_BINARY)
    contours, _ = cv2.findContours(binary, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    regions = []
    for contour in contours:
        rectangle = cv2.minAreaRect(contour)
        if min(rectangle[1]) + 1 < parameters.least_side:
            continue
        score = _score(heat, contour)
        if score < parameters.box_threshold:
            continue
        corners = _grown(rectangle, parameters)
        corners[:, 0] = np.clip(corners[:, 0] / scale_x, 0, width)
        corners[:, 1] = np.clip(corners[:, 1] / scale_y, 0, height)
        polygon = _clockwise(corners)
        region = Region(polygon, score)
        if region.width >= 1 and region.height >= 1:
            regions.append(region)
    return regions


def _score(heat: Pixels, contour: cv2.typing.MatLike) -> float:
    """Return the mean probability inside a contour, 0 to 1."""
    x, y, w, h = cv2.boundingRect(contour)
    mask = np.zeros((h, w), np.uint8)
    cv2.fillPoly(mask, [np.asarray(contour, np.int32) - (x, y)], 1)
    return float(cv2.mean(heat[y : y + h, x : x + w], mask)[0] / 255)


def _grown(rectangle: cv2.typing.RotatedRect, parameters: BoxParameters) -> NDArray[np.float64]:
    """Return the corners, (4, 2), of a rectangle grown by A·r/P; nearly upright ones become axis-aligned."""
    (cx, cy), (w, h), angle = rectangle
    w, h = w + 1, h + 1  # contour coordinates are pixel centres
    offset = w * h * parameters.unclip / (2 * (w + h))
    w, h = w + 2 * offset, h + 2 * offset
    # OpenCV returns any of the four equivalent angles; choose the one within ±45°.
    quarter = round(angle / 90)
    angle -= 90 * quarter
    if quarter % 2:
        w, h = h, w
    drift = abs(math.sin(math.radians(angle))) * max(w, h)
    if drift < parameters.straight * min(w, h):
        angle = 0.0
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    half = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2
    turn = np.array([[cosine, sine], [-sine, cosine]])
    corners: NDArray[np.float64] = half @ turn + (cx + 0.5, cy + 0.5)
    return corners


def _clockwise(corners: NDArray[np.float64]) -> Polygon:
    """Convert corners to a polygon; they are in clockwise order from the top left already."""
    a, b, c, d = ((float(x), float(y)) for x, y in corners)
    return a, b, c, d
