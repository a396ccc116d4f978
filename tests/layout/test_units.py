from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Polygon
from crnn_ocr.layout.order import reading_order
from tests.layout.pages import box, column


def _flat(lines: list[Polygon], units: list[Polygon]) -> list[int]:
    return [index for block in reading_order(lines, units=units) for index in block]


def test_a_unit_between_paragraphs_is_read_between_them() -> None:
    lines = column(60, 50, 800, [5]) + column(60, 520, 800, [4])
    assert _flat(lines, [box(60, 240, 800, 250)]) == [*range(5), 9, *range(5, 9)]


def test_a_unit_in_a_column_is_read_with_the_column() -> None:
    lines = column(60, 50, 420, [6]) + column(60, 520, 420, [4]) + column(520, 50, 420, [9, 9])
    assert _flat(lines, [box(60, 270, 420, 230)]) == [*range(6), 28, *range(6, 28)]


def test_text_beside_a_unit_is_read_as_a_whole() -> None:
    lines = column(60, 50, 800, [3]) + column(60, 170, 380, [7]) + column(60, 430, 800, [3])
    assert _flat(lines, [box(470, 170, 400, 240)]) == [*range(10), 13, *range(10, 13)]
    lines = column(60, 50, 800, [3]) + column(500, 170, 380, [7]) + column(60, 430, 800, [3])
    assert _flat(lines, [box(60, 170, 400, 240)]) == [0, 1, 2, 13, *range(3, 13)]


def test_units_beside_each_other_are_read_from_left_to_right() -> None:
    lines = column(60, 50, 800, [3]) + column(60, 430, 800, [3])
    assert _flat(lines, [box(480, 170, 380, 240), box(60, 170, 380, 240)]) == [0, 1, 2, 7, 6, 3, 4, 5]


def test_a_page_may_have_nothing_but_units() -> None:
    assert reading_order([], units=[box(0, 300, 100, 90), box(0, 0, 100, 90)]) == ((1,), (0,))


BOXES = st.builds(box, st.integers(0, 800), st.integers(0, 800), st.integers(1, 400), st.integers(10, 40))
UNITS = st.builds(box, st.integers(0, 800), st.integers(0, 800), st.integers(50, 400), st.integers(50, 400))


@given(st.lists(BOXES, max_size=12), st.lists(UNITS, max_size=4))
def test_every_line_and_every_unit_is_read_once(lines: list[Polygon], units: list[Polygon]) -> None:
    blocks = reading_order(lines, units=units)
    assert sorted(index for block in blocks for index in block) == list(range(len(lines) + len(units)))
    assert all(len(block) == 1 for block in blocks if max(block) >= len(lines))


@given(st.lists(BOXES, max_size=10), st.lists(UNITS, max_size=3), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    lines: list[Polygon], units: list[Polygon], random: object
) -> None:
    def read(lines: list[Polygon], units: list[Polygon]) -> list[Polygon]:
        return [(lines + units)[index] for index in _flat(lines, units)]

    mixed, others = list(lines), list(units)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    random.shuffle(others)  # type: ignore[attr-defined]
    assert read(mixed, others) == read(lines, units)
