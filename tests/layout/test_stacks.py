from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Polygon
from crnn_ocr.layout.stacks import find_stacks
from tests.layout.pages import box, shaken, turned


def label(count: int, pitch: float, *, x: float = 50, y: float = 100) -> list[Polygon]:
    """Return boxes of single characters, one below the other."""
    return [box(x, y + i * pitch, 28, 32) for i in range(count)]


def rows(count: int, pitch: float, *, y: float = 100, height: float = 28) -> list[Polygon]:
    """Return lines to the right of a label."""
    return [box(110, y + i * pitch, 300 - 20 * i, height) for i in range(count)]


@pytest.mark.parametrize(
    ("found", "beside"),
    [
        (label(4, 34), rows(3, 44, y=107)),
        (label(3, 37, y=109), rows(4, 45)),
        (label(2, 36, y=112), rows(3, 46)),
        (label(5, 30), rows(4, 40)),
        (label(4, 33), []),
    ],
)
@pytest.mark.parametrize("degrees", [0, -3, 5, 90, 180])
def test_characters_of_a_label_are_one_column(
    found: list[Polygon], beside: list[Polygon], degrees: float
) -> None:
    page = turned([*shaken(found, 1.0), *shaken(beside, 1.0)], degrees if len(beside) else 0)

    assert find_stacks(page, [1] * len(found) + [0] * len(beside)) == (tuple(range(len(found))),)


def test_pieces_of_two_characters_belong_to_the_column() -> None:
    page = [box(50, 57, 28, 31), box(48, 85, 32, 76), box(50, 155, 28, 31), *rows(3, 45, y=62)]

    assert find_stacks(page, [1, 2, 1, 0, 0, 0]) == ((0, 1, 2),)


@given(
    st.integers(2, 8),
    st.floats(33, 70),
    st.lists(st.sampled_from([110, 250, 400, -150]), min_size=1, max_size=4, unique=True),
    st.randoms(use_true_random=False),
)
def test_cells_of_rows_are_no_column(count: int, pitch: float, xs: list[int], rng: random.Random) -> None:
    lone = label(count, pitch)
    others = [box(x, 103 + i * pitch + rng.uniform(-1, 1), 80, 26) for i in range(count) for x in xs]

    assert find_stacks([*lone, *others], [1] * count + [0] * len(others)) == ()


def test_a_grid_of_characters_is_no_column() -> None:
    page = [part for x in (50, 150, 250) for part in label(3, 36, x=x)]

    assert find_stacks(page, [1] * 9) == ()


def test_distant_uneven_or_flat_characters_are_no_column() -> None:
    beside = rows(3, 44, y=107)

    assert find_stacks([*label(3, 60), *beside], [1] * 3 + [0] * 3) == ()
    assert find_stacks([box(50, 100, 28, 32), box(50, 134, 28, 32), box(50, 185, 28, 32)], [1] * 3) == ()
    assert find_stacks([box(50, 100 + i * 30, 28, 12) for i in range(4)], [1] * 4) == ()
    assert find_stacks([*label(4, 34), *beside], [1, 0, 1, 0, 0, 0, 0]) == ()


sizes = st.integers(0, 300)


@given(st.lists(st.tuples(st.builds(box, sizes, sizes, sizes, sizes), st.integers(0, 3)), max_size=30))
def test_every_line_is_in_one_column_at_most(page: list[tuple[Polygon, int]]) -> None:
    found = find_stacks([polygon for polygon, _ in page], [count for _, count in page])

    members = [index for column in found for index in column]
    assert len(members) == len(set(members))
    assert all(len(column) > 1 for column in found)
    assert all(page[index][1] > 0 for index in members)
