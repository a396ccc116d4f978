"""Rules under lines and prints of seals over them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from crnn_ocr.training.render.atlas import EM
from crnn_ocr.training.render.compose import BASELINE, Composed
from crnn_ocr.training.synth import overprints


def test_underlines_lie_below_the_baseline(line: Composed) -> None:
    wider = 0
    for seed in range(120):
        under = overprints.underlined(line, random.Random(seed))
        before = under.mask.shape[1] - line.mask.shape[1]
        wider += before > 0
        assert before >= 0
        top = BASELINE + round(0.06 * EM)
        found = [
            at
            for at in range(before + 1)
            if np.array_equal(under.mask[:top, at : at + line.mask.shape[1]], line.mask[:top])
        ]
        assert found, "what stands above the rule is as it was"
        assert under.mask.astype(int).sum() > line.mask.astype(int).sum()
        assert under.bottom >= line.bottom
        assert under.ink[1] <= under.mask.shape[0]
        rule = under.mask[top : under.ink[1]].max(axis=0)
        assert (rule > 100).sum() >= EM // 2
    assert 20 < wider < 90


def test_seals_are_red_and_ink_shows_through(line: Composed) -> None:
    reddened = 0
    for seed in range(60):
        ground = np.full((40, 300, 3), 250, np.float32)
        ground[15:25, 100:200] = 10
        before = ground.copy()
        overprints.seal(ground, line if seed % 2 else None, random.Random(seed))
        assert ground.shape == before.shape
        assert np.all(ground <= before + 1e-3), "a seal darkens"
        assert ground[15:25, 100:200].max() <= 10, "black stays black"
        changed = ground[(before - ground).max(axis=2) > 60]
        reddened += len(changed) > 20 and changed[:, 2].mean() > changed[:, 0].mean() + 40
    assert reddened > 35


@pytest.mark.parametrize("radius", [6, 15, 40])
def test_prints_of_seals_have_a_rim_and_characters(radius: int, line: Composed) -> None:
    for seed in range(30):
        plain = overprints.print_of_seal(None, random.Random(seed), radius)
        full = overprints.print_of_seal(line, random.Random(seed), radius)
        assert plain.shape == full.shape == (2 * radius, 2 * radius)
        assert plain.dtype == full.dtype == np.uint8
        assert (plain > 127).mean() < 0.75
        assert plain[radius, :3].max() > 60 or plain[:, radius].max() > 60
        assert full.astype(int).sum() >= plain.astype(int).sum()
