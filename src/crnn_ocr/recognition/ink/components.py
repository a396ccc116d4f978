"""The ink of a line's picture: what stands apart on it, measured and not read; pure.

A recogniser may drop a point or one of two equal digits and be sure of what it says. The picture knows: what
is printed apart can be counted and measured, whatever it means.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.pixels import Pixels

#: Grey levels between ground and ink under which nothing can be told.
_LEAST_CONTRAST = 40
#: A pixel is ink from this share of the contrast on: lower, and characters run into one another.
_INK = 0.4
#: The same, and the least grey levels, for what stands apart from all other ink: a point in small light print
#: hardly reaches a quarter of the contrast.
_FAINT, _LEAST_FAINT = 0.2, 20
#: How much ink a part has at least, in black pixels, and as a share of the squared height of characters; less
#: is a speck. The point of small light print is one grey pixel.
_LEAST_INK, _SPECK = 0.6, 0.003
#: What has so much of the height of the highest part is as high as a character.
_TALL = 0.6
#: What touches the upper or lower edge and has less of a character's height belongs to another line; a point
#: is narrower than that, and stands on the line.
_EDGE = 0.35
#: Parts that share so much of the narrower one's width stand above one another: `i`, `:`, `=`.
_STACKED = 0.34
#: How far slanted type leans, in columns per row: upright, oblique, and two kinds of italics.
_SLANTS = (0.0, 0.18, 0.25, 0.32)
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


def ink_parts(picture: Pixels) -> tuple[Part, ...]:
    """Return the parts of a line's picture from left to right.

    Rules, the edges of neighbouring lines and specks are left out.

    Args:
        picture: (H, W) grey or (H, W, 3) BGR of one line, dark on light or light on dark.

    Returns:
        Nothing where the contrast is too low to tell ink from ground.
    """
    height = len(picture)
    pieces = [(part, ink) for part, ink in _components(picture) if part.width <= _RULE * height]
    if not pieces:
        return ()
    # Most of a line's ink is in its highest parts, whatever else lies about.
    tall = _TALL * max(part.height for part, _ in pieces)
    usual = statistics.median(part.height for part, _ in pieces if part.height >= tall)
    least = max(_LEAST_INK, _SPECK * usual * usual)
    found = [part for part, ink in pieces if ink >= least and not _is_foreign(part, height, usual)]
    return tuple(_stacked(sorted(found, key=lambda part: (part.left, part.top, part.right, part.bottom))))


def ink_columns(picture: Pixels, parts: Sequence[Part]) -> NDArray[np.bool_]:
    """Return which columns of a line have ink between the feet and the heads of its characters.

    Slanted type is set upright for it, about the middle of the line: of a few slants, the one is taken that
    leaves most columns white.

    Args:
        picture: (H, W) or (H, W, 3), the line's.
        parts: Its ink, as `ink_parts` returns it; at least one.

    Returns:
        (W,) one entry per column.
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
    """Return whether a part at the edge of a picture is a cell's border, or of a line above or below."""
    at_top, at_bottom = part.top == 0, part.bottom == height
    if at_top and at_bottom:
        return part.width < _EDGE * usual
    return part.height < _EDGE * usual and (at_top or (at_bottom and part.width >= _EDGE * usual))


def _components(picture: Pixels) -> list[tuple[Part, float]]:
    """Return what hangs together, and how much ink it has in pixels of full contrast; in any order."""
    away = _contrast(picture)
    contrast = float(np.percentile(away, 99))
    if contrast < _LEAST_CONTRAST:
        return []
    share = np.minimum(away / contrast, 1.0)
    ink = away >= _INK * contrast
    faint = away >= max(_FAINT * contrast, _LEAST_FAINT)
    return [*_labelled(ink, share), *_labelled(faint, share, without=ink)]


def _contrast(picture: Pixels) -> Pixels:
    """Return how far each pixel is from the ground, (H, W) in grey levels."""
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    ground = round(float(np.median(np.concatenate((grey[0], grey[-1])))))
    return np.asarray(cv2.absdiff(np.asarray(grey, np.uint8), np.full_like(grey, ground)), np.uint8)


def _labelled(
    mask: NDArray[np.bool_], share: NDArray[np.floating], without: NDArray[np.bool_] | None = None
) -> list[tuple[Part, float]]:
    """Return the connected components of a mask, those aside that touch another one."""
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
