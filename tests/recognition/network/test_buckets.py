from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.recognition.network.buckets import Sizing

SIZING = Sizing(condense=0.8, condense_from=6.0)


@given(st.integers(1, 50_000))
def test_a_bucket_holds_content_and_margin_in_whole_steps(content: int) -> None:
    bucket = SIZING.bucket(content)

    assert bucket % SIZING.step == 0
    assert bucket >= max(SIZING.min_width, content + SIZING.margin)
    assert bucket == SIZING.min_width or bucket - SIZING.step < content + SIZING.margin


@given(st.integers(1, 5_000), st.integers(1, 500))
def test_content_keeps_its_aspect_ratio_or_is_condensed(width: int, height: int) -> None:
    exact = width * SIZING.height / height
    factor = 0.8 if width > 6 * height else 1.0

    assert SIZING.content_width(width, height) == pytest.approx(max(1, exact * factor), abs=1)


def test_there_are_few_buckets() -> None:
    longest = SIZING.max_width - SIZING.margin

    assert len({SIZING.bucket(content) for content in range(1, longest + 1)}) <= 40


def test_sizes_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        Sizing(stride=8, step=20)


@given(st.integers(1, 5_000), st.integers(1, 500))
def test_a_flat_line_is_as_wide_as_a_high_one(width: int, height: int) -> None:
    flat = Sizing(height=32, stretch=1.5)

    assert flat.content_width(width, height) == pytest.approx(
        Sizing(height=48).content_width(width, height), abs=1
    )
