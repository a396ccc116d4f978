"""What counts as right to the character, and what as an error that nobody is told of."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.harness.datasets import Sample
from benchmarks.harness.engines import Reading

from benchmarks import exact


def reading(*lines: tuple[str, float]) -> Reading:
    texts, confidences = zip(*lines, strict=True) if lines else ((), ())
    return Reading(tuple(texts), (), tuple(confidences), 0.1, 0.1, 1)


def test_a_label_is_taken_apart() -> None:
    assert exact.wanted_of(Sample(Path("a.png"), "1.0 | 2.5 | 3"), "numbers") == ["1.0", "2.5", "3"]
    assert exact.wanted_of(Sample(Path("a.png"), "甲 ⏎ 乙丙\tkind"), "cases") == ["甲", "乙丙"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([("2.5", 0.99), ("1.0", 0.3), ("2.5", 0.99)], (0, 0)),
        ([("25", 0.99), ("1.0", 0.3), ("2.5", 0.99)], (1, 1)),
        ([("25", 0.5), ("1.0", 0.3), ("2.5", 0.99)], (1, 0)),
        ([("2.5", 0.99), ("1.0", 0.3)], (1, 0)),
        ([("２.5", 0.99), ("1.0", 0.3), (" 2.5", 0.99)], (1, 1)),
        ([], (3, 0)),
    ],
)
def test_numbers(lines: list[tuple[str, float]], expected: tuple[int, int]) -> None:
    assert exact.score_numbers(["2.5", "1.0", "2.5"], reading(*lines)) == expected


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([("甲：1", 0.99), ("乙", 0.99)], (0, 0)),
        ([("甲：1 ", 0.9), ("乙", 0.99)], (0, 0)),
        ([("甲:1", 0.99), ("乙", 0.99)], (1, 1)),
        ([("乙", 0.99), ("甲：1", 0.99)], (1, 1)),
        ([("甲:1", 0.6), ("乙", 0.99)], (1, 0)),
    ],
)
def test_cases(lines: list[tuple[str, float]], expected: tuple[int, int]) -> None:
    assert exact.score_case(["甲：1", "乙"], reading(*lines)) == expected


def test_the_table_has_a_row_per_engine() -> None:
    score = {"numbers": exact.Score(720, 2, 0, 1.25)}
    assert "| us | 2 / 0 / 1.25 |" in exact.table({"us": score}, ["numbers"])
