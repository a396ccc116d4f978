"""Tells in which cell of a grid a box lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.tables.grid import Box, Grid

#: Boxes that are compared with all cells at once: bounds the memory for a table of thousands of cells.
_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Places:
    """Where boxes lie.

    Attributes:
        cells: (N,) number of the cell that holds most of each box, or of the nearest one.
        inside: (N,) whether the box touches that cell at all.
    """

    cells: NDArray[np.intp]
    inside: NDArray[np.bool_]


def places_of(grid: Grid, boxes: Sequence[Box]) -> Places:
    """Return in which cell each box lies; of equal ones the first counts."""
    cells = np.array([cell.box for cell in grid.cells], np.float64).reshape(-1, 4)
    all_boxes = np.array(boxes, np.float64).reshape(-1, 4)
    found, inside = [], []
    for start in range(0, len(all_boxes), _AT_ONCE):
        part = all_boxes[start : start + _AT_ONCE, None]
        across = np.minimum(cells[:, 2], part[..., 2]) - np.maximum(cells[:, 0], part[..., 0])
        down = np.minimum(cells[:, 3], part[..., 3]) - np.maximum(cells[:, 1], part[..., 1])
        shared = np.maximum(across, 0) * np.maximum(down, 0)
        away = np.maximum(-across, 0) + np.maximum(-down, 0)
        touched = shared.max(axis=1) > 0
        found.append(np.where(touched, shared.argmax(axis=1), away.argmin(axis=1)))
        inside.append(touched)
    if not found:
        return Places(np.zeros(0, np.intp), np.zeros(0, np.bool_))
    return Places(np.concatenate(found), np.concatenate(inside))
