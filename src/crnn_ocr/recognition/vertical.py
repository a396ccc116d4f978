"""Columns of upright characters, as Chinese is written on signs and couplets: laid out as a row."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def stacked(column: Image) -> Image:
    """Lay the characters of a column side by side.

    The column is cut into cells about as high as it is wide, each border moved to the emptiest row near
    it, and the cells are put in a row.

    Args:
        column: (H, W) or (H, W, 3), higher than wide.

    Returns:
        (W or more, about H, …): the cells from left to right, padded to a common height.
    """
    cells = [column[top:bottom] for top, bottom in cell_borders(column)]
    height = max(cell.shape[0] for cell in cells)
    padded = [
        cv2.copyMakeBorder(
            cell,
            (height - len(cell)) // 2,
            height - len(cell) - (height - len(cell)) // 2,
            0,
            0,
            cv2.BORDER_REPLICATE,
        )
        for cell in cells
    ]
    return np.asarray(np.concatenate(padded, axis=1), np.uint8)


def cell_borders(column: Image) -> list[tuple[int, int]]:
    """(top, bottom) of each character's cell in pixels, covering the column from top to bottom."""
    height, width = column.shape[:2]
    count = max(1, round(height / width))
    grey = column if column.ndim == 2 else cv2.cvtColor(column, cv2.COLOR_BGR2GRAY)
    # Ink of a row: how much its pixels differ from the row's own background.
    ink = np.asarray(grey, np.float32).std(axis=1)
    pitch = height / count
    reach = max(1, int(pitch * 0.25))
    borders = [0]
    for index in range(1, count):
        expected = round(index * pitch)
        low = max(borders[-1] + 1, expected - reach)
        high = min(height - 1, expected + reach + 1)
        if low >= high:
            continue
        window = ink[low:high]
        # Of equally empty rows take the one nearest to where the border is expected.
        penalty = np.abs(np.arange(low, high) - expected) * (float(ink.max()) * 0.02 / reach)
        borders.append(low + int(np.argmin(window + penalty)))
    borders.append(height)
    return list(itertools.pairwise(borders))
