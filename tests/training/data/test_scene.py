from __future__ import annotations

import random

import numpy as np
import pytest

from crnn_ocr.training.synth.scene import icon


@pytest.mark.parametrize("seed", range(30))
def test_a_pictogram_stands_before_the_line_and_leaves_it_whole(seed: int) -> None:
    mask = np.zeros((60, 200), np.uint8)
    mask[10:50, 5:190] = 200
    moved, shown = icon(mask, random.Random(seed))
    added = moved.shape[1] - mask.shape[1]
    assert moved.shape == shown.shape
    assert moved.dtype == shown.dtype == np.uint8
    assert added >= 8
    assert np.array_equal(moved[:, added:], mask)
    assert not moved[:, :added].any()
    assert shown[:, :added].any()
    assert not shown[:, added:].any()
    assert 0 < np.count_nonzero(shown[:, :added] > 127) < 60 * added  # something is cut out or around it
