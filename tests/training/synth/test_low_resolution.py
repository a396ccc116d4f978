"""Lines of few pixels."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from crnn_ocr.training.render.compose import Composed
from crnn_ocr.training.synth import low_resolution

Maker = Callable[[random.Random], str]


def test_lines_of_pages_are_larger_than_what_is_drawn_small(line: Composed) -> None:
    def heights(look: low_resolution.Print) -> list[int]:
        pictures = [low_resolution.picture(line, None, random.Random(seed), look) for seed in range(100)]
        return sorted(picture.shape[0] for picture in pictures if picture is not None)

    few, many = heights(low_resolution.TINY), heights(low_resolution.PAGE)
    assert len(few) == len(many) == 100
    assert many[50] > few[50] + 3
    assert many[-1] < 40


def test_small_pictures_have_size_and_contrast_of_print(line: Composed) -> None:
    heights = []
    for seed in range(150):
        picture = low_resolution.picture(line, None, random.Random(seed))
        assert picture is not None
        assert picture.dtype == np.uint8
        assert np.ptp(picture.astype(int).mean(axis=2)) > 25
        heights.append(picture.shape[0])
        again = low_resolution.picture(line, None, random.Random(seed))
        assert again is not None
        assert np.array_equal(picture, again)
    assert min(heights) >= 8
    assert np.median(heights) <= 16
    exact = low_resolution.picture(line, 12, random.Random(0))
    assert exact is not None
    assert exact.shape[0] <= line.mask.shape[0] // 4 + 12
    empty = replace(line, mask=np.zeros_like(line.mask))
    assert low_resolution.picture(empty, None, random.Random(0)) is None


def test_compression_and_shifts_keep_the_shape_and_the_original() -> None:
    picture = np.full((13, 60, 3), 230, np.uint8)
    picture[3:10, 5:50:4] = 20
    original = picture.copy()
    for seed in range(20):
        for changed in (
            low_resolution.compressed(picture, random.Random(seed), least=50),
            low_resolution.shifted(picture, random.Random(seed)),
        ):
            assert changed.shape == picture.shape
            assert changed.flags.c_contiguous
            assert 0 < np.abs(changed.astype(int) - picture).mean() < 60
    assert np.array_equal(picture, original)


def drawn(make: Maker, count: int = 2000) -> list[str]:
    rng = random.Random(7)
    return [make(rng) for _ in range(count)]


def test_cells_are_of_any_size_and_show_what_they_say(line: Composed) -> None:
    heights, widths = [], []
    for seed in range(200):
        picture = low_resolution.picture(line, None, random.Random(seed), low_resolution.CELL)
        assert picture is not None
        assert np.ptp(picture.astype(int).mean(axis=2)) > 25
        heights.append(picture.shape[0])
        widths.append(picture.shape[1] / picture.shape[0])
    assert min(heights) < 14
    assert max(heights) > 40
    assert max(widths) > 1.7 * min(widths), "condensed and wide faces are drawn"
