"""Judges grids of one table by what a right grid never does: its violations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crnn_ocr.tables.figures import are_numbers_apart
from crnn_ocr.tables.grid import Box, Grid
from crnn_ocr.tables.grids.placing import places_of
from crnn_ocr.tables.grids.row_joining import is_figures
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
#: Pairs of a rule and a cell that are compared at once.
_AT_ONCE = 400_000


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
        idle_lines: Rows and columns that only texts over several of them cross; they weigh nothing, since
            forms have some.
    """

    cut: int = 0
    divided: int = 0
    outside: int = 0
    rules_ignored: float = 0.0
    side_by_side: int = 0
    stacked: int = 0
    empty_lines: int = 0
    half_rows: int = 0
    idle_lines: int = 0

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
    places = places_of(grid, [word.box for word in words])
    previous: tuple[Word, int] | None = None
    for word, place, inside in zip(words, places.cells.tolist(), places.inside.tolist(), strict=True):
        if inside:
            held[place].append(word)
            cut += not _is_whole(grid.cells[place].box, word.box)
        else:
            outside += 1
        if previous is not None and previous[0].line == word.line and previous[1] != place:
            near = word.box[0] - previous[0].box[2] < 0.4 * height
            divided += near and not are_numbers_apart(previous[0].text, word.text)
        previous = word, place
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
        _idle_lines(grid, held),
    )


def _is_whole(cell: Box, word: Box) -> bool:
    """Return whether nearly all of a word lies in a cell."""
    slack = 0.3 * (word[3] - word[1])
    level = (word[1] + word[3]) / 2
    return word[0] >= cell[0] - slack and word[2] <= cell[2] + slack and cell[1] <= level <= cell[3]


def _ignored(grid: Grid, rules: Sequence[Rule], height: float, *, across: bool) -> float:
    """Return how many sides of cells rules run along inside of cells instead of at their borders."""
    if not rules:
        return 0.0
    step = max(1, _AT_ONCE // len(grid.cells))
    if len(rules) > step:
        parts = range(0, len(rules), step)
        return sum(_ignored(grid, rules[at : at + step], height, across=across) for at in parts)
    at, begins, ends = np.array([(rule.at, rule.start, rule.end) for rule in rules]).T[:, :, None]
    left, top, right, bottom = np.array([cell.box for cell in grid.cells]).T
    low, high, start, end = (top, bottom, left, right) if across else (left, right, top, bottom)
    # Columns have more room at their sides than rows: two rules with a slit between are one border.
    slack = (0.6 if across else 1.3) * height
    inside = (low + slack < at) & (at < high - slack)
    share = (np.minimum(ends, end) - np.maximum(begins, start)) / np.maximum(1.0, end - start)
    return float((inside & (share > 0.7)).sum())


def _side_by_side(words: Sequence[Word], height: float) -> int:
    """Return the number of wide gaps between words of one cell on one level."""
    if len(words) < 2:
        return 0
    left, top, right, bottom = np.array([word.box for word in words]).T
    level = (top + bottom) / 2
    follows = (abs(level - level[:, None]) < 0.5 * height) & (right > right[:, None])
    gap = np.where(follows, left - right[:, None], np.inf).min(axis=1)
    return int(((gap > 1.3 * height) & np.isfinite(gap)).sum())


def _levels(words: Sequence[Word], height: float) -> list[float]:
    levels: list[float] = []
    for level in sorted(word.level for word in words):
        if not levels or level - levels[-1] > 0.6 * height:
            levels.append(level)
    return levels


def _stacked(grid: Grid, held: Sequence[Sequence[Word]], height: float) -> int:
    """Return the number of rows of text that should be rows of the grid.

    Figures do not go on in a second line: two cells of one row with several lines of figures are several
    rows.
    """
    lines: dict[tuple[int, int], list[int]] = {}
    for cell, words in zip(grid.cells, held, strict=True):
        if words and is_figures(words):
            lines.setdefault((cell.row, cell.row_span), []).append(len(_levels(words, height)))
    stacked = sum(sorted(counts)[-2] - 1 for counts in lines.values() if len(counts) > 1)
    return stacked + _beside_rows(grid, held, height)


def _beside_rows(grid: Grid, held: Sequence[Sequence[Word]], height: float) -> int:
    """Return the number of lines, but the first, of cells over several rows with one line in each row."""
    bounds = {cell.row: (cell.box[1], cell.box[3]) for cell in grid.cells if cell.row_span == 1}
    total = 0
    for cell, words in zip(grid.cells, held, strict=True):
        rows = [bounds.get(row) for row in range(cell.row, cell.row + cell.row_span)]
        levels = _levels(words, height) if cell.row_span > 2 else []
        if levels and len(levels) == len(rows):
            fits = [row and row[0] < level < row[1] for row, level in zip(rows, levels, strict=True)]
            total += len(levels) - 1 if all(fits) else 0
    return total


def _empty_lines(grid: Grid, held: Sequence[Sequence[Word]]) -> int:
    rows, cols = set(range(grid.rows)), set(range(grid.cols))
    for cell, words in zip(grid.cells, held, strict=True):
        if words:
            rows -= set(range(cell.row, cell.row + cell.row_span))
            cols -= set(range(cell.col, cell.col + cell.col_span))
    return len(rows) + len(cols)


def _idle_lines(grid: Grid, held: Sequence[Sequence[Word]]) -> int:
    filled = [cell for cell, words in zip(grid.cells, held, strict=True) if words]
    rows = {cell.row for cell in filled if cell.row_span == 1}
    cols = {cell.col for cell in filled if cell.col_span == 1}
    return grid.rows - len(rows) + grid.cols - len(cols)


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
