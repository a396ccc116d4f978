"""Measure how the lines of a page look: the size of their type and the weight of its strokes."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from crnn_ocr.document import Line
from crnn_ocr.layout.frame import TALL
from crnn_ocr.pixels import Pixels

#: Characters that a line must have for its width to tell its size, and its weight.
_MIN_CHARS = 4
#: Width of a character in ems that the widths of a script average to: Latin letters are narrow and differ.
_WIDE, _NARROW = 1.0, 0.5
#: Height of a line's box in ems: detectors leave a margin around the ink. Only ratios are compared, so that
#: its exact value does not matter.
_BOX = 1.25
#: Most pixels of a crop that is looked at; a longer line is sampled at its beginning.
_MOST_PIXELS = 40_000
#: Least difference between ink and paper.
_LEAST_CONTRAST = 40


@dataclass(frozen=True, slots=True)
class Look:
    """How a line looks.

    Attributes:
        size: Height of its type in pixels, measured alike for all lines of a page.
        weight: Width of its strokes as a share of its size; 0 if it cannot be told.
        wide: Whether most of its characters are Chinese; weights are compared within a script only.
    """

    size: float
    weight: float
    wide: bool


def measure_looks(image: Pixels, lines: Sequence[Line]) -> list[Look]:
    """Return the look of every line.

    Args:
        image: The upright page, (H, W) grey or (H, W, 3) BGR.
        lines: Lines with positions in pixels of that page.
    """
    return [_look(image, line) for line in lines]


def type_size(line: Line) -> float:
    """Return the size of a line's type in pixels, from its height and, if it is long enough, its width.

    The height of a box depends on which letters have ascenders and descenders; the average width of the
    characters does not, but depends on the letters and on their spacing. The geometric mean errs less.
    """
    along, down = _sides(line)
    text = line.text.strip()
    if len(text) > 1 and down >= TALL * along:
        along, down = down, along
    height = down / _BOX
    if len(text) < _MIN_CHARS or not along:
        return height
    em = along / sum(_WIDE if _is_wide(char) else _NARROW for char in text)
    # Letters that are spaced out say nothing.
    return math.sqrt(height * min(em, 1.5 * height)) if height else em


def is_column(line: Line) -> bool:
    """Return whether the characters of a line stand below one another."""
    if len(line.chars) < 2:
        return False
    (ax, ay), _, (bx, by), _ = line.chars[0].polygon
    (cx, cy), _, (dx, dy), _ = line.chars[-1].polygon
    (ox, oy), (px, py), _, _ = line.polygon
    # Along the direction of the characters' own top edge, columns do not advance.
    step = (cx + dx - ax - bx, cy + dy - ay - by)
    edge = (px - ox, py - oy)
    return abs(step[0] * edge[0] + step[1] * edge[1]) < abs(step[0] * edge[1] - step[1] * edge[0])


def _sides(line: Line) -> tuple[float, float]:
    a, b, _, d = line.polygon
    return math.dist(a, b), math.dist(a, d)


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _look(image: Pixels, line: Line) -> Look:
    text = line.text.strip()
    wide = 2 * sum(map(_is_wide, text)) > len(text)
    size = type_size(line)
    return Look(size, _stroke_width(image, line) / size if size and len(text) >= 2 else 0.0, wide)


def _stroke_width(image: Pixels, line: Line) -> float:
    """Return the average width of the strokes in a line's box in pixels; 0 if there is no clear ink.

    A stroke of width w and length l has the area w · l and borders of 2 · l, so that twice the area divided
    by the border is its width, whatever the characters.
    """
    xs, ys = [x for x, _ in line.polygon], [y for _, y in line.polygon]
    left, top = max(0, math.floor(min(xs))), max(0, math.floor(min(ys)))
    right, bottom = min(image.shape[1], math.ceil(max(xs))), min(image.shape[0], math.ceil(max(ys)))
    if right - left < 2 or bottom - top < 2:
        return 0.0
    right = min(right, left + max(bottom - top, _MOST_PIXELS // (bottom - top)))
    crop = image[top:bottom, left:right]
    grey = grey_of(crop)
    level, binary = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    ink = binary.astype(np.uint8)
    if 2 * cv2.countNonZero(ink) > ink.size:
        ink = 1 - ink
    area = cv2.countNonZero(ink)
    if not area or _contrast(grey, ink, area) < _LEAST_CONTRAST:
        return 0.0
    # The sum of grey ink, not the count of dark pixels: thin strokes are less than two pixels wide.
    paper, dark = float(grey[ink == 0].mean()), float(np.quantile(grey[ink == 1], 0.1 if level else 0.0))
    if paper < dark or abs(paper - dark) < 1:
        dark = float(np.quantile(grey[ink == 1], 0.9))
    span = paper - dark
    if abs(span) < 1:
        return 0.0
    covered = float(np.clip((paper - grey.astype(np.float32)) / span, 0, 1).sum())
    borders = cv2.countNonZero(ink[1:] ^ ink[:-1]) + cv2.countNonZero(ink[:, 1:] ^ ink[:, :-1])
    # Steps along both axes count a slanting border √2 times; strokes of all directions average to 4 / π.
    return 2 * covered / (borders * math.pi / 4) if borders else 0.0


def grey_of(picture: Pixels) -> Pixels:
    """Return a picture, (H, W) grey or (H, W, 3) BGR, in grey."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8) if picture.ndim == 3 else picture


def _contrast(grey: Pixels, ink: Pixels, area: int) -> float:
    total = float(grey.sum())
    dark = float((grey * ink).sum())
    return abs((total - dark) / max(1, ink.size - area) - dark / area)
