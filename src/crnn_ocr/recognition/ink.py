"""The ink of a line's picture: what stands apart on it, measured and not read; pure.

A recogniser may drop a point or one of two equal digits and be sure of what it says. The picture knows: what
is printed apart can be counted and measured, whatever it means.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

#: Grey levels between ground and ink under which nothing can be told.
_LEAST_CONTRAST = 40
#: A pixel is ink from this share of the contrast on: points in small print hardly reach half of it.
_INK = 0.4
#: Of the squared height of characters, what a part covers at least, and in pixels; less is a speck.
_SPECK, _LEAST_AREA = 0.008, 2
#: What has so much of the height of the highest part is as high as a character.
_TALL = 0.6
#: What touches the upper or lower edge and has less of a character's height belongs to another line; a point
#: is narrower than that, and stands on the line.
_EDGE = 0.35
#: Parts that share so much of the narrower one's width stand above one another: `i`, `:`, `=`.
_STACKED = 0.5
#: What is wider than this many heights of the picture is a rule.
_RULE = 3.0


@dataclass(frozen=True, slots=True)
class Part:
    """Ink that hangs together, or stands above one another.

    Attributes:
        left: First column, in pixels of the line's picture.
        top: First row.
        right: Column behind the last one.
        bottom: Row behind the last one.
        pieces: So many connected components, one above the other.
    """

    left: int
    top: int
    right: int
    bottom: int
    pieces: int = 1

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def centre(self) -> float:
        """Its middle between left and right."""
        return (self.left + self.right) / 2


def ink_parts(picture: Image) -> tuple[Part, ...]:
    """Return the parts of a line's picture from left to right.

    Rules, the edges of neighbouring lines and specks are left out.

    Args:
        picture: (H, W) grey or (H, W, 3) BGR of one line, dark on light or light on dark.

    Returns:
        None where the contrast is too low to tell ink from ground.
    """
    mask = _mask(picture)
    if mask is None:
        return ()
    height = len(mask)
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    boxes = [box for box in sorted(map(tuple, stats[1:count].tolist())) if box[2] <= _RULE * height]
    if not boxes:
        return ()
    # Most of a line's ink is in its highest parts, whatever else lies about.
    tall = max(high for _, _, _, high, _ in boxes)
    usual = float(np.median([high for _, _, _, high, _ in boxes if high >= _TALL * tall]))
    found = [
        Part(left, top, left + wide, top + high)
        for left, top, wide, high, area in boxes
        if area >= max(_LEAST_AREA, _SPECK * usual * usual)
        and not _is_foreign(top, wide, high, height, usual)
    ]
    return tuple(_stacked(found))


def _is_foreign(top: int, wide: int, high: int, height: int, usual: float) -> bool:
    """Return whether a component at the edge of a picture is a cell's border, or of a line above or below."""
    at_top, at_bottom = top == 0, top + high == height
    if at_top and at_bottom:
        return wide < _EDGE * usual
    return high < _EDGE * usual and (at_top or (at_bottom and wide >= _EDGE * usual))


def _mask(picture: Image) -> NDArray[np.uint8] | None:
    """Return where ink is, (H, W) of 0 and 1; None where nothing stands out."""
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    ground = float(np.median(np.concatenate((grey[0], grey[-1]))))
    away = cv2.absdiff(np.asarray(grey, np.uint8), np.full_like(grey, round(ground)))
    contrast = float(np.percentile(away, 99))
    if contrast < _LEAST_CONTRAST:
        return None
    return np.asarray(away >= _INK * contrast, np.uint8)


def _stacked(parts: list[Part]) -> list[Part]:
    """Join parts, sorted from left to right, that stand above one another."""
    joined: list[Part] = []
    for part in parts:
        if joined:
            last = joined[-1]
            shared = min(last.right, part.right) - max(last.left, part.left)
            if shared > _STACKED * min(last.width, part.width):
                joined[-1] = Part(
                    min(last.left, part.left),
                    min(last.top, part.top),
                    max(last.right, part.right),
                    max(last.bottom, part.bottom),
                    last.pieces + part.pieces,
                )
                continue
        joined.append(part)
    return joined
