from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.recognition.columns.column_cells import (
    MOST_CELLS,
    Cells,
    cell_borders,
    column_to_row,
    even_cells,
)
from crnn_ocr.recognition.network.recognizer import CtcRecognizer
from tests import drawing
from tests.drawing import Picture
from tests.recognition.network.test_recognizer import read_alone


def column(text: str, *, size: int = 38, pitch: int = 44, box: float = 1.3, paper: int = 255) -> Picture:
    """Draw characters one below the other, in a box that is wider by a factor."""
    left = round((box - 1) / 2 * size)
    places = [(left, 4 + pitch * i, character) for i, character in enumerate(text)]
    shape = (round(box * size), pitch * len(text) + 12)
    return drawing.page(places, size=size, shape=shape, ink=255 - paper, paper=paper)


@given(st.integers(1, 40), st.integers(1, 400), st.integers(0, 39), st.integers(0, 2**32 - 1))
def test_cells_cover_a_column(width: int, height: int, spare: int, seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)

    row = column_to_row(picture, min(spare, width - 1))

    borders = row.cells.borders
    assert (borders[0], borders[-1]) == (0.0, 1.0)
    assert all(above < below for above, below in itertools.pairwise(borders))
    assert row.picture.shape[1] % len(row.cells.inked) == 0
    assert len(row.cells.inked) == len(borders) - 1 <= MOST_CELLS + 2


@given(st.integers(1, 30), st.integers(1, 300), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_borders_ascend_whatever_is_ink(width: int, height: int, share: float, seed: int) -> None:
    ink = np.random.default_rng(seed).random((height, width)) < share

    borders = cell_borders(ink, even_cells(ink))

    assert (borders[0], borders[-1]) == (0, height)
    assert all(above < below for above, below in itertools.pairwise(borders))


@given(
    # Of two or three characters set wide apart, bars with as much paper between them cannot be told.
    st.lists(st.booleans(), min_size=4, max_size=16).filter(lambda bars: 4 * sum(bars) <= len(bars)),
    st.integers(14, 40),
    st.floats(1.05, 1.35),
    st.floats(0.1, 0.4),
)
def test_as_many_cells_as_characters(bars: list[bool], em: int, pitch: float, room: float) -> None:
    """Check squares and characters of three bars with paper between them, in wide and tight boxes."""
    side, height = round(room * em), round(0.93 * em)
    ink = np.zeros((round(len(bars) * pitch * em) + 4, em + 2 * side), np.uint8)
    for i, barred in enumerate(bars):
        top = round(i * pitch * em) + 2
        ink[top : top + height, side : side + em] = 1
        if barred:
            ink[top + round(0.2 * height) : top + round(0.4 * height)] = 0
            ink[top + round(0.6 * height) : top + round(0.8 * height)] = 0

    assert len(column_to_row(255 * (1 - ink)).cells.inked) == len(bars)


def test_places_in_the_row_are_places_in_the_column() -> None:
    cells = Cells((0.0, 0.2, 0.7, 1.0), (True, True, True))

    assert [cells.place(x) for x in (0.0, 1 / 3, 0.5, 2 / 3, 1.0)] == pytest.approx(
        [0.0, 0.2, 0.45, 0.7, 1.0]
    )


@pytest.mark.parametrize("text", ["天下为公", "恭贺新禧", "注意安全请勿靠近"])
@pytest.mark.parametrize("box", [1.0, 1.3, 1.8])
@pytest.mark.parametrize("paper", [255, 0])
def test_a_column_is_read_from_top_to_bottom(
    recognizer: CtcRecognizer, text: str, box: float, paper: int
) -> None:
    assert read_alone(recognizer, column_to_row(column(text, box=box, paper=paper)).picture).text == text


@pytest.mark.parametrize(("size", "pitch"), [(18, 19), (20, 22), (22, 30), (40, 42)])
def test_small_and_spaced_type_is_read(recognizer: CtcRecognizer, size: int, pitch: int) -> None:
    text = "春天的山谷里开满了野花"
    assert read_alone(recognizer, column_to_row(column(text, size=size, pitch=pitch)).picture).text == text


def ring(picture: Picture, x: float, y: float, radius: float) -> None:
    """Draw a full stop around a point."""
    cv2.circle(picture, (round(x * 16), round(y * 16)), round(radius * 16), (0, 0, 0), 2, cv2.LINE_AA, 4)


@pytest.mark.parametrize(
    ("right", "down"),
    [(0.75, 0.25), (0.97, 0.25), (0.97, 0.05), (0.97, -0.08), (1.05, 0.25), (1.05, 0.05), (1.05, -0.08)],
)
def test_a_full_stop_in_the_upper_right_is_read(recognizer: CtcRecognizer, right: float, down: float) -> None:
    """Check a full stop in its cell, and one above it that hangs beside the text."""
    size, pitch = 38, 44
    picture = column("大家回家　天黑了", size=size, pitch=pitch, box=1.4)
    ring(picture, 0.2 * size + right * size, 8 + 4 * pitch + down * size + 5, 0.13 * size)

    row = column_to_row(picture, spare=round(0.15 * size))

    assert all(row.cells.inked)
    assert read_alone(recognizer, row.picture).text == "大家回家。天黑了"


def test_a_full_stop_at_the_end_has_a_cell_of_its_own(recognizer: CtcRecognizer) -> None:
    picture = column("大家都回家", box=1.4)
    ring(picture, 1.22 * 38, 5 * 44 + 8, 5)

    row = column_to_row(picture)

    assert len(row.cells.inked) == 6
    assert read_alone(recognizer, row.picture).text == "大家都回家。"


def test_a_lying_bracket_stands_in_the_row() -> None:
    """Check a closing bracket: in the upper half of a column's cell, in the left half of a row's cell."""
    picture = column("国国国　国", size=40, pitch=44, box=1.2)
    cv2.rectangle(picture, (10, 3 * 44 + 18), (38, 3 * 44 + 28), (0, 0, 0), 2)

    row = column_to_row(picture)

    width = row.picture.shape[1] // 5
    ys, xs = np.nonzero(row.picture[:, 3 * width : 4 * width, 0] < 128)
    assert np.ptp(ys) > 2 * np.ptp(xs)
    assert xs.mean() < width / 2


def test_a_rule_beside_the_column_does_not_count() -> None:
    picture = column("注意安全请勿靠近", box=1.8)
    alone = column_to_row(picture)
    picture[:, 2:4] = 0

    assert len(column_to_row(picture).cells.inked) == len(alone.cells.inked) == 8


def test_a_blank_cell_is_known_to_be_blank() -> None:
    assert column_to_row(column("天下　为公")).cells.inked == (True, True, False, True, True)
