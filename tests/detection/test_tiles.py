from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.detection.tiles import LONG, spans, working_scale


@given(st.integers(1, 50_000), st.integers(200, 2_000), st.integers(0, 90))
def test_tiles_cover_the_axis_without_gaps_or_repeats(length: int, tile: int, overlap: int) -> None:
    cut = spans(length, tile=tile, overlap=overlap)

    assert cut[0].keep_start == 0
    assert cut[-1].keep_stop == length
    for span in cut:
        assert 0 <= span.start <= span.keep_start < span.keep_stop <= span.stop <= length
        assert span.stop - span.start <= tile
    for left, right in itertools.pairwise(cut):
        assert left.keep_stop == right.keep_start
        assert left.stop - right.start >= overlap
        # Both sides have seen about half of the overlap beyond the seam.
        assert left.stop - left.keep_stop >= overlap // 2 - 1
        assert right.keep_start - right.start >= overlap // 2 - 1


def test_what_fits_is_one_tile() -> None:
    assert len(spans(1280, tile=1280, overlap=160)) == 1


def test_impossible_tiles_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot cut"):
        spans(100, tile=100, overlap=50)


@given(st.integers(1, 40_000), st.integers(1, 40_000))
def test_pictures_are_never_enlarged_and_fit_the_side(width: int, height: int) -> None:
    scale = working_scale(width, height, 960)

    assert 0 < scale <= 1
    if max(width, height) <= LONG * min(width, height):
        assert scale * max(width, height) <= 960.001


def test_a_long_picture_is_scaled_by_its_short_side() -> None:
    assert working_scale(1080, 20_000, 960) == pytest.approx(960 / 2160)
    assert working_scale(480, 20_000, 960) == 1
