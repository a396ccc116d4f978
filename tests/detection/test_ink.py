from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.detection.ink import find_ink


@st.composite
def apart(draw: st.DrawFn) -> list[tuple[int, int, int, int]]:
    """Draw rectangles as large as type in different cells of a grid of 40 pixels."""
    cells = draw(
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6)), min_size=1, unique=True, max_size=8)
    )
    boxes = []
    for column, row in cells:
        left, top = 40 * column + draw(st.integers(2, 10)), 40 * row + draw(st.integers(2, 10))
        boxes.append((left, top, left + draw(st.integers(1, 24)), top + draw(st.integers(1, 24))))
    return boxes


@given(apart(), st.sampled_from([(255, 0), (255, 160), (20, 230), (128, 60)]))
def test_every_mark_is_found_to_the_pixel(
    boxes: list[tuple[int, int, int, int]], shades: tuple[int, int]
) -> None:
    paper, ink = shades
    picture = np.full((280, 400), paper, np.uint8)
    for left, top, right, bottom in boxes:
        picture[top:bottom, left:right] = ink

    found = find_ink(picture)

    assert sorted(map(tuple, found.boxes.tolist())) == sorted(boxes)
    assert np.all(np.diff(found.boxes[:, 1]) >= 0)
    for box in boxes:
        assert found.shade(box) == (paper, ink - paper)
        assert found.amount(box) == (box[2] - box[0]) * (box[3] - box[1])


@given(apart(), st.integers(0, 60))
def test_a_box_grows_until_the_next_ink(boxes: list[tuple[int, int, int, int]], by: int) -> None:
    picture = np.full((280, 400), 255, np.uint8)
    for left, top, right, bottom in boxes:
        picture[top:bottom, left:right] = 0
    ink = find_ink(picture)

    for box in boxes:
        left, top, right, bottom = box
        clear = ink.clear(box, (left - by, top - by, right + by, bottom + by))
        assert ink.amount(clear) == ink.amount(box)
        assert max(0, left - by) <= clear[0] <= left
        assert max(0, top - by) <= clear[1] <= top
        assert right <= clear[2] <= min(400, right + by)
        assert bottom <= clear[3] <= min(280, bottom + by)


def test_faint_shades_are_paper() -> None:
    picture = np.full((300, 300), 250, np.uint8)
    picture[100:120, 100:120] = 220

    assert len(find_ink(picture).boxes) == 0


def test_light_type_on_a_dark_bar_is_ink() -> None:
    picture = np.full((600, 900), 255, np.uint8)
    picture[200:420] = 30
    picture[300:318, 400:410] = 240

    assert (400, 300, 410, 318) in {tuple(box) for box in find_ink(picture).boxes.tolist()}


@pytest.mark.parametrize(("shape", "factor"), [((200, 300), 1), ((400, 300), 2), ((900, 300), 3)])
def test_large_pictures_are_reduced(shape: tuple[int, int], factor: int) -> None:
    picture = np.full(shape, 255, np.uint8)
    picture[60:90, 120:150] = 0

    ink = find_ink(picture, most_pixels=60_000)

    assert ink.factor == factor
    assert ink.boxes.tolist() == [[120 // factor, 60 // factor, 150 // factor, 90 // factor]]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_any_picture_has_marks_inside(width: int, height: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)

    boxes = find_ink(noise).boxes

    assert np.all(boxes >= 0)
    assert np.all(boxes[:, :2] < boxes[:, 2:])
    assert np.all(boxes[:, 2:] <= (width, height))
