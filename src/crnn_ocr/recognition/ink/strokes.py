"""Lone strokes: dashes and slashes that stand alone in a cell, told by their shape; pure.

A stroke without neighbours says little to a recogniser, and the ruling of a table that is cut out with it
makes another character of it: `—` above a rule is `二`, `二` above one is `三`. But a straight stroke
has few shapes: lying, slanted or upright; even or with the thick end of a brush; so and so long beside the
other text of the page. So cells in which nothing but such strokes was read are looked at again, without the
rules, and told by these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.pixels import Pixels

#: No line has more parts; what has is texture.
_MOST = 400

#: Han characters that are nothing but lying strokes, by their number.
HAN_STROKES = "一二三"
#: What recognisers make of a lying stroke or two, with and without a rule below them.
LYING = frozenset("一二三—–-−－_＿~～=＝ー―ニ•·.'\"")
#: What they make of a slanted or upright one.
STANDING = frozenset("1lI|丨/／\\＼丿")

#: What comes so near to the border of the picture, in pixels, goes on beyond it.
_SHORT = 2
#: Grey levels between ground and ink under which nothing can be told; so many pixels are as dark at least.
_LEAST_CONTRAST, _DARKEST = 40, 6
#: A pixel is ink from this share of the contrast on: thin strokes in small print hardly reach half of it.
_INK = 0.3
#: Where a stroke stands alone, what has less than this share of its area is a speck or the end of a rule.
SPECK = 0.12

#: A lying stroke is so many times longer than thick, at least, and so thick at most, in em.
_LONG, _THICK = 1.8, 0.19
#: From so many em on a lying stroke is an en dash, and an em dash; longer than the last it is a rule. In 7
#: Chinese faces hyphens have 0.21-0.39 em, en dashes 0.45-0.56 and em dashes 0.80-1.0 (two of them draw both
#: alike), in 31 Latin ones 0.21-0.31, 0.34-0.60 and 0.65-1.1, typewriter faces aside.
_EN, _EM, _LONGEST = 0.33, 0.62, 1.25
#: Where the type is Chinese.
_HAN_EN = 0.4
#: A stroke that has so many times its usual ink somewhere is no dash: `一` of Song type and of the brush ends
#: thick. Dashes have 1.0 to 1.2.
_UNEVEN = 1.3
#: The same for one that rises or falls by so many em.
_RISE = 0.045

#: A slash leans by so much to the side for each row, at least: italics lean by 0.2.
_LEAN = 0.26
#: Its ink lies within so many em of a straight line (standard deviation, across).
_STRAIGHT = 0.045
#: And it is so high, in em.
_HIGH = 0.5


@dataclass(frozen=True, slots=True)
class Stroke:
    """One straight stroke.

    Attributes:
        left: First column of its ink, in pixels of the picture it was found in.
        top: First row.
        right: Column behind the last one.
        bottom: Row behind the last one.
        lean: Columns to the right for each row upwards along its middle line; 0 is upright.
        spread: Standard deviation of its ink across that line, in pixels.
        length: Columns of usual ink that its ink would fill: its width, finer than by pixels.
        thickness: Usual ink of a column, in pixels.
        uneven: Most ink of a column by the usual; 1 for a bar.
        rise: How much higher its right end lies than its left one, in pixels.
    """

    left: int
    top: int
    right: int
    bottom: int
    lean: float
    spread: float
    length: float
    thickness: float
    uneven: float
    rise: float

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """Row of its middle."""
        return (self.top + self.bottom) / 2

    def lies(self, em: float) -> bool:
        """Return whether it is a lying stroke as a dash or `一` is."""
        return self.width >= _LONG * self.height and self.height <= max(_THICK * em, 3)

    def is_even(self, em: float) -> bool:
        """Return whether it is a bar, as every dash is, and as `一` is in type without serifs."""
        return self.uneven <= _UNEVEN and abs(self.rise) <= max(_RISE * em, 1.0)

    def slash(self, em: float) -> str | None:
        """Return the slash that it is, if it is one."""
        if self.height < _HIGH * em or self.spread > _STRAIGHT * em or abs(self.lean) < _LEAN:
            return None
        return "/" if self.lean > 0 else "\\"

    def dash(self, em: float, *, han: bool) -> str | None:
        """Return the dash of its length, if it is a lying stroke of such a length.

        Args:
            em: Size of the type around it in pixels.
            han: Whether that is Chinese.
        """
        length = min(self.length, self.width + 1) / em  # a thick end would make it longer
        if not self.lies(em) or length > _LONGEST:
            return None
        return "-" if length < (_HAN_EN if han else _EN) else "–" if length < _EM else "—"


@dataclass(frozen=True, slots=True)
class Strokes:
    """What is in a region.

    Attributes:
        strokes: Its parts from top to bottom.
        ruled: Whether a rule went through the region as well.
    """

    strokes: tuple[Stroke, ...]
    ruled: bool


def find_strokes(picture: Pixels, box: tuple[int, int, int, int], *, speck: float = SPECK) -> Strokes:
    """Return the parts of a region, without the rules that go through it.

    Args:
        picture: (H, W) grey or (H, W, 3) BGR: the region and what is around it.
        box: Left, top, right and bottom of the region in it, in pixels.
        speck: Of the area of the largest part a part has at least so much.

    Returns:
        None where the contrast is too low to tell ink from ground.
    """
    strength = ink_strength(picture)
    if strength is None:
        return Strokes((), ruled=False)
    mask = np.asarray(strength >= _INK, np.uint8)
    height, width = mask.shape
    left, top, right, bottom = box
    count, labels, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=8)
    ruled = False
    kept: list[int] = []
    for i in range(1, count):
        x, y, wide, high, _ = stats[i].tolist()
        goes_on = (
            (x <= _SHORT < left)
            or (y <= _SHORT < top)
            or (x + wide >= width - _SHORT > right)
            or (y + high >= height - _SHORT > bottom)
        )
        if goes_on:
            ruled |= x < right and y < bottom and x + wide > left and y + high > top
        elif left <= centres[i][0] < right and top <= centres[i][1] < bottom:
            kept.append(i)
    most = max((int(stats[i][cv2.CC_STAT_AREA]) for i in kept), default=0)
    kept = [i for i in kept if stats[i][cv2.CC_STAT_AREA] >= speck * most]
    if len(kept) > _MOST:
        return Strokes((), ruled)
    found = [_stroke(strength, np.asarray(labels, np.int32), i, stats[i].tolist()) for i in kept]
    return Strokes(tuple(sorted(found, key=lambda stroke: stroke.top)), ruled)


def ink_strength(picture: Pixels) -> NDArray[np.float32] | None:
    """Return how much ink each pixel has, (H, W) from 0 to 1; None where nothing stands out.

    Most of a region with little in it is ground, whatever lies at its edges.
    """
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    away = np.abs(grey.astype(np.float32) - float(np.median(grey)))
    contrast = float(np.partition(away, -_DARKEST, axis=None)[-_DARKEST]) if away.size > _DARKEST else 0.0
    return None if contrast < _LEAST_CONTRAST else np.minimum(away / np.float32(contrast), 1.0)


def _stroke(
    strength: NDArray[np.float32], labels: NDArray[np.int32], index: int, box: Sequence[int]
) -> Stroke:
    """Measure one component."""
    left, top, wide, high, _ = box
    rows, columns = np.nonzero(labels[top : top + high, left : left + wide] == index)
    lean, spread = _line_through(columns, -rows)
    # Ink of the columns, the grey at its edges included: in small print a bar is hardly a pixel thick.
    upper, first = max(0, top - 1), max(0, left - 1)
    window = (slice(upper, top + high + 1), slice(first, left + wide + 1))
    others = (labels[window] != index) & (labels[window] > 0)
    grey = np.where(others, 0.0, strength[window])
    ink = grey.sum(axis=0)
    inner = ink[2:-2] if wide > 4 else ink
    usual = float(np.median(inner))
    uneven = float(np.percentile(inner, 95)) / usual if usual > 0 else math.inf
    places = np.arange(upper, upper + len(grey), dtype=np.float32)
    centre = (grey * places[:, None]).sum(axis=0) / np.maximum(ink, 1e-6)
    centre = centre[1:-1] if wide > 4 else centre
    end = max(1, wide // 5)
    rise = float(np.mean(centre[:end]) - np.mean(centre[-end:]))
    length = float(ink.sum()) / usual if usual > 0 else float(wide)
    return Stroke(left, top, left + wide, top + high, lean, spread, length, usual, uneven, rise)


def _line_through(x: NDArray[np.int64], y: NDArray[np.int64]) -> tuple[float, float]:
    """Return the lean of points, columns for each row, and their standard deviation across the line."""
    if len(x) < 2 or not np.ptp(y):
        return math.inf, 0.0
    cov = np.cov(np.stack((x, y)).astype(np.float64))
    values, vectors = np.linalg.eigh(cov)
    along = vectors[:, 1]
    lean = float(along[0] / along[1]) if abs(along[1]) > 1e-9 else math.inf
    return lean, math.sqrt(max(0.0, float(values[0])))
