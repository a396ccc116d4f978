"""Chooses between the grids of one table that different methods see."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crnn_ocr.tables.grid import Grid
from crnn_ocr.tables.grids.ruled import RULED
from crnn_ocr.tables.grids.scoring import Violations

#: Violations per word that a grid of drawn rules may have before a second opinion is needed.
_CLEAR = 0.05
#: Violations per word that a network's grid may have more than the best other one. A network knows what a
#: table means, such as a head over several columns; its borders are less exact. Of 0 to 0.2, tried on 143
#: tables, 0.1 is best: TEDS-S 100 / 94.1 / 99.0 instead of 100 / 93.9 / 93.7 with 0.
_MORE = 0.1

#: What is wrong with a grid.
Judge = Callable[[Grid], Violations]


def best_grid(grids: Sequence[Grid], judge: Judge) -> tuple[Grid, Violations]:
    """Return the grid with the fewest violations, and what they are.

    Of equal ones the first counts: rules draw what white space only suggests.

    Raises:
        ValueError: There is no grid.
    """
    judged = [(grid, judge(grid)) for grid in grids]
    return min(judged, key=lambda pair: pair[1].total)


def is_clear(grid: Grid, found: Violations, words: int) -> bool:
    """Return whether a grid needs no second opinion: its rules are drawn, and the text fits them."""
    return grid.method == RULED and found.total <= _CLEAR * words


def with_second_opinion(
    best: tuple[Grid, Violations], others: Sequence[Grid], judge: Judge, words: int
) -> tuple[Grid, Violations]:
    """Return a network's grid where it is as good as the best other one, and that one otherwise.

    It may not put more rows of text into one row, leave more rules out, or have more rows or columns without
    a text of their own, whatever its total is.

    Args:
        best: The best grid of the other methods, and its violations.
        others: Grids of a network.
        judge: Returns the violations of a grid.
        words: Number of words of the table.
    """
    if not others:
        return best
    other, found = best_grid(others, judge)
    former = best[1]
    if found.rules_ignored > former.rules_ignored or found.stacked > former.stacked:
        return best
    if found.idle_lines > former.idle_lines:
        return best
    return (other, found) if found.total <= former.total + _MORE * words else best
