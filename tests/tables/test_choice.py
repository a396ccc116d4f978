"""Which of several grids of one table is chosen."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crnn_ocr.tables.choice import best_grid, is_clear, with_second_opinion
from crnn_ocr.tables.grid import Grid
from crnn_ocr.tables.grids.scoring import Violations

FIRST, SECOND, NETWORK = (Grid(2, 2, (), method) for method in ("rules", "gutters", "network"))
FINE = Violations()


def judge(found: dict[Grid, Violations]) -> Callable[[Grid], Violations]:
    return lambda grid: found[grid]


def test_the_fewest_violations_win_and_of_equal_ones_the_first() -> None:
    worse = Violations(cut=1)
    assert best_grid([FIRST, SECOND], judge({FIRST: worse, SECOND: FINE})) == (SECOND, FINE)
    assert best_grid([FIRST, SECOND], judge({FIRST: worse, SECOND: worse})) == (FIRST, worse)


@pytest.mark.parametrize(
    ("grid", "found", "clear"),
    [
        (FIRST, FINE, True),
        (FIRST, Violations(empty_lines=1), True),  # 2 on 100 words
        (FIRST, Violations(cut=2), False),
        (SECOND, FINE, False),
    ],
)
def test_only_rules_that_the_text_fits_need_no_second_opinion(
    grid: Grid, found: Violations, clear: bool
) -> None:
    assert is_clear(grid, found, 100) == clear


@pytest.mark.parametrize(
    ("former", "found", "chosen"),
    [
        (FINE, FINE, NETWORK),
        (FINE, Violations(cut=3), NETWORK),  # 9 on 100 words
        (FINE, Violations(cut=4), SECOND),
        (FINE, Violations(stacked=1), SECOND),  # two rows of text in one
        (FINE, Violations(rules_ignored=1.0), SECOND),
        (Violations(cut=2, stacked=1), Violations(stacked=1), NETWORK),
    ],
)
def test_a_network_may_be_a_little_less_exact(former: Violations, found: Violations, chosen: Grid) -> None:
    best = SECOND, former
    grid, violations = with_second_opinion(best, [NETWORK], judge({NETWORK: found}), 100)

    assert grid == chosen
    assert violations == (found if chosen is NETWORK else former)
    assert with_second_opinion(best, [], judge({}), 100) == best
