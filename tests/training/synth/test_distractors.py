"""What stands around a line and must give nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from crnn_ocr.training.render.atlas import EM
from crnn_ocr.training.render.compose import Composed
from crnn_ocr.training.synth import distractors
from crnn_ocr.training.types import Mask


def test_the_rule_of_a_cell_is_clear_of_the_text(
    line: Composed,
) -> None:
    mask = np.full((56, 240), 200, np.uint8)
    with_text = 0
    for seed in range(80):
        wide, shown = distractors.cells(mask, np.zeros_like(mask), line, random.Random(seed))
        assert wide.shape == shown.shape
        assert wide.sum() == mask.sum()
        assert not np.any((wide > 0) & (shown > 0))
        rule = [column for column in range(shown.shape[1]) if shown[:, column].min() > 0]
        assert 1 <= len(rule) <= 3
        beside = min(abs(column - inked) for column in rule for inked in np.flatnonzero(wide.any(axis=0)))
        assert beside >= 2, "a rule at the text would be a stroke of it"
        rest = np.delete(shown, rule, axis=1).max(axis=0)
        assert (rest > 0).sum() <= 0.3 * EM
        with_text += bool(rest.any())
    assert 10 < with_text < 60


def test_all_kinds_of_surroundings_are_drawn(line: Composed, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: Counter[str] = Counter()
    names = ("icons", "rules", "cells", "fragments")

    def counted(name: str, draw: Callable[..., tuple[Mask, Mask]]) -> Callable[..., tuple[Mask, Mask]]:
        def counting(*given: object) -> tuple[Mask, Mask]:
            drawn[name] += 1
            return draw(*given)

        return counting

    for name in names:
        monkeypatch.setattr(distractors, name, counted(name, getattr(distractors, name)))
    for seed in range(400):
        distractors.surround(line.mask, None, random.Random(seed), lambda: line)
    assert all(drawn[name] > 30 for name in names)


@pytest.mark.parametrize("shape", list(dict.fromkeys(distractors.SHAPES)), ids=lambda one: one.__name__)
def test_icons_are_neither_plain_squares_nor_plain_discs(
    shape: Callable[[Mask, random.Random], None],
) -> None:
    for seed in range(30):
        drawn = np.zeros((44, 44), np.uint8)
        shape(drawn, random.Random(seed))
        assert 0.08 < (drawn > 127).mean() < 0.92
        hull = np.zeros_like(drawn)
        for row, full in zip(drawn, hull, strict=True):
            inked = np.flatnonzero(row > 127)
            if len(inked):
                full[inked[0] : inked[-1] + 1] = 1
        assert int(hull.sum()) - int((drawn > 127).sum()) > 8 or shape.__name__ in {"_person", "_blob"}


@pytest.mark.parametrize("seed", range(60))
def test_surroundings_leave_the_line_whole_and_clear(seed: int, line: Composed) -> None:
    mask = np.zeros((56, 240), np.uint8)
    mask[4:52, 4:236] = 200
    wide, shown = distractors.surround(mask, None, random.Random(seed), lambda: line)
    assert wide.shape == shown.shape
    assert wide.dtype == shown.dtype == np.uint8
    assert wide.sum() == mask.sum()
    assert shown.any()
    assert not np.any((wide > 0) & (shown > 0)), "what is no text does not touch the text"
    again = distractors.surround(mask, None, random.Random(seed), lambda: line)
    assert np.array_equal(wide, again[0])
    assert np.array_equal(shown, again[1])


def test_rules_run_the_whole_way_or_lie_at_the_edge() -> None:
    mask = np.zeros((50, 200), np.uint8)
    mask[5:45, 20:180] = 255
    for seed in range(60):
        wide, shown = distractors.rules(mask, np.zeros_like(mask), random.Random(seed))
        inner = shown[8:-8, 8:-8]
        assert not inner.any()
        sides = shown[:, :8].max(axis=1), shown[:, -8:].max(axis=1)
        assert all(side[8:-8].all() or not side[8:-8].any() for side in sides)
        assert wide.sum() == mask.sum()
