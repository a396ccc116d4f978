from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crnn_ocr.recognition.ink.components import ink_parts
from tests import drawing


@pytest.mark.parametrize("size", [16, 24, 40])
@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (120, 255), (255, 0), (200, 40)])
def test_separate_components_are_counted(size: int, ink: int, paper: int) -> None:
    picture = drawing.line("102-2", size=size, ink=ink, paper=paper)
    assert len(ink_parts(picture)) == 5


def test_components_above_one_another_are_one_part() -> None:
    colon, dot = (ink_parts(drawing.line(text))[1] for text in ("2:5", "2.5"))
    assert (colon.pieces, dot.pieces) == (2, 1)
    assert dot.top > colon.top
    assert dot.bottom == colon.bottom


def test_the_places_are_those_of_the_ink() -> None:
    picture = np.full((40, 90, 3), 255, np.uint8)
    picture[10:30, 5:15] = 0
    picture[26:30, 20:24] = 0
    picture[10:30, 60:71] = 0
    places = [(part.left, part.top, part.right, part.bottom) for part in ink_parts(picture)]
    assert places == [(5, 10, 15, 30), (20, 26, 24, 30), (60, 10, 71, 30)]


def test_a_point_of_one_grey_pixel_counts_and_a_speck_does_not() -> None:
    picture = np.full((24, 60), 255, np.uint8)
    picture[5:18, 5:12] = picture[5:18, 30:37] = 0
    picture[17, 20] = 100
    picture[8, 50] = 200
    assert [part.left for part in ink_parts(picture)] == [5, 20, 30]


def test_rules_and_the_edges_of_other_lines_do_not_count() -> None:
    picture = np.full((40, 200), 255, np.uint8)
    picture[10:30, 20:32] = picture[10:30, 40:52] = 0
    picture[37, 0:200] = 0  # an underline
    picture[:, 2] = 0  # a cell's border
    picture[0:3, 100:110] = 0  # the foot of the line above
    assert [part.left for part in ink_parts(picture)] == [20, 40]


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_picture_has_no_parts(level: int) -> None:
    assert ink_parts(np.full((30, 90, 3), level, np.uint8)) == ()


@given(arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 40)), elements=st.integers(0, 255)))
def test_parts_are_sorted_and_lie_within(picture: np.ndarray) -> None:
    parts = ink_parts(picture)
    height, width = picture.shape
    assert all(
        0 <= part.left < part.right <= width and 0 <= part.top < part.bottom <= height for part in parts
    )
    assert [part.left for part in parts] == sorted(part.left for part in parts)


def test_an_inverted_picture_has_the_same_parts() -> None:
    picture = drawing.line("3.14159", size=28)
    assert ink_parts(np.asarray(255 - picture, np.uint8)) == ink_parts(picture)
