"""Cut columns of upright characters, as on Chinese signs and couplets, into cells and lay them out as a row.

The recogniser reads rows. So a column is cut into the cells of its characters, and these are put side by side
as if the text had been set in a row (see `punctuation`). Everything is measured on the ink, because a
detector's box is 1.3 to 1.8 times as wide and says little about the number of characters. All functions are
pure.
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

#: Most cells of a column; it bounds the work on very thin pictures.
MOST_CELLS = 60
#: Pitch of characters in widths of the column's ink: least, greatest and usual.
_LEAST_PITCH, _MOST_PITCH, _PITCH = 0.85, 2.0, 1.1
#: Usual height of a character's ink at the ends of a column, in widths of the column's ink.
_INK = 0.93
#: Greatest height of one character's ink, in widths of the column's ink.
_HIGHEST = 1.1
# Costs and gains are in shares of a row that is all ink.
#: Gain for white of one pitch at the borders.
_WHITE = 0.1
#: Costs of a pitch e times the usual one, of only blank cells, of one pitch more or less space than usual in
#: the end cells, and of one pitch more space above the text than below. They only decide between pitches
#: whose borders are about equally empty.
_UNUSUAL, _BLANK, _ROOM, _LOPSIDED = 0.05, 0.05, 0.03, 0.02
#: Greatest relative step between pitches, and greatest distance, in pitches, of the last borders of a long
#: column for two successive pitches, half of which is within reach.
_STEP, _DRIFT = 0.03, 0.25
#: Greatest distance of the first character's ink below its cell's top, in pitches, and number of positions to
#: try.
_LOWERED, _PLACES = 0.6, 9
#: Part of the last cell, in pitches, that may be missing.
_SHORT = 0.1
#: Greatest distance, in pitches, by which a border is moved from its even position to the emptiest row.
_REACH = 0.15
#: How much emptier a row at that distance must be, in shares of a row that is all ink.
_NEARER = 0.06
#: Least contrast of ink and paper in grey levels.
_CONTRAST = 16.0
#: A pixel row or column with at least this share of ink is a rule; a pixel column with at most the second
#: share has only specks.
_RULE, _SPECKS = 0.97, 0.01
#: Quantile of the rows' right ends that is taken as the right edge of the text.
_MOST = 0.65
#: Least distance beyond the text, in widths of the column's ink, of a mark that hangs beside it; the second
#: one is for a mark that touches a character, which may have a long stroke.
_BESIDE, _BESIDE_TOUCHING = 0.05, 0.15
#: Margin, in pitches, at the top and the bottom of a cell; between them, a cell with only such a mark has no
#: other ink.
_CORE = 0.2
#: Paper to the left and right of the ink, and the height of the row, in widths of the ink.
_MARGIN, _ROW = 0.06, 1.3


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a column.

    Attributes:
        borders: n + 1 ascending numbers from 0 to 1, the borders of the n cells as fractions of the column.
        inked: Whether each cell has ink.
    """

    borders: tuple[float, ...]
    inked: tuple[bool, ...]

    def place(self, fraction: float) -> float:
        """Convert a position in the row to a position in the column; both are fractions from 0 to 1."""
        return float(np.interp(fraction * len(self.inked), range(len(self.borders)), self.borders))


@dataclass(frozen=True, slots=True)
class Row:
    """A column laid out as a row.

    Attributes:
        picture: (H, W) grey or (H, W, 3) BGR, uint8: the cells from left to right, equally wide.
        cells: The cells' positions in the column.
    """

    picture: Pixels
    cells: Cells


@dataclass(frozen=True, slots=True)
class Grid:
    """The evenly spaced cells of a column.

    Attributes:
        start: Row at which the first cell begins; the text, and even the picture, may begin lower.
        pitch: Height of a cell in rows.
        count: Number of cells.
    """

    start: float
    pitch: float
    count: int

    def top(self, index: int) -> float:
        """Return the row at which a cell begins."""
        return self.start + index * self.pitch


def column_to_row(column: Pixels, spare: int = 0) -> Row:
    """Lay the characters of a column out side by side.

    Args:
        column: (H, W) grey or (H, W, 3) BGR, uint8, higher than wide.
        spare: Width in pixels of an extra margin on its right. Ink there belongs to the column only if it
            begins further left.

    Returns:
        The row and the positions of its cells in the column.
    """
    height, width = column.shape[:2]
    found = _ink(column)
    paper = _paper(column, found)
    text, marks = _without_hanging(_column_ink(found, width - spare))
    left, right = _sides(text)
    grid = even_cells(text[:, left:right])
    hung, grid = _assign_hanging(marks, text[:, left:right], grid)
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


# ---- cells


def even_cells(ink: Mask) -> Grid:
    """Find the even cells whose borders, moved to the emptiest rows nearby, separate the characters best.

    Args:
        ink: (H, W) bool mask of a column's ink, without the paper to its left and right.

    Returns:
        The grid of least cost; one cell if there is no ink.
    """
    rows = ink.mean(axis=1, dtype=np.float32)
    filled = np.flatnonzero(rows)
    if len(filled) == 0:
        return Grid(0.0, float(len(rows)), 1)
    top, bottom, width = int(filled[0]), int(filled[-1]) + 1, ink.shape[1]
    # For each row: the first inked row from there on, and one past the last inked row before it.
    first = filled[np.minimum(np.searchsorted(filled, np.arange(bottom + 1)), len(filled) - 1)]
    last = filled[np.maximum(np.searchsorted(filled, np.arange(bottom + 1)) - 1, 0)] + 1
    best, least = Grid(float(top), float(bottom - top), 1), math.inf
    lowered = np.linspace(0.0, _LOWERED, _PLACES)
    moved: dict[int, NDArray[np.intp]] = {}
    for pitch in _pitches(width, bottom - top):
        # These arrays have one row for each position of the first cell.
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
    """Return for each row the emptiest row within `reach`; of about equally empty rows the nearest."""
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(rows, reach, constant_values=np.inf), 2 * reach + 1
    )
    nearer = _NEARER * np.abs(np.arange(-reach, reach + 1)) / max(1, reach)
    steps = (around + nearer).argmin(axis=1) - reach
    return np.asarray(np.arange(len(rows)) + steps, np.intp)


def _pitches(width: int, length: int) -> list[float]:
    """Return the pitches to try, in pixels, for ink of that width and length in pixels."""
    least = max(_LEAST_PITCH * width, length / MOST_CELLS, 2.0)
    most = max(_MOST_PITCH * width, least)
    step = math.log1p(min(_STEP, _DRIFT * least / length))
    return [least * math.exp(step * i) for i in range(int(math.log(most / least) / step) + 1)]


def cell_borders(ink: Mask, grid: Grid) -> list[int]:
    """Return the n + 1 borders of n cells: rows from 0 to the column's height, ascending."""
    height = len(ink)
    count = min(grid.count, height)
    moved = _emptiest(ink.mean(axis=1, dtype=np.float32), int(grid.pitch * _REACH))
    borders = [0]
    for index in range(1, count):
        least, most = borders[-1] + 1, height - (count - index)
        borders.append(min(max(least, int(moved[min(round(grid.top(index)), height - 1)])), most))
    return [*borders, height]


# ---- ink


def _ink(column: Pixels) -> Mask:
    """Return a mask of the ink: the side of Otsu's threshold that is rarer on the picture's rim.

    The rim decides because detectors leave some paper around text, while bold type may cover more than half
    of its box.
    """
    grey = column if column.ndim == 2 else cv2.cvtColor(column, cv2.COLOR_BGR2GRAY)
    _, dark = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    mask = dark.astype(np.bool_)
    if not mask.any() or mask.all() or grey[~mask].mean() - grey[mask].mean() < _CONTRAST:
        return np.ones(grey.shape, np.bool_)
    rim = np.concatenate((mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    return ~mask if rim.mean() > 0.5 else mask


def _paper(picture: Pixels, ink: Mask, otherwise: tuple[int, ...] | None = None) -> tuple[int, ...]:
    """Return the grey level or BGR colour of the paper; if all is ink, `otherwise` or the median of all."""
    if ink.all():
        if otherwise is not None:
            return otherwise
        ink = ~ink
    return tuple(int(level) for level in np.atleast_1d(np.median(picture[~ink], axis=0)))


def _column_ink(ink: Mask, width: int) -> Mask:
    """Return the ink that begins within the first `width` pixel columns, without rules."""
    if width < ink.shape[1]:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(ink.view(np.uint8))
        ink = ink & (stats[:, cv2.CC_STAT_LEFT] < width)[labels]
    along, across = ink.mean(axis=0) < _RULE, ink[:, :width].mean(axis=1) < _RULE
    return np.asarray(ink & along & across[:, None], np.bool_)


def _sides(ink: Mask) -> tuple[int, int]:
    """Return the pixel columns [left, right) of the ink; all columns if there is none."""
    filled = np.flatnonzero(ink.mean(axis=0) > _SPECKS)
    return (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, ink.shape[1])


# ---- hanging punctuation


def _without_hanging(ink: Mask) -> tuple[Mask, list[Mask]]:
    """Separate small marks that hang beside the text on its right; return the text's ink and the marks."""
    left, right = _sides(ink)
    width = right - left
    ends = np.where(ink.any(axis=1), ink.shape[1] - ink[:, ::-1].argmax(axis=1), 0).astype(np.float32)
    # The right edge of the characters: a quantile, over all rows, of the farthest end within a character's
    # height.
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
    """Return [first, last) of each run of filled rows."""
    steps = np.flatnonzero(np.diff(filled.astype(np.int8), prepend=0, append=0))
    return list(zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True))


def _assign_hanging(marks: list[Mask], text: Mask, grid: Grid) -> tuple[dict[int, Mask], Grid]:
    """Return the hanging marks by their cell, and the grid, with one more cell if the last mark needs it.

    Such a mark is at the border of two cells, often above it, and belongs to the lower cell. That cell must
    have no other ink, because characters may also have dots that extend far to the right.
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
    """Return a cell of that width in pixels with only a mark in it."""
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
    """Return a mask of ink with its soft edge."""
    size = 2 * EDGE + 1
    return np.asarray(cv2.dilate(mark.view(np.uint8), np.ones((size, size), np.uint8)), np.bool_)
