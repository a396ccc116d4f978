"""Damages of pictures."""

from __future__ import annotations

import random

import numpy as np
import pytest

from crnn_ocr.training.synth import scene
from crnn_ocr.training.synth.degrade import DAMAGES, damage


@pytest.mark.parametrize("one", DAMAGES, ids=lambda one: one.__name__)
def test_damages_keep_shape_and_leave_something_to_read(one: object) -> None:
    assert callable(one)
    picture = np.full((48, 240, 3), 240, np.uint8)
    picture[14:34, [x for x in range(20, 220) if x % 9 < 2]] = 20
    changed = 0
    for seed in range(12):
        rng = random.Random(seed)
        hurt = one(picture, rng, rng.uniform(0.3, 1.0))
        assert hurt.shape == picture.shape
        assert hurt.dtype == np.uint8
        assert np.ptp(hurt.astype(int)) > 30
        again = random.Random(seed)
        assert np.array_equal(hurt, one(picture, again, again.uniform(0.3, 1.0)))
        changed += not np.array_equal(hurt, picture)
    assert changed >= 10
    assert np.all(picture[0] == 240), "the original is never written to"


def test_several_damages_are_different_ones() -> None:
    picture = np.full((40, 100, 3), 200, np.uint8)
    picture[10:30, 20:80:7] = 10
    assert damage(picture, random.Random(0), 0.5, 0) is picture
    assert damage(picture, random.Random(0), 0.5, len(DAMAGES)).shape == picture.shape


def test_subpixels_colour_the_edges_only() -> None:
    mask = np.zeros((48, 96), np.uint8)
    mask[:, 30:60] = 255
    fringed = scene.subpixels(mask, (32, 16))
    assert fringed.shape == (16, 32, 3)
    assert np.all(fringed[:, 13:17] == 255)
    assert np.any(fringed[..., 0] != fringed[..., 2])
