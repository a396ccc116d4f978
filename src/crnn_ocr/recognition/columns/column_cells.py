"""Columns of upright characters, as Chinese is written on signs and couplets: laid out as a row, pure.

The recogniser reads rows. So a column is cut into the cells of its characters, and these are put side by
side as if the text had been set in a row (`marks`). Everything is measured on the ink: a detector's box is
1.3 to 1.8 times as wide, so that it says little about how many characters there are.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.pixels import Pixels
from crnn_ocr.recognition.columns.punctuation import EDGE, SMALL, Cell, set_for_row, set_low

Mask = NDArray[np.bool_]

#: No column of characters is longer; it bounds the work on pictures that are hardly more than a line.
MOST_CELLS = 60
#: The distance of characters in widths of the column's ink: the least, the most, and the usual one.
_LEAST_PITCH, _MOST_PITCH, _PITCH = 0.85, 2.0, 1.1
#: How high a character's ink is at the ends of a column, in widths of the column's ink.
_INK = 0.93
#: What is higher, in widths of the column's ink, is more than one character.
_HIGHEST = 1.1
#: What a pitch of white at the borders is worth, in shares of a row that is all ink.
_WHITE = 0.1
#: What a pitch e times the usual one costs, cells that are all blank, a pitch of room more or less than
#: usual in the end cells, and one more above the text than below; in shares of a row that is all ink. It is
#: enough to choose between pitches whose borders are about equally empty, and no more.
_UNUSUAL, _BLANK, _ROOM, _LOPSIDED = 0.05, 0.05, 0.03, 0.02
#: Steps in which pitches are tried, and how far the last borders of a long column are apart for two of them,
#: in pitches: half of that is within reach.
_STEP, _DRIFT = 0.03, 0.25
#: The first character's ink begins up to so far below its cell's top, in pitches; so many places are tried.
_LOWERED, _PLACES = 0.6, 9
#: How much of a last cell that is hardly needed may be missing, in pitches.
_SHORT = 0.1
#: How far from its even place the emptiest row may be to which a border is moved, in pitches.
_REACH = 0.15
#: What a place as far away as that has to be emptier, in shares of a row that is all ink.
_NEARER = 0.06
#: Ink and paper differ by so many grey levels, at least.
_CONTRAST = 16.0
#: Pixels of which more than this share are ink, one above the other or side by side, are a rule; those one
#: above the other of which less than that are, specks.
_RULE, _SPECKS = 0.97, 0.01
#: Most of the column reaches no farther to the right than its text.
_MOST = 0.65
#: A mark hangs beside the text if it reaches so far beyond it, in widths of the column's ink; where it
#: touches a character, which may have a long stroke, farther.
_BESIDE, _BESIDE_TOUCHING = 0.05, 0.15
#: The part of a cell that is without ink where nothing but such a mark stands in it, from top to bottom.
_CORE = 0.2
#: Paper left and right of the ink, and the height of the row, in widths of the ink.
_MARGIN, _ROW = 0.06, 1.3


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a column.

    Attributes:
        borders: n + 1 ascending numbers from 0 to 1: where the n cells begin and end in the column.
        inked: Of each cell, whether anything is in it.
    """

    borders: tuple[float, ...]
    inked: tuple[bool, ...]

    def place(self, fraction: float) -> float:
        """Where in the column a place of the row is; both from 0 to 1."""
        return float(np.interp(fraction * len(self.inked), range(len(self.borders)), self.borders))


@dataclass(frozen=True, slots=True)
class Row:
    """A column laid out as a row.

    Attributes:
        picture: (H, W) or (H, W, 3): the cells from left to right, equally wide.
        cells: Where they are in the column.
    """

    picture: Pixels
    cells: Cells


@dataclass(frozen=True, slots=True)
class Grid:
    """The even cells of a column.

    Attributes:
        start: Where the first one begins, in rows; text may begin lower, and the picture too.
        pitch: Their height.
        count: How many there are.
    """

    start: float
    pitch: float
    count: int

    def top(self, index: int) -> float:
        """The row at which a cell begins."""
        return self.start + index * self.pitch


def column_to_row(column: Pixels, spare: int = 0) -> Row:
    """Lay the characters of a column side by side.

    Args:
        column: (H, W) or (H, W, 3), higher than wide.
        spare: So many pixels on its right are not the column's own; what reaches into them from its own
            ones is.
    """
    height, width = column.shape[:2]
    found = _ink(column)
    paper = _paper(column, found)
    text, marks = _without_hanging(_own(found, width - spare))
    left, right = _sides(text)
    grid = even_cells(text[:, left:right])
    hung, grid = _hung(marks, text[:, left:right], grid)
    for mark in marks:
        if not any(mark is other for other in hung.values()):
            text |= mark
    borders = cell_borders(text[:, left:right], grid)
    clean = column.copy() if hung else column
    for mark in hung.values():
        clean[_softened(mark) & ~text] = paper
    margin = max(1, round(_MARGIN * (right - left)))
    first, last = max(0, left - margin), min(width, right + margin)
    em = min(right - left, grid.pitch)
    cells = []
    for index, (top, bottom) in enumerate(itertools.pairwise(borders)):
        middle = (left + right) / 2 - first, grid.top(index) + grid.pitch / 2 - top
        if index in hung:
            cells.append(_hanging_cell(column, hung[index], last - first, em, paper))
        else:
            own = text[top:bottom, first:last]
            picture = clean[top:bottom, first:last]
            cells.append(Cell(picture, own, middle, em, _paper(picture, own, paper)))
    size = max(1, round(_ROW * (right - left)), max(cv2.boundingRect(c.ink.view(np.uint8))[3] for c in cells))
    row = [
        set_low(cell, size) if index in hung else set_for_row(cell, size) for index, cell in enumerate(cells)
    ]
    return Row(
        np.asarray(np.concatenate(row, axis=1), np.uint8),
        Cells(
            tuple(border / height for border in borders),
            tuple(bool(cell.ink.any()) for cell in cells),
        ),
    )


# ---- where the characters are


def even_cells(ink: Mask) -> Grid:
    """The even cells whose borders, moved to the emptiest rows near them, part characters best.

    Args:
        ink: (H, W): which pixels of a column are ink, without the paper left and right of it.
    """
    rows = ink.mean(axis=1, dtype=np.float32)
    filled = np.flatnonzero(rows)
    if len(filled) == 0:
        return Grid(0.0, float(len(rows)), 1)
    top, bottom, width = int(filled[0]), int(filled[-1]) + 1, ink.shape[1]
    # Of each row: the first one with ink from there on, and the one behind the last with ink before it.
    first = filled[np.minimum(np.searchsorted(filled, np.arange(bottom + 1)), len(filled) - 1)]
    last = filled[np.maximum(np.searchsorted(filled, np.arange(bottom + 1)) - 1, 0)] + 1
    best, least = Grid(float(top), float(bottom - top), 1), math.inf
    lowered = np.linspace(0.0, _LOWERED, _PLACES)
    moved: dict[int, NDArray[np.intp]] = {}
    for pitch in _pitches(width, bottom - top):
        # One row of these arrays for each place of the first cell.
        starts = top - lowered * pitch
        counts = np.maximum(1, np.ceil((bottom - starts) / pitch - _SHORT)).astype(np.intp)
        cells = np.arange(counts.max()) < counts[:, None]
        inner = cells[:, 1:]
        even = np.rint(starts[:, None] + pitch * np.arange(1, cells.shape[1])).astype(np.intp)
        if (reach := int(pitch * _REACH)) not in moved:
            moved[reach] = _emptiest(rows[:bottom], reach)
        places = moved[reach][np.minimum(even, bottom - 1)]
        parted = np.full((_PLACES, cells.shape[1] + 1), bottom)
        parted[:, 0] = top
        parted[:, 1:-1][inner] = places[inner]
        heights = last[parted[:, 1:]] - first[parted[:, :-1]]
        borders = np.maximum(counts - 1, 1)
        crossed = (rows[places] * inner).sum(axis=1) / borders
        white = (np.maximum(first[places] - last[places], 0) * inner).sum(axis=1) / borders / pitch
        higher = (np.maximum(heights / width - _HIGHEST, 0.0) * cells).sum(axis=1) / counts
        blank = ((heights <= 0) & cells).sum(axis=1) / counts
        raised = (starts + counts * pitch - bottom) / pitch
        room = np.abs(lowered + raised - max(0.0, 1 - _INK * width / pitch))
        costs = (
            crossed
            + higher
            - _WHITE * white
            + _UNUSUAL * abs(math.log(pitch / (_PITCH * width)))
            + _BLANK * blank
            + _ROOM * room
            + _LOPSIDED * np.abs(lowered - raised)
        )
        at = int(costs.argmin())
        if costs[at] < least:
            best, least = Grid(float(starts[at]), pitch, int(counts[at])), float(costs[at])
    return best


def _emptiest(rows: NDArray[np.float32], reach: int) -> NDArray[np.intp]:
    """Of each row the emptiest one not farther away than that, of about equally empty ones the nearest."""
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(rows, reach, constant_values=np.inf), 2 * reach + 1
    )
    nearer = _NEARER * np.abs(np.arange(-reach, reach + 1)) / max(1, reach)
    steps = (around + nearer).argmin(axis=1) - reach
    return np.asarray(np.arange(len(rows)) + steps, np.intp)


def _pitches(width: int, length: int) -> list[float]:
    """Distances of characters to try, for ink of that width and length in pixels."""
    least = max(_LEAST_PITCH * width, length / MOST_CELLS, 2.0)
    most = max(_MOST_PITCH * width, least)
    step = math.log1p(min(_STEP, _DRIFT * least / length))
    return [least * math.exp(step * i) for i in range(int(math.log(most / least) / step) + 1)]


def cell_borders(ink: Mask, grid: Grid) -> list[int]:
    """The rows at which the cells begin and end: n + 1, from 0 to the column's height, ascending."""
    height = len(ink)
    count = min(grid.count, height)
    moved = _emptiest(ink.mean(axis=1, dtype=np.float32), int(grid.pitch * _REACH))
    borders = [0]
    for index in range(1, count):
        least, most = borders[-1] + 1, height - (count - index)
        borders.append(min(max(least, int(moved[min(round(grid.top(index)), height - 1)])), most))
    return [*borders, height]


# ---- what is ink


def _ink(column: Pixels) -> Mask:
    """Which pixels are ink: of the two levels that part the picture best the one that is rarer on its rim.

    Detectors leave some paper around text, while bold type may cover more than half of its box.
    """
    grey = column if column.ndim == 2 else cv2.cvtColor(column, cv2.COLOR_BGR2GRAY)
    _, dark = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    mask = dark.astype(np.bool_)
    if not mask.any() or mask.all() or grey[~mask].mean() - grey[mask].mean() < _CONTRAST:
        return np.ones(grey.shape, np.bool_)
    rim = np.concatenate((mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    return ~mask if rim.mean() > 0.5 else mask


def _paper(picture: Pixels, ink: Mask, otherwise: tuple[int, ...] | None = None) -> tuple[int, ...]:
    """Grey level or BGR of what is no ink; of everything where all is ink."""
    if ink.all():
        if otherwise is not None:
            return otherwise
        ink = ~ink
    return tuple(int(level) for level in np.atleast_1d(np.median(picture[~ink], axis=0)))


def _own(ink: Mask, width: int) -> Mask:
    """The ink that begins within the first so many columns of pixels, without rules along and across them."""
    if width < ink.shape[1]:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.view(np.uint8))
        ink = ink & (stats[:, cv2.CC_STAT_LEFT] < width)[labels]
    along, across = ink.mean(axis=0) < _RULE, ink[:, :width].mean(axis=1) < _RULE
    return np.asarray(ink & along & across[:, None], np.bool_)


def _sides(ink: Mask) -> tuple[int, int]:
    """Between which columns of pixels the ink is; all where there is none."""
    filled = np.flatnonzero(ink.mean(axis=0) > _SPECKS)
    return (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, ink.shape[1])


# ---- marks beside the text


def _without_hanging(ink: Mask) -> tuple[Mask, list[Mask]]:
    """The ink without small marks that reach beyond it on the right, and these."""
    left, right = _sides(ink)
    width = right - left
    ends = np.where(ink.any(axis=1), ink.shape[1] - ink[:, ::-1].argmax(axis=1), 0).astype(np.float32)
    # How far characters reach: of most places, the farthest end within a character's height.
    reached = cv2.dilate(ends[:, None], np.ones((width, 1), np.uint8))[:, 0]
    edge = float(np.quantile(reached[reached > 0], _MOST)) if reached.any() else float(right)
    text = ink.copy()
    marks: list[Mask] = []
    beyond = ink.copy()
    beyond[:, : math.ceil(edge)] = False
    runs = _runs(np.asarray(beyond.any(axis=1), np.bool_))
    if len(runs) > MOST_CELLS:  # a ruler's edge or a texture
        return text, marks
    for top, bottom in runs:
        window = np.zeros_like(ink)
        window[top:bottom, max(0, math.floor(edge - SMALL * width)) :] = True
        _, labels = cv2.connectedComponents((ink & window).view(np.uint8))
        reaching = np.unique(labels[top:bottom][beyond[top:bottom]])
        mark = np.isin(labels, reaching[reaching > 0])
        grown = _softened(mark) & ink
        x, _, wide, high = cv2.boundingRect(grown.view(np.uint8))
        touches = bool((_softened(grown) & ink & ~grown).any())
        far = (ends[top:bottom].max() - edge) / width >= (_BESIDE_TOUCHING if touches else _BESIDE)
        if far and max(wide, high) < SMALL * width and x > edge - SMALL * width:
            marks.append(grown)
            text &= ~grown
    return text, marks


def _runs(filled: Mask) -> list[tuple[int, int]]:
    """(first, behind last) of each run of rows that are filled."""
    steps = np.flatnonzero(np.diff(filled.astype(np.int8), prepend=0, append=0))
    return list(zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True))


def _hung(marks: list[Mask], text: Mask, grid: Grid) -> tuple[dict[int, Mask], Grid]:
    """The cells of marks that hang beside the text, and the cells with one more at the end for the last.

    Such a mark stands at the border of two cells, often above it, and belongs to the lower one. That must
    be empty otherwise: text may also have dots that reach far.
    """
    hung: dict[int, Mask] = {}
    count = grid.count
    for mark in marks:
        rows = np.flatnonzero(mark.any(axis=1))
        index = math.floor((float(rows[0] + rows[-1] + 1) / 2 - grid.start) / grid.pitch + 0.5)
        core = grid.top(index) + _CORE * grid.pitch, grid.top(index + 1) - _CORE * grid.pitch
        if not 0 < index <= grid.count or text[round(core[0]) : round(core[1])].any():
            continue
        hung[index] = hung[index] | mark if index in hung else mark
        count = max(count, index + 1)
    return hung, replace(grid, count=count)


def _hanging_cell(column: Pixels, mark: Mask, width: int, em: float, paper: tuple[int, ...]) -> Cell:
    """A cell of that width with nothing but a mark in it."""
    soft = _softened(mark)
    left, top, wide, high = cv2.boundingRect(soft.view(np.uint8))
    wide = min(wide, width)
    part = slice(top, top + high), slice(left, left + wide)
    picture = np.empty((high, width, *column.shape[2:]), np.uint8)
    picture[:] = paper
    picture[:, :wide][soft[part]] = column[part][soft[part]]
    ink = np.zeros((high, width), np.bool_)
    ink[:, :wide] = mark[part]
    return Cell(picture, ink, (width / 2, high / 2), em, paper)


def _softened(mark: Mask) -> Mask:
    """Ink with its soft edge."""
    size = 2 * EDGE + 1
    return np.asarray(cv2.dilate(mark.view(np.uint8), np.ones((size, size), np.uint8)), np.bool_)
