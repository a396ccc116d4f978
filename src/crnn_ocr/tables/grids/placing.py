"""Tells in which cell of a grid a box or a word lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.tables.grid import Box, Grid
from crnn_ocr.tables.words import Word

#: Boxes that are placed at once.
_AT_ONCE = 64


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
    wanted = np.array(boxes, np.float64).reshape(-1, 4)
    found = np.zeros(len(wanted), np.intp)
    inside = np.zeros(len(wanted), np.bool_)
    # Boxes that lie at the same height are compared with the cells there alone.
    order = np.argsort(wanted[:, 1], kind="stable")
    for start in range(0, len(order), _AT_ONCE):
        chosen = order[start : start + _AT_ONCE]
        part = wanted[chosen]
        beside = np.flatnonzero((cells[:, 3] > part[:, 1].min()) & (cells[:, 1] < part[:, 3].max()))
        if len(beside):
            shared = np.prod(np.maximum(_shared(part, cells[beside]), 0), axis=0)
            found[chosen] = beside[shared.argmax(axis=1)]
            inside[chosen] = shared.max(axis=1) > 0
    for index in np.flatnonzero(~inside):
        away = np.maximum(-_shared(wanted[index : index + 1], cells), 0).sum(axis=0)
        found[index] = away.argmin()
    return Places(found, inside)


def words_by_cell(grid: Grid, words: Sequence[Word]) -> list[list[Word]]:
    """Return the words of each cell, in their order."""
    held: list[list[Word]] = [[] for _ in grid.cells]
    for word, index in zip(words, places_of(grid, [word.box for word in words]).cells.tolist(), strict=True):
        held[index].append(word)
    return held


def _shared(boxes: NDArray[np.float64], cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (2, N, M): the width and height that boxes share with cells; negative is the gap between."""
    part = boxes[:, None]
    across = np.minimum(cells[:, 2], part[..., 2]) - np.maximum(cells[:, 0], part[..., 0])
    down = np.minimum(cells[:, 3], part[..., 3]) - np.maximum(cells[:, 1], part[..., 1])
    return np.stack([across, down])
