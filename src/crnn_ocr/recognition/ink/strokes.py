"""Find single strokes such as dashes and slashes, and tell them by their shape (pure functions).

A recogniser can tell little from a stroke without neighbours. Table rules inside its crop also turn it into
another character: `—` above a rule looks like `二`, and `二` above a rule looks like `三`. But a straight
stroke has few features: it is horizontal, slanted or vertical, even or with the thick end of a brush, and it
has a length compared with the other text of the page. So cells in which only such strokes were read are
examined again without the rules.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.pixels import Pixels

#: Most components of a line; a region with more is texture.
_MOST = 400

#: Han characters that consist of one, two and three horizontal strokes.
HAN_STROKES = "一二三"
#: Characters that recognisers read for one or two horizontal strokes, with and without a rule below them.
LYING = frozenset("一二三—–-−－_＿~～=＝ー―ニ•·.'\"")
#: Characters that recognisers read for a slanted or vertical stroke.
STANDING = frozenset("1lI|丨/／\\＼丿")

#: A component this near to the border of the picture, in pixels, continues beyond it.
_SHORT = 2
#: Least contrast of ink in grey levels, and the least number of pixels that must have it.
_LEAST_CONTRAST, _DARKEST = 40, 6
#: Least share of the contrast for a pixel to be ink; thin strokes in small print hardly reach half of it.
_INK = 0.3
#: Least area of a component, as a share of the largest one's; smaller ones are specks or ends of rules.
SPECK = 0.12

#: A horizontal stroke's least ratio of width to height, and its greatest height in em.
_LONG, _THICK = 1.8, 0.19
#: Least lengths of an en dash and of an em dash, and the greatest length of a dash, in em. In 7 Chinese
#: typefaces hyphens have 0.21-0.39 em, en dashes 0.45-0.56 and em dashes 0.80-1.0 (two typefaces draw both
#: alike). In 31 Latin typefaces, without typewriter faces, they have 0.21-0.31, 0.34-0.60 and 0.65-1.1.
_EN, _EM, _LONGEST = 0.33, 0.62, 1.25
#: Least length of an en dash in Chinese type, in em.
_HAN_EN = 0.4
#: Greatest ratio of a dash's thickest to its usual thickness. Dashes have 1.0 to 1.2, but `一` in Song type
#: and brush writing has a thick end.
_UNEVEN = 1.3
#: Greatest rise or fall of a dash over its length, in em.
_RISE = 0.045

#: Least lean of a slash in columns per row; italics lean by 0.2.
_LEAN = 0.26
#: Greatest standard deviation of a slash's ink across its line, in em.
_STRAIGHT = 0.045
#: Least height of a slash, in em.
_HIGH = 0.5


@dataclass(frozen=True, slots=True)
class Stroke:
    """One straight stroke.

    Attributes:
        left: First column of its ink, in pixels of the picture.
        top: First row.
        right: One past the last column.
        bottom: One past the last row.
        lean: Columns to the right per row upwards along its centre line; 0 is vertical.
        spread: Standard deviation of its ink across that line, in pixels.
        length: Its width with subpixel accuracy: total ink divided by the usual ink of a column.
        thickness: Usual (median) ink of a column, in pixels.
        uneven: Ratio of the most to the usual ink of a column; 1 for a bar.
        rise: Height of its right end above its left end, in pixels.
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
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """Row of its vertical middle."""
        return (self.top + self.bottom) / 2

    def lies(self, em: float) -> bool:
        """Return whether it is a horizontal stroke like a dash or `一`; `em` is the type size in pixels."""
        return self.width >= _LONG * self.height and self.height <= max(_THICK * em, 3)

    def is_even(self, em: float) -> bool:
        """Return whether it is an even bar, like every dash and like `一` in sans-serif type."""
        return self.uneven <= _UNEVEN and abs(self.rise) <= max(_RISE * em, 1.0)

    def slash(self, em: float) -> str | None:
        """Return the slash or backslash that the stroke is; None if it is neither."""
        if self.height < _HIGH * em or self.spread > _STRAIGHT * em or abs(self.lean) < _LEAN:
            return None
        return "/" if self.lean > 0 else "\\"

    def dash(self, em: float, *, han: bool) -> str | None:
        """Return the dash that has its length.

        Args:
            em: Size of the surrounding type in pixels.
            han: Whether the surrounding type is Chinese.

        Returns:
            A hyphen, en dash or em dash; None if the stroke is not horizontal or too long.
        """
        length = min(self.length, self.width + 1) / em  # a thick end would increase `length`
        if not self.lies(em) or length > _LONGEST:
            return None
        return "-" if length < (_HAN_EN if han else _EN) else "–" if length < _EM else "—"


@dataclass(frozen=True, slots=True)
class Strokes:
    """The strokes in a region.

    Attributes:
        strokes: Its components from top to bottom.
        ruled: Whether a rule crosses the region.
    """

    strokes: tuple[Stroke, ...]
    ruled: bool


def find_strokes(picture: Pixels, box: tuple[int, int, int, int], *, speck: float = SPECK) -> Strokes:
    """Find the connected components of a region, without the rules that cross it.

    Args:
        picture: (H, W) grey or (H, W, 3) BGR, uint8: the region and its surroundings.
        box: Left, top, right and bottom of the region in the picture, in pixels.
        speck: Least area of a component, as a share of the largest one's.

    Returns:
        The components; none if the contrast is too low to tell ink from background.
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
    """Return how much ink each pixel has, (H, W) float32 from 0 to 1; None if the contrast is too low.

    The median is taken as the background, because most of a region with little ink is background.
    """
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    away = np.abs(grey.astype(np.float32) - float(np.median(grey)))
    contrast = float(np.partition(away, -_DARKEST, axis=None)[-_DARKEST]) if away.size > _DARKEST else 0.0
    return None if contrast < _LEAST_CONTRAST else np.minimum(away / np.float32(contrast), 1.0)


def _stroke(
    strength: NDArray[np.float32], labels: NDArray[np.int32], index: int, box: Sequence[int]
) -> Stroke:
    """Measure one component; `box` is its left, top, width and height."""
    left, top, wide, high, _ = box
    rows, columns = np.nonzero(labels[top : top + high, left : left + wide] == index)
    lean, spread = _line_through(columns, -rows)
    # Ink per column, including grey edges, because in small print a bar is hardly one pixel thick.
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
    """Return the lean of points, in columns per row, and their standard deviation across the line."""
    if len(x) < 2 or not np.ptp(y):
        return math.inf, 0.0
    cov = np.cov(np.stack((x, y)).astype(np.float64))
    values, vectors = np.linalg.eigh(cov)
    along = vectors[:, 1]
    lean = float(along[0] / along[1]) if abs(along[1]) > 1e-9 else math.inf
    return lean, math.sqrt(max(0.0, float(values[0])))
