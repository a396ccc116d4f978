from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.recognition.network.chunks import stitch, windows
from crnn_ocr.recognition.network.ctc import Frames, decode

STRIDE = 8


def frames_of(ids: list[int]) -> Frames:
    return Frames(np.array(ids, np.int64), np.linspace(0, 1, len(ids), dtype=np.float32))


@given(
    width=st.integers(1, 30_000),
    longest=st.integers(20, 200).map(lambda n: n * STRIDE),
    overlap=st.integers(0, 8).map(lambda n: n * STRIDE),
)
def test_windows_cover_the_line_with_overlap(width: int, longest: int, overlap: int) -> None:
    cuts = windows(width, longest=longest, overlap=overlap, stride=STRIDE)

    assert cuts[0][0] == 0
    assert cuts[-1][1] == width
    assert all(0 < end - start <= longest for start, end in cuts)
    assert all(start % STRIDE == 0 for start, _ in cuts)
    assert all(right[0] + overlap <= left[1] < right[1] for left, right in itertools.pairwise(cuts))


def test_a_short_line_is_one_window() -> None:
    assert windows(640, longest=640, overlap=96, stride=8) == ((0, 640),)


def test_windows_are_of_about_the_same_width() -> None:
    widths = [end - start for start, end in windows(3000, longest=1000, overlap=96, stride=8)]

    assert max(widths) - min(widths) <= 2 * STRIDE


@pytest.mark.parametrize(("width", "longest", "overlap"), [(0, 100, 8), (10, 16, 8), (10, 100, -1)])
def test_impossible_windows_are_refused(width: int, longest: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="cannot cut"):
        windows(width, longest=longest, overlap=overlap, stride=8)


@st.composite
def cut_lines(draw: st.DrawFn) -> tuple[list[int], list[tuple[int, list[int]]]]:
    """Draw a line's true frames, and windows that are wrong near their inner ends.

    As with a real network: within `blur` frames of a cut, less than a quarter of the overlap, a window may
    say anything; further in it says what the whole line would say.
    """
    truth = draw(st.lists(st.integers(0, 5), min_size=1, max_size=400))
    longest, overlap, blur = 60, 16, draw(st.integers(0, 3))
    pieces = []
    cuts = windows(len(truth), longest=longest, overlap=overlap, stride=1)
    for start, end in cuts:
        seen = truth[start:end]
        for index in range(len(seen)):
            at_left_cut = start > 0 and index < blur
            at_right_cut = end < len(truth) and index >= len(seen) - blur
            if at_left_cut or at_right_cut:
                seen[index] = draw(st.integers(0, 5))
        pieces.append((start, seen))
    return truth, pieces


@given(cut_lines())
def test_a_line_is_read_as_well_as_its_parts(line: tuple[list[int], list[tuple[int, list[int]]]]) -> None:
    truth, pieces = line

    joined = stitch([(start, frames_of(ids)) for start, ids in pieces])

    assert len(joined) == len(truth)
    assert [token.index for token in decode(joined)] == [token.index for token in decode(frames_of(truth))]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=400), st.integers(20, 90), st.integers(0, 8))
def test_cutting_and_joining_true_frames_changes_nothing(ids: list[int], longest: int, overlap: int) -> None:
    truth = frames_of(ids)
    cuts = windows(len(ids), longest=longest, overlap=overlap, stride=1)

    joined = stitch([(a, Frames(truth.ids[a:b], truth.confidences[a:b])) for a, b in cuts])

    assert np.array_equal(joined.ids, truth.ids)
    assert np.array_equal(joined.confidences, truth.confidences)


def test_the_seam_prefers_a_common_blank_over_the_middle() -> None:
    left = frames_of([1, 1, 0, 2, 2, 9, 9, 9])
    right = frames_of([0, 2, 2, 3, 3, 0, 4])

    joined = stitch([(0, left), (2, right)])

    assert [token.index for token in decode(joined)] == [1, 2, 3, 4]


def test_a_gap_between_windows_is_refused() -> None:
    with pytest.raises(ValueError, match="gap"):
        stitch([(0, frames_of([1, 2])), (5, frames_of([3]))])


def test_nothing_stitched_is_nothing() -> None:
    assert len(stitch([])) == 0
