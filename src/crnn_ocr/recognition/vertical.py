"""Columns of upright characters, as Chinese is written on signs and couplets: laid out as a row."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

#: No column of characters is longer; it bounds the work on pictures that are hardly more than a line.
MOST_CELLS = 60


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
    """(top, bottom) of each character's cell in pixels, covering the column from top to bottom.

    Characters of a column have one pitch, between two thirds of and one and a half times the column's
    width. Of the possible numbers of cells the one whose borders fall on the emptiest rows is taken.
    """
    height, width = column.shape[:2]
    grey = column if column.ndim == 2 else cv2.cvtColor(column, cv2.COLOR_BGR2GRAY)
    # Ink of a row: how much its pixels differ from one another.
    ink = np.asarray(grey, np.float32).std(axis=1)
    fewest = min(MOST_CELLS, max(1, round(height / (1.5 * width))))
    most = min(MOST_CELLS, max(fewest, round(1.5 * height / width)), height)
    best = min(
        (_cut(ink, count) for count in range(fewest, most + 1)),
        key=lambda borders: (_inkiness(ink, borders), abs(len(borders) - 1 - height / width)),
    )
    return list(itertools.pairwise(best))


def _cut(ink: NDArray[np.float32], count: int) -> list[int]:
    """Borders of `count` cells, each moved to the emptiest row near its even place."""
    height = len(ink)
    pitch = height / count
    reach = max(1, int(pitch * 0.15))
    borders = [0]
    for index in range(1, count):
        expected = round(index * pitch)
        low, high = max(borders[-1] + 1, expected - reach), min(height - 1, expected + reach + 1)
        if low >= high:
            continue
        # Of equally empty rows take the one nearest to where the border is expected.
        distance = np.abs(np.arange(low, high) - expected)
        borders.append(low + int(np.lexsort((distance, np.rint(ink[low:high])))[0]))
    return [*borders, height]


def _inkiness(ink: NDArray[np.float32], borders: list[int]) -> float:
    """Mean ink on the inner borders, in whole grey levels; one cell alone has none to judge by."""
    inner = borders[1:-1]
    return round(float(ink[inner].mean())) if inner else float(np.median(ink))
