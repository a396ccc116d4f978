from __future__ import annotations

import itertools
import json
import math
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Polygon
from crnn_ocr.layout.order import reading_order
from tests.counting import steps
from tests.layout.pages import HEIGHT, beside, box, column, order_of, shaken, table, turned

PAGES: dict[str, list[Polygon]] = {
    "one column": column(60, 50, 800, [5, 7, 3]),
    "two columns": column(60, 50, 420, [6, 9, 5]) + column(520, 50, 420, [8, 7, 4]),
    "two columns, narrow gutter": column(60, 50, 420, [6, 9, 5]) + column(500, 50, 420, [8, 7, 4]),
    "two columns off one grid": column(60, 50, 420, [6, 9, 5]) + column(520, 67, 420, [8, 7, 4]),
    "two ragged columns": column(60, 50, 420, [6, 9, 5], ragged=0.25)
    + column(520, 50, 420, [8, 7, 4], ragged=0.25),
    "two columns on one grid with a wide gutter": [
        *(box(60, 50 + i * 36, [390, 405, 380, 390, 405][i]) for i in range(5)),
        *(box(660, 50 + i * 36, [390, 390, 395, 390, 160][i]) for i in range(5)),
    ],
    "a short second column": column(60, 50, 420, [6, 9, 5]) + column(520, 50, 420, [4]),
    "a second column that starts lower": column(60, 50, 420, [6, 9, 5]) + column(520, 250, 420, [8, 3]),
    "three columns": column(40, 50, 300, [6, 9, 5])
    + column(370, 50, 300, [8, 7, 4])
    + column(700, 50, 300, [5, 5, 9]),
    "headings of one line beside their texts": beside([1, 1, 1], [5, 7, 4]),
    "headings of two lines beside their texts": beside([2, 2, 2], [5, 7, 4]),
    "headings beside texts without white space between them": beside([2, 2, 2], [5, 7, 4], gap=0.0),
    "headings of one to three lines beside their texts": beside([2, 1, 3], [6, 5, 8]),
    "wide headings beside their texts": beside([3, 2, 3], [6, 5, 8], width=260, x=350),
    "a headline over two of three columns": [
        *column(40, 50, 235, [9, 9, 9, 8]),
        box(300, 50, 490, 44),
        *column(300, 120, 235, [6, 9, 5]),
        *column(560, 120, 235, [9, 5, 7]),
    ],
    "two articles beside a third": [
        *column(40, 50, 235, [9, 9, 9, 8]),
        *(box(300, 50, 490, 44), *column(300, 120, 235, [5, 4]), *column(560, 120, 235, [4, 5])),
        *(box(300, 480, 490, 44), *column(300, 550, 235, [4, 5]), *column(560, 550, 235, [5, 4])),
    ],
    "a newspaper": column(40, 50, 235, [6, 9, 5, 7, 4])
    + column(300, 50, 235, [9, 5, 7, 4])
    + column(560, 50, 235, [5, 7, 4])
    + column(820, 50, 235, [6, 9, 7, 4]),
    "heading over columns": [
        box(200, 40, 600, 40),
        *column(60, 120, 420, [6, 9]),
        *column(520, 120, 420, [8, 7]),
    ],
    "heading between columns": column(60, 120, 420, [6])
    + column(520, 120, 420, [6])
    + [box(250, 360, 500, 40)]
    + column(60, 440, 420, [6])
    + column(520, 440, 420, [3, 3]),
    "a heading for each column": [
        *(box(60, 50, 150, 30), *column(60, 110, 420, [6])),
        *(box(520, 50, 180, 30), *column(520, 110, 420, [5])),
    ],
    "running head and page number": [
        *(box(60, 20, 120), box(820, 20, 120)),
        *column(60, 90, 420, [6, 9, 5]),
        *column(520, 90, 420, [8, 7, 4]),
        box(480, 850, 40),
    ],
    "abstract over columns": column(100, 40, 800, [5])
    + column(60, 260, 420, [6, 9])
    + column(520, 260, 420, [8, 7]),
    "receipt": [
        *(box(300, 20, 250, 32), box(330, 70, 190)),
        *table([60, 760], 130, [[200, 90], [310, 80], [150, 95], [420, 90], [260, 60]], pitch=1.3),
        *table([60, 760], 310, [[90, 110], [70, 100]], pitch=1.3),
        box(350, 420, 200),
    ],
    "receipt with four columns": table(
        [60, 420, 560, 700],
        100,
        [[80, 60, 60, 80], [300, 20, 70, 70], [180, 20, 70, 80], [260, 20, 60, 60], [330, 20, 80, 80]],
        pitch=1.35,
    ),
    "form with two pairs a row": table(
        [60, 200, 520, 700],
        100,
        [[100, 200, 120, 180], [80, 260, 100, 90], [120, 150, 90, 220], [100, 180, 80, 120]],
        pitch=1.9,
    ),
    "balance sheet with empty cells": table(
        [60, 560, 760],
        100,
        [[220, 150, 150], [300, 145, 140], [180, 0, 0], [410, 150, 150], [250, 130, 145], [260, 0, 0]],
        pitch=1.2,
    ),
    "numbers of equal length": table([60, 420], 100, [[260, 240]] * 8, pitch=1.3),
    "table": table([40, 180, 320, 460, 600, 740], 100, [[90, 60, 50, 80, 60, 70]] * 4),
    "labels and long values": table(
        [60, 300], 100, [[120, 500], [90, 420], [150, 610], [100, 380], [120, 550], [80, 300]]
    ),
    "names and descriptions": table(
        [60, 420], 100, [[280, 560], [330, 500], [240, 330], [210, 330], [190, 300], [190, 260]]
    ),
    "two by two": table([60, 400], 50, [[200, 200]] * 2),
    "a menu beside text": [box(40, 60 + i * 55, 150 + 10 * (i % 3)) for i in range(8)]
    + column(300, 50, 640, [6, 7, 5]),
    "table between text": column(60, 50, 880, [4])
    + table([100, 500, 750], 260, [[200, 90, 90], [250, 80, 80], [180, 90, 70], [220, 60, 60]])
    + column(60, 460, 880, [5]),
    "table below columns": column(60, 50, 420, [6])
    + column(520, 50, 420, [6])
    + table([60, 540, 760], 340, [[220, 90, 90], [250, 80, 80], [180, 90, 70], [220, 60, 60]]),
    "numbered list": [
        part
        for i in range(9)
        for part in (box(60, 50 + i * 34, 26), box(100, 50 + i * 34, [500, 430, 600, 380, 520][i % 5]))
    ],
    "label in the middle of its lines": [
        *(box(60, 100, 110), box(260, 100, 300)),
        box(60, 220, 110),
        *(box(260, 160 + i * 40, [600, 580, 610, 300][i]) for i in range(4)),
    ],
    "label along rows": [box(20, 100, 30, 150), *table([80, 300], 100, [[90, 200]] * 4)],
    "cells of two lines": [
        part
        for y in (100, 180, 260, 340)
        for part in (
            *(box(60, y + 12, 20), box(160, y, 100), box(160, y + 24, 80)),
            *(box(360, y, 100), box(360, y + 24, 80)),
        )
    ],
    "vertical text": [box(700 - i * 50, 100, 30, [500, 500, 500, 220][i]) for i in range(4)],
    "vertical text under a heading": [
        box(500, 30, 300, 40),
        *(box(700 - i * 50, 100, 30, 500) for i in range(4)),
    ],
    "two groups of vertical text": [
        *(box(800 - i * 50, 100, 30, 500) for i in range(3)),
        *(box(450 - i * 50, 100, 30, [500, 500, 300][i]) for i in range(3)),
    ],
    "tiers of vertical text in two groups": [
        *(box(x - i * 50, y, 30, 300) for y in (100, 450) for x in (800, 450) for i in range(3)),
    ],
    "two tiers beside a high group": [
        *(box(800 - i * 50, 100, 30, 650) for i in range(2)),
        *(box(650 - i * 50, y, 30, 300) for y in (100, 450) for i in range(4)),
    ],
    "a column in two pieces": [
        *(box(800, 100, 30, 500), box(750, 100, 30, 240), box(750, 352, 30, 248)),
        *(box(700 - i * 50, 100, 30, 500) for i in range(2)),
    ],
    "a couplet under its heading": [box(350, 30, 300, 60), box(800, 120, 60, 700), box(150, 120, 60, 700)],
    "columns left and right of text": [
        box(40, 100, 30, 200),
        *column(120, 100, 700, [8]),
        box(860, 100, 30, 200),
    ][:9],
    "a column beside its rows": [
        box(50, 112, 30, 135),
        *(box(110, 100 + i * 45, 300 - 20 * i) for i in range(4)),
    ],
    "vertical text with a short end": [box(700, 100, 30, 500), box(650, 100, 30, 500), box(601, 100, 28, 60)],
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("degrees", [0, -2, 3, -7, 10, 15, -15])
def test_pages_are_read_as_a_person_reads_them_even_if_skewed(name: str, degrees: float) -> None:
    page = turned(shaken(PAGES[name], 1.0, seed=len(name)), degrees)
    assert order_of(page) == list(range(len(page)))


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_pages_that_lie_on_their_side_are_read_along_their_text(name: str, degrees: float) -> None:
    page = turned(PAGES[name], degrees)
    assert order_of(page) == list(range(len(page)))


def test_a_line_on_its_head_does_not_turn_the_page() -> None:
    page = column(60, 50, 800, [5])
    a, b, c, d = page[2]
    page[2] = (c, d, a, b)
    assert order_of(page) == list(range(len(page)))


def test_text_turned_anticlockwise_is_read_from_left_to_right() -> None:
    upright = column(60, 700, 600, [9])
    sideways = [((x, 600.0), (x, 100.0), (x + 24.0, 100.0), (x + 24.0, 600.0)) for x in (60.0, 100.0, 140.0)]
    assert order_of([*sideways, *upright]) == list(range(12))


def test_blocks_are_paragraphs_headings_and_runs_of_rows() -> None:
    page = [box(60, 20, 400, 40), *column(60, 90, 800, [4, 5])]
    page += table([100, 500], 500, [[200, 90], [250, 80], [180, 90]])
    assert [len(block) for block in reading_order(page)] == [1, 4, 5, 6]


#: On a printer's grid, and in a table with cells that happen to be about equally long: the same places.
_PLACES = [
    box(60 + x, 50 + row * 40, [290, 270, 285, 250, 280][(row + x) % 5]) for x in (0, 350) for row in range(5)
]
_TEXT = [
    "打开包装后检查零件是否齐全，",
    "缺少时与经销商联系。安装地点",
    "要求通风良好，远离热源与水源",
    "使用前请阅读，放在随手可取的",
    "地方。儿童不得单独使用本机，",
    "出现异味时立即关机，拔下插头",
    "等待冷却之后再送修。长期不用",
    "时请断电，存放在干燥阴凉处，",
    "避免阳光直射。保修期内因质量",
    "问题造成的故障，由本公司负责",
]
_CELLS = [
    "更换滤网并清洗外壳与底座",
    "由本公司派人上门处理",
    "每季度检查一次接地线路",
    "故障代码为零三时重新启动",
]


def test_words_tell_columns_from_cells() -> None:
    columns = [i for block in reading_order(_PLACES, _TEXT) for i in block]
    rows = [i for block in reading_order(_PLACES, [_CELLS[i % 4] for i in range(10)]) for i in block]

    assert columns == list(range(10))
    assert rows == [side * 5 + row for row in range(5) for side in range(2)]


def test_cells_of_several_lines_stay_in_their_row() -> None:
    tops = (60, 170, 280, 390)
    page = [
        box(x, top + line * 30, 120 if line == count - 1 else 300)
        for top, counts in zip(tops, ((3, 2), (2, 3), (3, 3), (2, 2)), strict=True)
        for x, count in zip((60, 420), counts, strict=True)
        for line in range(count)
    ]

    ys = [page[i][0][1] for block in reading_order(page) for i in block]

    rows = [max(top for top in tops if top <= y) for y in ys]
    assert rows == sorted(rows)


def test_no_lines_give_no_order() -> None:
    assert reading_order([]) == ()
    assert reading_order([box(3, 4, 50)]) == ((0,),)


coordinates = st.floats(-3000, 3000).map(lambda value: round(value, 1))
sizes = st.floats(0, 800).map(lambda value: round(value, 1))
boxes = st.builds(box, coordinates, coordinates, sizes, sizes)
quads = st.tuples(*[st.tuples(coordinates, coordinates)] * 4)
lattice = st.builds(
    lambda x, y, width: box(x * 60.0, y * 30.0, width * 30.0),
    st.integers(0, 12),
    st.integers(0, 20),
    st.integers(1, 12),
)
pages = st.lists(boxes, max_size=40) | st.lists(quads, max_size=20) | st.lists(lattice, max_size=60)


words = st.sampled_from(["", "北京，", "金额：12", "the end of", "All of it is", "2024-05-17"])


@given(pages, words)
def test_every_line_is_read_exactly_once(page: list[Polygon], said: str) -> None:
    blocks = reading_order(page, [said] * len(page))
    assert sorted(itertools.chain(*blocks)) == list(range(len(page)))
    assert all(blocks)


def test_boxes_without_height_have_an_order() -> None:
    page = [flat(0, 0), flat(0, 1), flat(2, 3), flat(2, 3)]
    assert sorted(itertools.chain(*reading_order(page))) == [0, 1, 2, 3]


def flat(left: float, right: float) -> Polygon:
    return ((left, 0.0), (right, 0.0), (right, 0.0), (left, 0.0))


@given(st.lists(st.tuples(boxes | lattice, words), max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(lines: list[tuple[Polygon, str]], rng: random.Random) -> None:
    def read(lines: list[tuple[Polygon, str]]) -> list[list[tuple[Polygon, str]]]:
        blocks = reading_order([polygon for polygon, _ in lines], [text for _, text in lines])
        return [[lines[i] for i in block] for block in blocks]

    assert read(lines) == read(rng.sample(lines, len(lines)))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), unique=True, min_size=1, max_size=60))
def test_cells_of_a_grid_are_read_row_by_row(cells: list[tuple[int, int]]) -> None:
    page = [box(x * 200, row * 50, 90) for row, x in cells]
    read = [cells[i] for block in reading_order(page) for i in block]
    assert read == sorted(cells)


@given(st.integers(-2000, 2000), st.integers(-2000, 2000), st.sampled_from([0.5, 2.0, 4.0]))
def test_neither_place_nor_size_of_the_page_matters(dx: int, dy: int, scale: float) -> None:
    page = PAGES["heading over columns"]
    moved: list[Polygon] = [
        tuple((x * scale + dx, y * scale + dy) for x, y in polygon)  # type: ignore[misc]
        for polygon in page
    ]
    assert reading_order(moved) == reading_order(page)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param([line for i in range(3) for line in column(i * 400, 0, 350, [7] * 95)], id="columns"),
        pytest.param(table([i * 60 for i in range(40)], 0, [[40] * 40] * 50), id="table"),
        pytest.param([box(i * 30, i * 30, 25) for i in range(2000)], id="stairs"),
        pytest.param([box(i * 40, 0, 30) for i in range(2000)], id="row"),
        pytest.param([box(i, i, 8000 - 2 * i, 8000 - 2 * i) for i in range(2000)], id="nested"),
        pytest.param([box(5, 5, 100)] * 2000, id="all in one place"),
        pytest.param([box(i * 90, 0, 30, 900 - i % 7) for i in range(2000)], id="columns far apart"),
        pytest.param(
            [box(i * 40, 40 * (i % 50), 30, 90) for i in range(1000)] + [box(i, 9, 2) for i in range(1000)],
            id="columns among specks",
        ),
    ],
)
def test_four_times_the_lines_take_no_ten_times_the_steps(page: list[Polygon]) -> None:
    few = steps(lambda: reading_order(page[: len(page) // 4]))
    assert steps(lambda: reading_order(page)) < 10 * few  # sixteen times would be quadratic


def test_depth_is_bounded() -> None:
    """Check deeply nested columns: no recursion error, and no line is lost."""
    page: list[Polygon] = []
    left, width = 0.0, 2.0**40
    for level in range(60):
        page += [box(left, 100 * level + i * 33, width * 0.45) for i in range(4)]
        left, width = left + width / 2, width / 2
    assert sorted(itertools.chain(*reading_order(page))) == list(range(len(page)))


# ---- real pictures -----------------------------------------------------------------------------------


def _eval_boxes() -> dict[str, list[dict[str, object]]]:
    default = Path(__file__).parents[3] / "shared" / "eval"
    path = Path(os.environ.get("CRNN_OCR_EVAL_DIR", default)) / "pages_zh" / "boxes.json"
    if not path.is_file():
        pytest.skip(f"the evaluation pictures are not there: {path}")
    loaded: dict[str, list[dict[str, object]]] = json.loads(path.read_text("utf-8"))
    return loaded


def _read(name: str) -> list[str]:
    lines = _eval_boxes()[name]
    random.Random(5).shuffle(lines)
    polygons = [tuple((float(x), float(y)) for x, y in line["box"]) for line in lines]  # type: ignore[attr-defined]
    order = reading_order(polygons)  # type: ignore[arg-type]
    return [str(lines[i]["text"]) for block in order for i in block]


#: Lines that follow each other directly on the page, by the start of their text.
RUNS = {
    "dolphin_page_5.png": [
        ["重要。", "四、临床表现", "（一）临床表现", "多种外伤"],
        ["病因相关表现", "性水肿提示", "肌病等", "（二）实验室检查"],
    ],
    "onnxocr_layout_cdla.png": [
        ["1.3.2", "在传统的"],
        ["向下的方法", "格进行合并"],
        ["各有不同", "表 4", "Table 4", "方法", "结果", "备注", "Shigarov", "93.64", "F1", "Schreiber"],
        ["Ye 等", "96.84", "TEDS", "自底向上的"],
        ["分为单元格关系", "图 1", "Fig.1"],
    ],
    "tsr_table6.png": [
        ["货币资金", "5,288,011,738.39", "2,629,981,089.49", "结算备付金", "拆出资金"],
        ["应收票据", "1,010,636.94", "888,800.00", "应收账款"],
    ],
    "tsr_lineless_table_recognition.png": [["Duke", "34", "男", "1.74", "70", "23", "Ella", "26"]],
    "tsr_table7.png": [
        ["商品品牌", "产地1", "中国", "面料", "聚酯纤维"],
        [
            "不可高温",
            "商品介绍",
            "Nike SB",
            "适的训练",
            "化",
            "透气设计",
            "可调式",
            "按扣式",
            "商品数据",
            "尺码",
        ],
    ],
    "tsr_wired_table.png": [["编两个组", "第一组", "第二组", "二", "第一组", "第二组"]],
    "p2p_00111002.png": [["交易日期", "交易时间", "2012", "12:43:15", "批次号", "流水号"]],
    "chineseocr_img.png": [["既然是自己", "头，也不要", "择"]],
}


@pytest.mark.eval
@pytest.mark.parametrize("name", RUNS)
def test_real_pages_are_read_as_a_person_reads_them(name: str) -> None:
    texts = [text.replace(" ", "") for text in _read(name)]
    for run in RUNS[name]:
        starts = [start.replace(" ", "") for start in run]
        found = any(
            all(text.startswith(start) for text, start in zip(texts[i:], starts, strict=False))
            for i in range(len(texts) - len(starts) + 1)
        )
        assert found, f"{run} do not follow each other in {texts}"


def test_helpers_turn_about_the_middle() -> None:
    (x, y), *_ = turned([box(500, 700, 10)], 90)[0:1][0]
    assert math.isclose(x, 500)
    assert math.isclose(y, 700)
    assert HEIGHT == 24
