"""Convert punctuation from its form in columns to its form in rows (pure functions).

In a column `，` and `。` are in the upper right or the middle of their cell, brackets are horizontal and
dashes are vertical (Unicode Technical Report 50). In a row `，` and `。` are in the lower left, brackets are
vertical and dashes are horizontal, and this is what recognisers know. Punctuation is recognised only by the
size and the position of its ink in the cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.pixels import Pixels

Mask = NDArray[np.bool_]

# Lengths are in em, the side of the square that a character takes up.
#: A comma or full stop is lower and narrower than this.
SMALL = 0.45
#: Their position in a row: distance from the left and from the bottom of the square.
_LEFT, _BOTTOM = 0.08, 0.03
#: A dot between names, which stays in the middle: greatest size, least share of its bounding box that it
#: fills, and greatest distance from the middle.
_DOT, _DOT_FULL, _DOT_OFF = 0.22, 0.6, 0.12
#: A horizontal bracket: range of its height (`一` is lower), least ratio of width to height, and least
#: distance from the middle of its cell.
_LOW, _FLATNESS, _OFF_MIDDLE = (0.2, 0.5), 1.3, 0.15
#: A vertical dash: least height and greatest width.
_LONG, _THIN = 0.88, 0.15
#: Ink higher or wider than this is a whole character, in the middle of its cell.
_WHOLE = 0.5
#: Width in pixels of the soft edge around ink.
EDGE = 1


@dataclass(frozen=True, slots=True)
class Cell:
    """The cell of one character in a column.

    Attributes:
        picture: (H, W) grey or (H, W, 3) BGR, uint8.
        ink: (H, W) bool mask of its ink.
        middle: (x, y) of the middle of the character's square, in pixels.
        em: Side of that square in pixels.
        paper: Grey level or BGR colour of the paper.
    """

    picture: Pixels
    ink: Mask
    middle: tuple[float, float]
    em: float
    paper: tuple[int, ...]


def set_for_row(cell: Cell, height: int) -> Pixels:
    """Return the cell as it would be in a row of that height in pixels: (height, W) or (height, W, 3)."""
    bounds = cv2.boundingRect(cell.ink.view(np.uint8))
    left, top, _, _ = bounds
    if not bounds[2]:
        return _window(cell, cell.middle[1], height)
    off_x = (left + bounds[2] / 2 - cell.middle[0]) / cell.em
    off_y = (top + bounds[3] / 2 - cell.middle[1]) / cell.em
    full = float(cell.ink[top : top + bounds[3], left : left + bounds[2]].mean())
    wide, high = bounds[2] / cell.em, bounds[3] / cell.em
    lies = _LOW[0] <= high < _LOW[1] and wide >= _FLATNESS * high and abs(off_y) > _OFF_MIDDLE
    if lies or (high >= _LONG and wide < _THIN and cv2.connectedComponents(cell.ink.view(np.uint8))[0] == 2):
        return _placed(cell, height, np.asarray(np.rot90(_mark(cell, bounds)), np.uint8), off_y, -off_x)
    if wide < SMALL and high < SMALL:
        dot = max(wide, high) < _DOT and full > _DOT_FULL and max(abs(off_x), abs(off_y)) < _DOT_OFF
        if not dot:
            return set_low(cell, height)
    return _window(cell, top + bounds[3] / 2 if max(wide, high) > _WHOLE else cell.middle[1], height)


def set_low(cell: Cell, height: int) -> Pixels:
    """Return the cell as `set_for_row` does, with its ink in the lower left of the character's square."""
    bounds = cv2.boundingRect(cell.ink.view(np.uint8))
    x, y = _LEFT + bounds[2] / 2 / cell.em - 0.5, 0.5 - _BOTTOM - bounds[3] / 2 / cell.em
    return _placed(cell, height, _mark(cell, bounds), x, y)


def _mark(cell: Cell, bounds: tuple[int, int, int, int] | cv2.typing.Rect) -> Pixels:
    """Return the picture of the ink with its soft edge."""
    left, top, wide, high = bounds
    return cell.picture[
        max(0, top - EDGE) : top + high + EDGE,
        max(0, left - EDGE) : left + wide + EDGE,
    ]


def _placed(cell: Cell, height: int, mark: Pixels, x: float, y: float) -> Pixels:
    """Return a mark on paper, with its middle (x, y) em right of and below the middle of the square."""
    width = cell.picture.shape[1]
    row = np.empty((height, *cell.picture.shape[1:]), np.uint8)
    row[:] = cell.paper
    mark = mark[:height, :width]
    left = round(width / 2 + x * cell.em - mark.shape[1] / 2)
    top = round(height / 2 + y * cell.em - mark.shape[0] / 2)
    left, top = min(max(0, left), width - mark.shape[1]), min(max(0, top), height - mark.shape[0])
    row[top : top + mark.shape[0], left : left + mark.shape[1]] = mark
    return row


def _window(cell: Cell, middle: float, height: int) -> Pixels:
    """Return `height` rows of the cell around `middle`, with paper beyond the cell's borders."""
    row = np.empty((height, *cell.picture.shape[1:]), np.uint8)
    row[:] = cell.paper
    shift = round(middle - height / 2)
    top, bottom = max(0, shift), min(len(cell.picture), shift + height)
    if top < bottom:
        row[top - shift : bottom - shift] = cell.picture[top:bottom]
    return row
