"""Judges grids of one table by what a right grid never does: its violations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crnn_ocr.tables.grid import Box, Grid
from crnn_ocr.tables.row_joining import is_figures
from crnn_ocr.tables.rules import Rule, Rules
from crnn_ocr.tables.words import Word

# What one violation counts. A word cut by a border is never right; a text divided between words may be, where
# two columns stand close; the others are signs.
_CUT = 3.0
_DIVIDED = 1.0
_OUTSIDE = 2.0
_RULE_IGNORED = 1.0
_SIDE_BY_SIDE = 1.0
_STACKED = 1.0
_EMPTY_LINE = 2.0
_HALF_ROW = 0.35


@dataclass(frozen=True, slots=True)
class Violations:
    """What is wrong with a grid, counted.

    Attributes:
        cut: Words that a border divides.
        divided: Texts that a border divides at a usual blank.
        outside: Words in no cell.
        rules_ignored: Rules that run through a cell.
        side_by_side: Pairs of words of one cell with wide white space between them.
        stacked: Rows of text in one row of the grid that look like rows of their own.
        empty_lines: Rows and columns without any text.
        half_rows: Rows that only go on with texts of the row above.
    """

    cut: int = 0
    divided: int = 0
    outside: int = 0
    rules_ignored: float = 0.0
    side_by_side: int = 0
    stacked: int = 0
    empty_lines: int = 0
    half_rows: int = 0

    @property
    def total(self) -> float:
        """All of them, each with its weight."""
        return (
            _CUT * self.cut
            + _DIVIDED * self.divided
            + _OUTSIDE * self.outside
            + _RULE_IGNORED * self.rules_ignored
            + _SIDE_BY_SIDE * self.side_by_side
            + _STACKED * self.stacked
            + _EMPTY_LINE * self.empty_lines
            + _HALF_ROW * self.half_rows
        )


def violations(grid: Grid, words: Sequence[Word], rules: Rules, height: float) -> Violations:
    """Count what is wrong with a grid.

    Args:
        grid: The grid.
        words: The words of its table, line by line.
        rules: The rules of its table.
        height: Typical height of text in pixels.
    """
    held: list[list[Word]] = [[] for _ in grid.cells]
    cut = outside = divided = 0
    places: list[int | None] = []
    for word in words:
        place, whole = _place(grid, word.box)
        places.append(place)
        if place is None:
            outside += 1
            continue
        held[place].append(word)
        cut += not whole
    for (one, a), (other, b) in zip(
        zip(words, places, strict=True), list(zip(words, places, strict=True))[1:], strict=False
    ):
        if one.line == other.line and a != b and other.box[0] - one.box[2] < 0.4 * height:
            divided += 1
    ignored = _ignored(grid, rules.horizontal, height, across=True)
    ignored += _ignored(grid, rules.vertical, height, across=False)
    beside = sum(_side_by_side(group, height) for group in held)
    return Violations(
        cut,
        divided,
        outside,
        ignored,
        beside,
        _stacked(grid, held, height),
        _empty_lines(grid, held),
        _half_rows(grid, held),
    )


def _place(grid: Grid, box: Box) -> tuple[int | None, bool]:
    """Return the cell with most of a box, and whether it holds nearly all of it from left to right."""
    best, most = None, 0.0
    for index, cell in enumerate(grid.cells):
        left, top, right, bottom = cell.box
        width = min(right, box[2]) - max(left, box[0])
        height = min(bottom, box[3]) - max(top, box[1])
        if width > 0 and height > 0 and width * height > most:
            best, most = index, width * height
    if best is None:
        return None, False
    left, top, right, bottom = grid.cells[best].box
    slack = 0.3 * (box[3] - box[1])
    level = (box[1] + box[3]) / 2
    whole = box[0] >= left - slack and box[2] <= right + slack and top <= level <= bottom
    return best, whole


def _ignored(grid: Grid, rules: Sequence[Rule], height: float, *, across: bool) -> float:
    """Return how many sides of cells rules run along inside of cells instead of at their borders."""
    total = 0.0
    for cell in grid.cells:
        left, top, right, bottom = cell.box
        low, high = (top, bottom) if across else (left, right)
        start, end = (left, right) if across else (top, bottom)
        for rule in rules:
            if low + 0.6 * height < rule.at < high - 0.6 * height:
                share = (min(rule.end, end) - max(rule.start, start)) / max(1.0, end - start)
                if share > 0.7:
                    total += 1.0
    return total


def _side_by_side(words: Sequence[Word], height: float) -> int:
    """Return the number of wide gaps between words of one cell on one level."""
    count = 0
    ordered = sorted(words, key=lambda word: (word.box[0], word.box[1]))
    for index, word in enumerate(ordered):
        following = [
            other.box[0]
            for other in ordered[index + 1 :]
            if abs(other.level - word.level) < 0.5 * height and other.box[2] > word.box[2]
        ]
        if following and min(following) - word.box[2] > 1.3 * height:
            count += 1
    return count


def _levels(words: Sequence[Word], height: float) -> list[float]:
    levels: list[float] = []
    for level in sorted(word.level for word in words):
        if not levels or level - levels[-1] > 0.6 * height:
            levels.append(level)
    return levels


def _stacked(grid: Grid, held: Sequence[Sequence[Word]], height: float) -> int:
    """Return the number of rows of text that should be rows of the grid.

    Figures do not go on in a second line: two cells of one row with several lines of figures are several rows.
    """
    total = 0
    for row in range(grid.rows):
        lines = sorted(
            len(_levels(words, height))
            for cell, words in zip(grid.cells, held, strict=True)
            if cell.row == row and cell.row_span == 1 and words and is_figures(words)
        )
        if len(lines) >= 2:
            total += lines[-2] - 1
    return total


def _empty_lines(grid: Grid, held: Sequence[Sequence[Word]]) -> int:
    rows, cols = set(range(grid.rows)), set(range(grid.cols))
    for cell, words in zip(grid.cells, held, strict=True):
        if words:
            rows -= set(range(cell.row, cell.row + cell.row_span))
            cols -= set(range(cell.col, cell.col + cell.col_span))
    return len(rows) + len(cols)


def _half_rows(grid: Grid, held: Sequence[Sequence[Word]]) -> int:
    """Return the number of rows with few texts and no figures, without their first column or only with it."""
    total = 0
    for row in range(1, grid.rows):
        filled = {
            cell.col: words for cell, words in zip(grid.cells, held, strict=True) if cell.row == row and words
        }
        own = [cell for cell in grid.cells if cell.row == row]
        if not filled or len(own) < 2 or len(filled) > 0.5 * len(own):
            continue
        if not any(is_figures(words) for words in filled.values()):
            total += 1
    return total
