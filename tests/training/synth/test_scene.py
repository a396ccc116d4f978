from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from crnn_ocr.training.render import atlas
from crnn_ocr.training.render.compose import Layout, Typesetter
from crnn_ocr.training.synth import scene
from crnn_ocr.training.synth.scene import icon
from crnn_ocr.training.text.charset import characters
from tests.training.world import HAN

IDS = {text: number for number, text in enumerate(characters()) if number}


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


@pytest.fixture
def setter(data: Path) -> Typesetter:
    opened = atlas.load(data / "atlas")
    return Typesetter(opened, IDS, range(len(opened.faces)))


def test_boxes_never_lose_the_text(setter: Typesetter) -> None:
    rng = random.Random(3)
    for text in ("AB", "-", HAN[5] * 4):
        face = setter.pick("AB", "han", rng)
        assert face is not None
        line = setter.compose(text, face, Layout(), rng)
        assert line is not None
        for _ in range(100):
            mask = scene.boxed(line, rng)
            assert mask.sum() > 0.85 * line.mask.sum()
            aligned = scene.boxed(line, rng, grid=4)
            assert not (aligned.shape[0] % 4)
            assert not (aligned.shape[1] % 4)


@pytest.mark.parametrize("kind", ["white", "paper", "plain", "gradient", "texture", "photo"])
def test_backgrounds_and_inks_differ_enough(kind: str) -> None:
    for seed in range(25):
        rng = random.Random(seed)
        ground, mean = scene.background(40, 130, rng, kind)
        assert ground.shape == (40, 130, 3)
        assert 0 <= ground.min() <= ground.max() <= 255
        ink = scene.ink_colour(mean, rng, plain=0.5, contrast=60)
        assert abs(scene.luminance(ink) - scene.luminance(mean)) >= 60
