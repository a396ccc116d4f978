"""Measure the connected components of a line's ink (pure functions).

A recogniser may drop a point or one of two equal digits and still be confident. But separate components can
be counted and measured on the picture, whatever they mean.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.pixels import Pixels

#: Least contrast between ink and background in grey levels.
_LEAST_CONTRAST = 40
#: Least share of the contrast for a pixel to be ink; with a lower one, characters run into one another.
_INK = 0.4
#: The same threshold, and its least value in grey levels, for components apart from all other ink: a point in
#: small light print hardly reaches a quarter of the contrast.
_FAINT, _LEAST_FAINT = 0.2, 20
#: Least ink of a part, in black pixels, and as a share of the squared height of characters. Less is a speck.
#: A point in small light print is one grey pixel.
_LEAST_INK, _SPECK = 0.6, 0.003
#: Parts of at least this share of the highest part's height are as high as a character.
_TALL = 0.6
#: A part that touches the upper or lower edge and has less than this share of a character's height belongs to
#: another line. A part that touches the lower edge and is narrower than this is a point.
_EDGE = 0.35
#: Components that overlap by this share of the narrower one's width are above one another: `i`, `:`, `=`.
_STACKED = 0.34
#: Slants of type in columns per row: upright, oblique, and two kinds of italics.
_SLANTS = (0.0, 0.18, 0.25, 0.32)
#: A component wider than this many heights of the picture is a rule.
_RULE = 3.0


@dataclass(frozen=True, slots=True)
class Part:
    """A connected component of ink, or several components above one another.

    Attributes:
        left: First column, in pixels of the line's picture.
        top: First row.
        right: One past the last column.
        bottom: One past the last row.
        pieces: Number of connected components, one above the other.
    """

    left: int
    top: int
    right: int
    bottom: int
    pieces: int = 1

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.bottom - self.top

    @property
    def centre(self) -> float:
        """Column of its horizontal middle."""
        return (self.left + self.right) / 2


def ink_parts(picture: Pixels) -> tuple[Part, ...]:
    """Return the parts of a line's picture from left to right.

    Rules, the edges of neighbouring lines and specks are left out.

    Args:
        picture: (H, W) grey or (H, W, 3) BGR, uint8, of one line, dark on light or light on dark.

    Returns:
        The parts; none if the contrast is too low to tell ink from background.
    """
    height = len(picture)
    pieces = [(part, ink) for part, ink in _components(picture) if part.width <= _RULE * height]
    if not pieces:
        return ()
    # The highest parts hold most of a line's ink, whatever else is there.
    tall = _TALL * max(part.height for part, _ in pieces)
    usual = statistics.median(part.height for part, _ in pieces if part.height >= tall)
    least = max(_LEAST_INK, _SPECK * usual * usual)
    found = [part for part, ink in pieces if ink >= least and not _is_foreign(part, height, usual)]
    return tuple(_stacked(sorted(found, key=lambda part: (part.left, part.top, part.right, part.bottom))))


def ink_columns(picture: Pixels, parts: Sequence[Part]) -> NDArray[np.bool_]:
    """Return which columns of a line have ink between the bottoms and the tops of its characters.

    Slanted type is sheared upright about the middle of the line, with the slant that leaves the most columns
    white.

    Args:
        picture: (H, W) grey or (H, W, 3) BGR, uint8, the line's picture.
        parts: Its parts as `ink_parts` returns them; at least one.

    Returns:
        (W,) bool, one entry per column.
    """
    tall = _TALL * max(part.height for part in parts)
    top = min(part.top for part in parts if part.height >= tall)
    bottom = max(part.bottom for part in parts if part.height >= tall)
    away = _contrast(picture)[top:bottom]
    ink = np.asarray(away >= _INK * float(np.percentile(away, 99)), np.uint8)
    middle = (bottom - top) / 2
    upright: list[NDArray[np.bool_]] = []
    for slant in _SLANTS:
        matrix = np.array([[1.0, slant, -slant * middle], [0.0, 1.0, 0.0]])
        turned = cv2.warpAffine(ink, matrix, ink.shape[::-1], flags=cv2.INTER_NEAREST)
        upright.append(np.asarray(np.max(turned, axis=0), np.bool_))
    return min(upright, key=lambda columns: int(columns.sum()))


def _is_foreign(part: Part, height: int, usual: float) -> bool:
    """Return whether a part at the edge of a picture is a cell's border or belongs to another line."""
    at_top, at_bottom = part.top == 0, part.bottom == height
    if at_top and at_bottom:
        return part.width < _EDGE * usual
    return part.height < _EDGE * usual and (at_top or (at_bottom and part.width >= _EDGE * usual))


def _components(picture: Pixels) -> list[tuple[Part, float]]:
    """Return the connected components and their ink in pixels of full contrast, in any order."""
    away = _contrast(picture)
    contrast = float(np.percentile(away, 99))
    if contrast < _LEAST_CONTRAST:
        return []
    share = np.minimum(away / contrast, 1.0)
    ink = away >= _INK * contrast
    faint = away >= max(_FAINT * contrast, _LEAST_FAINT)
    return [*_labelled(ink, share), *_labelled(faint, share, without=ink)]


def _contrast(picture: Pixels) -> Pixels:
    """Return the difference of each pixel from the background, (H, W) uint8 in grey levels."""
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    ground = round(float(np.median(np.concatenate((grey[0], grey[-1])))))
    return np.asarray(cv2.absdiff(np.asarray(grey, np.uint8), np.full_like(grey, ground)), np.uint8)


def _labelled(
    mask: NDArray[np.bool_], share: NDArray[np.floating], without: NDArray[np.bool_] | None = None
) -> list[tuple[Part, float]]:
    """Return the connected components of a mask and their ink, leaving out those that overlap `without`."""
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    amounts = np.bincount(labels.ravel(), weights=share.ravel(), minlength=count)
    kept = np.ones(count, np.bool_)
    kept[0] = False
    if without is not None:
        kept[labels[without]] = False
    return [
        (Part(left, top, left + wide, top + high), amount)
        for (left, top, wide, high, _), amount in zip(
            boxes[kept].tolist(), amounts[kept].tolist(), strict=True
        )
    ]


def _stacked(parts: list[Part]) -> list[Part]:
    """Join parts, sorted from left to right, that are above one another."""
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
