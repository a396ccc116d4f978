from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Polygon
from crnn_ocr.layout.spread_labels import find_spread_labels
from tests.counting import steps
from tests.layout.pages import box, turned

Cells = list[tuple[float, float, str]]


def page(cells: Cells) -> tuple[list[Polygon], list[str]]:
    """Return regions as a detector finds them: characters 24 pixels wide and 28 high, with a margin."""
    made = [box(x - 4, y, 24 * len(text) + 8, 28) for x, y, text in cells]
    return made, [text for _, _, text in cells]


def joined(cells: Cells, degrees: float = 0) -> set[tuple[str, ...]]:
    polygons, texts = page(cells)
    return {tuple(texts[i] for i in group) for group in find_spread_labels(turned(polygons, degrees), texts)}


LABELS: dict[str, tuple[Cells, set[tuple[str, ...]]]] = {
    "two characters": ([(40, 40, "项"), (112, 40, "目：厂房改造")], {("项", "目：厂房改造")}),
    "a narrow colon": ([(40, 40, "日"), (136, 40, "期:")], {("日", "期:")}),
    "three characters": (
        [(40, 40, "联"), (88, 40, "系"), (136, 40, "人：张伟")],
        {("联", "系", "人：张伟")},
    ),
    "two labels on a row": (
        [(40, 40, "姓"), (112, 40, "名：张伟"), (400, 40, "电"), (472, 40, "话：4711")],
        {("姓", "名：张伟"), ("电", "话：4711")},
    ),
    "below a longer one, without a colon": (
        [
            *((40, 40, "联系电话"), (200, 40, "4711"), (40, 90, "姓"), (112, 90, "名"), (200, 90, "张伟")),
            *((40, 140, "出"), (64 + 8, 140, "生"), (112, 140, "地"), (200, 140, "上海")),
        ],
        {("姓", "名"), ("出", "生", "地")},
    ),
}

CELLS: dict[str, Cells] = {
    "a person's row": [(40, 40, "男"), (100, 40, "23"), (40, 90, "女"), (100, 90, "25")],
    "answers": [(40, 40, "是"), (100, 40, "否"), (40, 90, "否"), (100, 90, "注：备用")],
    "lone characters": [(x, y, "春夏秋冬"[i]) for y in (40, 90) for i, x in enumerate((40, 100, 160, 220))],
    "a column of lone characters": [(40, 40 + i * 40, c) for i, c in enumerate("优良中差")],
    "a letter": [(40, 40, "A"), (100, 40, "目标：")],
    "a number before a label": [(40, 40, "三"), (100, 40, "问：为什么")],
    "items of a list": [(40, 40, "优"), (100, 40, "甲：北京")],
    "a date to fill in": [(140, 40, "年"), (200, 40, "月"), (260, 40, "日")],
    "the head of a calendar": [(40 + 60 * i, 40, c) for i, c in enumerate("日一二三四五六")],
    "too far": [(40, 40, "项"), (240, 40, "目：厂房改造")],
    "not on a row": [(40, 40, "项"), (112, 60, "目：厂房改造")],
    "something between": [(40, 40, "项"), (80, 40, "9"), (112, 40, "目：厂房改造")],
    "below a heading of another width": [(40, 40, "是否完成"), (40, 90, "完"), (160, 90, "未")],
}


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("degrees", [0, -3, 5, 90, 180])
def test_a_spread_label_is_one_line(name: str, degrees: float) -> None:
    cells, wanted = LABELS[name]
    assert joined(cells, degrees) == wanted


@pytest.mark.parametrize("name", CELLS)
def test_cells_stay_apart(name: str) -> None:
    assert joined(CELLS[name]) == set()


cells = st.lists(
    st.tuples(
        st.integers(0, 20).map(lambda x: x * 30.0),
        st.integers(0, 6).map(lambda y: y * 33.0),
        st.sampled_from(["项", "目", "目：", "人:x", "联 系", "联系电话", "23", "一", ""]),
    ),
    max_size=30,
)


@given(cells, st.randoms(use_true_random=False))
def test_labels_are_disjoint_and_independent_of_input_order(page_cells: Cells, rng: random.Random) -> None:
    page_cells = list(dict.fromkeys(page_cells))
    polygons, texts = page(page_cells)
    found = find_spread_labels(polygons, texts)

    used = [i for group in found for i in group]
    assert len(used) == len(set(used))
    assert all(len(group) > 1 and all(texts[i] for i in group) for group in found)
    assert all(sorted(group, key=lambda i: polygons[i]) == list(group) for group in found)
    shuffled = rng.sample(range(len(texts)), len(texts))
    again = find_spread_labels([polygons[i] for i in shuffled], [texts[i] for i in shuffled])
    assert {tuple(shuffled[i] for i in group) for group in again} == set(found)


def test_four_times_the_characters_take_no_six_times_the_steps() -> None:
    polygons, texts = page([(i % 40 * 40.0, i // 40 * 40.0, "项") for i in range(2000)])
    assert find_spread_labels(polygons, texts) == []
    few = steps(lambda: find_spread_labels(polygons[:500], texts[:500]))
    assert steps(lambda: find_spread_labels(polygons, texts)) < 6 * few  # sixteen times would be quadratic
