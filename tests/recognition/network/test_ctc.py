from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.recognition.network.ctc import Frames, Token, decode, extents, line_confidence, without_doubles


def frames_of(ids: list[int], confidences: list[float] | None = None) -> Frames:
    values = [0.5] * len(ids) if confidences is None else confidences
    return Frames(np.array(ids, np.int64), np.array(values, np.float32))


def reference(ids: list[int], blank: int) -> list[int]:
    """Decode by CTC's definition: merge repeats, then drop blanks."""
    return [key for key, _ in itertools.groupby(ids) if key != blank]


@given(st.lists(st.integers(0, 4)), st.integers(0, 4))
def test_decoding_merges_repeats_and_drops_blanks(ids: list[int], blank: int) -> None:
    tokens = decode(frames_of(ids), blank=blank)

    assert [token.index for token in tokens] == reference(ids, blank)


@given(st.lists(st.integers(0, 3), min_size=1))
def test_tokens_point_at_the_frames_they_came_from(ids: list[int]) -> None:
    for token in decode(frames_of(ids)):
        assert set(ids[token.first : token.last + 1]) == {token.index}
        assert token.first == 0 or ids[token.first - 1] != token.index
        assert token.last == len(ids) - 1 or ids[token.last + 1] != token.index


def test_a_token_is_as_sure_as_its_surest_frame() -> None:
    tokens = decode(frames_of([0, 7, 7, 7, 0], [0.99, 0.25, 0.75, 0.5, 0.99]))

    assert tokens == (Token(7, 0.75, 1, 3),)


def test_a_blank_between_makes_two_characters_of_equal_ones() -> None:
    assert [token.index for token in decode(frames_of([5, 0, 5]))] == [5, 5]


def test_the_blank_may_be_any_class() -> None:
    assert [token.index for token in decode(frames_of([0, 9, 1]), blank=9)] == [0, 1]


def kept(ids: list[int], confidences: list[float]) -> list[int]:
    """Remove doubles from classes of which those above 10 are wide."""
    tokens = decode(frames_of(ids, confidences))
    return [token.index for token in without_doubles(tokens, [token.index > 10 for token in tokens])]


def test_the_surer_of_two_adjacent_wide_characters_stays() -> None:
    assert kept([0, 11, 12, 0], [0.9, 0.8, 0.6, 0.9]) == [11]
    assert kept([0, 11, 12, 0], [0.9, 0.6, 0.8, 0.9]) == [12]
    assert kept([0, 11, 12, 13, 0], [0.9, 0.6, 0.8, 0.7, 0.9]) == [12]


def test_two_that_are_both_certain_stay() -> None:
    assert kept([0, 11, 12, 0], [0.9, 0.95, 0.9, 0.9]) == [11, 12], "one above the other"


def test_wide_characters_that_have_room_stay() -> None:
    assert kept([11, 0, 12], [0.5] * 3) == [11, 12], "a frame between them"
    assert kept([11, 11, 12], [0.5] * 3) == [11, 12], "noticed over several frames"
    assert kept([11, 12, 12], [0.5] * 3) == [11, 12]
    assert kept([1, 2, 11, 3, 12], [0.5] * 5) == [1, 2, 11, 3, 12], "letters are narrow"


@given(st.lists(st.integers(0, 20)))
def test_doubles_are_all_that_is_dropped(ids: list[int]) -> None:
    tokens = decode(frames_of(ids))
    wide = [token.index > 10 for token in tokens]
    once = without_doubles(tokens, wide)
    assert set(once) <= set(tokens)
    assert sorted(once, key=lambda token: token.first) == list(once)
    assert [token for token in tokens if token.index <= 10] == [token for token in once if token.index <= 10]
    if not any(wide):
        assert once == tokens


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_extents_are_ascending_and_within_the_line(ids: list[int]) -> None:
    tokens = decode(frames_of(ids))
    places = extents(tokens, len(ids))

    assert len(places) == len(tokens)
    assert all(0 <= start <= end <= len(ids) for start, end in places)
    assert all(left[1] == right[0] for left, right in itertools.pairwise(places))
    assert all(start <= token.centre <= end for token, (start, end) in zip(tokens, places, strict=True))


def test_borders_lie_midway_between_characters() -> None:
    tokens = (Token(1, 1.0, 2, 2), Token(2, 1.0, 6, 6))

    assert extents(tokens, 10) == ((0.5, 4.5), (4.5, 8.5))


def test_a_lone_character_takes_the_whole_line() -> None:
    assert extents((Token(1, 1.0, 3, 4),), 7.5) == ((0.0, 7.5),)


def test_an_empty_line_is_not_sure_of_anything() -> None:
    assert line_confidence([]) == 0.0
    assert decode(frames_of([])) == ()
    assert extents((), 4) == ()


def test_frames_must_fit_together() -> None:
    with pytest.raises(ValueError, match="shapes"):
        Frames(np.zeros(3, np.int64), np.zeros(2, np.float32))
