from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from crnn_ocr.recognition.ink.strokes import Stroke, find_strokes

Picture = NDArray[np.uint8]


def paper(height: int = 60, width: int = 90) -> Picture:
    return np.full((height, width, 3), 255, np.uint8)


def only(picture: Picture, box: tuple[int, int, int, int] | None = None) -> Stroke:
    height, width = picture.shape[:2]
    (stroke,) = find_strokes(picture, box or (20, 15, width - 20, height - 15)).strokes
    return stroke


@given(st.integers(8, 40), st.integers(1, 4), st.integers(0, 200), st.integers(20, 48))
def test_a_bar_is_the_dash_of_its_length(length: int, thickness: int, ink: int, em: int) -> None:
    picture = paper()
    picture[30 : 30 + thickness, 24 : 24 + length] = ink
    stroke = only(picture)
    assert stroke.length == pytest.approx(length)
    assert stroke.is_even(em)
    dash = stroke.dash(em, han=True)
    if length > 1.25 * em or thickness > 0.19 * em + 3 or length < 1.8 * thickness:
        assert dash is None
    elif dash is not None:
        assert dash == ("-" if length < 0.4 * em else "–" if length < 0.62 * em else "—")


def test_a_bar_between_pixels_is_measured_between_pixels() -> None:
    picture = paper()
    picture[30, 24:34] = 0
    picture[30, 34] = 128
    assert only(picture).length == pytest.approx(10.5, abs=0.1)


def test_a_rule_goes_on_beyond_the_region_and_is_no_stroke() -> None:
    picture = paper()
    picture[30:32, 35:55] = 0
    picture[42, :] = 0
    found = find_strokes(picture, (20, 15, 70, 45))
    assert found.ruled
    assert [(stroke.left, stroke.top) for stroke in found.strokes] == [(35, 30)]


def test_the_corner_of_a_table_is_a_rule() -> None:
    picture = paper()
    picture[30:32, 35:55] = 0
    picture[42, 30:] = 0
    picture[:43, 65] = 0
    found = find_strokes(picture, (20, 15, 70, 45))
    assert found.ruled
    assert len(found.strokes) == 1


@pytest.mark.parametrize(("step", "expected"), [(0.4, "/"), (-0.4, "\\"), (0.15, None), (0.0, None)])
def test_a_slash_leans_more_than_italics(step: float, expected: str | None) -> None:
    picture = paper()
    for row in range(15, 45):
        left = round(45 + step * (30 - row))
        picture[row, left : left + 2] = 0
    assert only(picture, (20, 10, 70, 50)).slash(32) == expected


def test_a_stroke_with_a_thick_end_is_no_dash() -> None:
    picture = paper()
    picture[30:32, 30:58] = 0
    picture[27:32, 52:58] = 0
    assert not only(picture).is_even(30)


def test_nothing_is_found_where_nothing_stands_out() -> None:
    assert find_strokes(paper(), (0, 0, 90, 60)).strokes == ()
    assert find_strokes(np.full((1, 1), 9, np.uint8), (0, 0, 1, 1)).strokes == ()


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_any_picture_can_be_looked_at(height: int, width: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    for stroke in find_strokes(noise, (0, 0, width, height), speck=0.0).strokes:
        assert 0 <= stroke.left < stroke.right <= width
        assert 0 <= stroke.top < stroke.bottom <= height
        stroke.dash(10.0, han=False)
        stroke.slash(10.0)
