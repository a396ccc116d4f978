from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crnn_ocr.document import Block, Line, Polygon, Table, with_polygons
from crnn_ocr.layout.blocks import headings
from crnn_ocr.layout.blocks.arrange import arrange_blocks
from tests.layout.blocks.lines import line
from tests.layout.blocks.sheets import Sheet, han


def test_large_and_bold_lines_over_text_are_headings() -> None:
    sheet = Sheet().add("研究方法概述", 100, 60, size=1.8, stroke=4)
    sheet.paragraph(4, 100, 140).add("数据来源说明", 100, 300, stroke=4).paragraph(4, 100, 350)
    kinds = sheet.kinds()
    assert kinds["研究方法概述"] == kinds["数据来源说明"] == "heading"
    assert Counter(kinds.values())["heading"] == 2


def test_larger_headings_stand_higher() -> None:
    sheet = Sheet().add("研究方法概述", 100, 60, size=1.8, stroke=4).paragraph(4, 100, 140)
    sheet.add("数据来源说明", 100, 300, size=1.3, stroke=4).paragraph(4, 100, 350)
    levels = [block.level for block in sheet.blocks() if block.kind == "heading"]
    assert levels == [1, 2]


def test_numbered_titles_of_the_texts_own_type_are_headings() -> None:
    sheet = Sheet().paragraph(4, 100, 60).add("一、总体要求", 140, 220).paragraph(4, 100, 250)
    sheet.add("二、主要任务", 140, 400).paragraph(4, 100, 430)
    kinds = sheet.kinds()
    assert kinds["一、总体要求"] == kinds["二、主要任务"] == "heading"


def test_a_short_line_of_text_is_no_heading() -> None:
    sheet = Sheet().paragraph(4, 100, 60).add("以上是全部内容", 140, 200).paragraph(4, 100, 240)
    assert "heading" not in sheet.kinds().values()


def test_receipts_have_no_headings() -> None:
    sheet = Sheet()
    for at, (name, price) in enumerate(
        [("牛奶", "12.50"), ("面包", "8.00"), ("鸡蛋", "15.20"), ("合计", "35.70")] * 3
    ):
        bold = 4 if name == "合计" else 2
        sheet.add(name, 100, 60 + 36 * at, stroke=bold, size=1.2 if bold == 4 else 1)
        sheet.add(price, 400, 60 + 36 * at, stroke=bold)
    assert set(sheet.kinds().values()) == {"paragraph"}


@pytest.mark.parametrize(
    "marks",
    [("• ", "• ", "• "), ("1. ", "2. ", "3. "), ("（一）", "（二）", "（三）"), ("a) ", "b) ", "c) ")],
)
def test_items_of_a_list(marks: tuple[str, ...]) -> None:
    sheet = Sheet().paragraph(3, 100, 60)
    for at, mark in enumerate(marks):
        sheet.add(mark + han(38, "，"), 140, 200 + 60 * at).add(han(12, "；"), 180, 230 + 60 * at)
    items = [block for block in sheet.blocks() if block.kind == "list_item"]
    assert [len(block.lines) for block in items] == [2, 2, 2]
    assert [block.level for block in items] == [1, 1, 1]


def test_indented_items_are_deeper() -> None:
    sheet = Sheet().paragraph(3, 100, 60)
    for at, x in enumerate((140, 190, 190, 140)):
        sheet.add("• " + han(20), x, 200 + 30 * at)
    assert [block.level for block in sheet.blocks() if block.kind == "list_item"] == [1, 2, 2, 1]


def test_a_numbered_heading_above_a_list_is_no_item_of_it() -> None:
    """Its left edge would be the first step, and items a pixel apart stand on two sides of the second."""
    sheet = Sheet().add("1. " + han(8), 100, 40, size=1.4).paragraph(3, 100, 90)
    sheet.add("2. " + han(9), 100, 240, size=1.4)
    for at, x in enumerate((119, 120, 121, 122, 123, 124)):
        sheet.add("• " + han(20), x, 290 + 30 * at)
    assert [block.level for block in sheet.blocks() if block.kind == "list_item"] == [1] * 6


def test_bullets_are_seen_in_the_picture_where_the_text_lacks_them() -> None:
    sheet = Sheet().paragraph(3, 100, 60)
    for at in range(3):
        sheet.add(han(20), 160, 200 + 30 * at)
        sheet.image[206 + 30 * at : 214 + 30 * at, 138:146] = 0
    assert sum(block.kind == "list_item" for block in sheet.blocks()) == 3


def test_a_lone_number_is_no_list() -> None:
    sheet = Sheet().paragraph(3, 100, 60).add("1. " + han(30, "。"), 140, 200).paragraph(3, 100, 240)
    assert "list_item" not in sheet.kinds().values()


def test_a_figure_and_its_caption_stand_between_the_texts() -> None:
    sheet = Sheet().paragraph(4, 100, 60).photograph(200, 230, 500, 300)
    sheet.add("图 1 实验装置", 380, 545).paragraph(4, 100, 620)
    assert [block.kind for block in sheet.blocks()] == ["paragraph", "figure", "caption", "paragraph"]
    (figure,) = (block for block in sheet.blocks() if block.kind == "figure")
    assert figure.polygon is not None
    (left, top), _, (right, bottom), _ = figure.polygon
    assert np.allclose((left, top, right, bottom), (200, 230, 700, 530), atol=20)


def test_text_that_mentions_a_figure_is_no_caption() -> None:
    sheet = (
        Sheet().paragraph(3, 100, 60).add("图1所示的装置由" + han(32), 140, 160).add(han(20, "。"), 100, 190)
    )
    assert "caption" not in sheet.kinds().values()


def test_labels_within_a_figure_stay_lines() -> None:
    sheet = Sheet().paragraph(4, 100, 60).photograph(200, 230, 500, 300).paragraph(4, 100, 600)
    sheet.lines.append(line("产量", 400, 300))
    assert sheet.kinds()["产量"] == "paragraph"


def test_a_page_number_and_a_ruled_header() -> None:
    sheet = Sheet().add("某某公司年度报告", 420, 40).rule(100, 68, 800)
    sheet.paragraph(6, 100, 120).paragraph(6, 100, 320).add("- 3 -", 475, 1340)
    blocks = sheet.blocks()
    assert (blocks[0].kind, blocks[-1].kind) == ("header", "page_number")


def test_notes_in_small_type_under_a_rule() -> None:
    sheet = Sheet().paragraph(6, 100, 60)
    for at in range(8):
        sheet.paragraph(3, 100, 260 + 105 * at)
    sheet.rule(100, 1110, 200).add("① " + han(30, "。"), 100, 1130, size=0.75).add(
        "② " + han(20, "。"), 100, 1160, size=0.75
    )
    assert [block.kind for block in sheet.blocks()][-2:] == ["footnote", "footnote"]


def test_a_table_takes_its_place_in_a_column() -> None:
    sheet = Sheet()
    for x in (60, 530):
        sheet.paragraph(5, x, 60, chars=20).paragraph(5, x, 500, chars=20)
    corners: Polygon = ((60, 230), (460, 230), (460, 470), (60, 470))
    table = Block((), "table", table=Table(0, 0, ()), polygon=corners)
    kinds = [block.kind for block in sheet.blocks([table])]
    assert kinds == ["paragraph", "table", "paragraph", "paragraph", "paragraph"]


def test_text_beside_a_figure_is_read_together() -> None:
    sheet = Sheet().photograph(560, 200, 340, 260).paragraph(3, 100, 60).paragraph(7, 100, 210, chars=20)
    sheet.paragraph(3, 100, 520)
    assert [block.kind for block in sheet.blocks()].count("figure") == 1
    texts = [block for block in sheet.blocks() if block.kind == "paragraph"]
    assert [len(block.lines) for block in texts] == [3, 7, 3]


def test_pages_without_lines_have_no_blocks() -> None:
    assert arrange_blocks(np.full((300, 300), 255, np.uint8), [], []) == ()


TEXTS = st.sampled_from(
    [
        "一、总则",
        "1. 概述",
        "2. 方法",
        "• 项目",
        han(20, "。"),
        "图 1 装置",
        "12",
        "Page 3 of 9",
        "Total",
        "① 说明",
        "-",
        "a",
    ]
)
PLACES = st.tuples(TEXTS, st.integers(0, 30), st.integers(0, 45), st.sampled_from([0.7, 1.0, 1.6]))
PAGES = st.lists(PLACES, max_size=14, unique_by=lambda entry: entry[1:3])


def _sheet(drawn: list[tuple[str, int, int, float]], scale: int = 1, x: int = 0, y: int = 0) -> Sheet:
    sheet = Sheet(np.full((1400 * scale, 1000 * scale), 255, np.uint8))
    for text, column, row, size in drawn:
        sheet.add(
            text, (column * 20 + x) * scale, (row * 25 + y) * scale, size=size * scale, stroke=2 * scale
        )
    return sheet


@settings(deadline=None)
@given(PAGES)
def test_every_line_stands_in_exactly_one_block(drawn: list[tuple[str, int, int, float]]) -> None:
    sheet = _sheet(drawn)
    blocks = sheet.blocks()
    assert Counter(each.polygon for block in blocks for each in block.lines) == Counter(
        each.polygon for each in sheet.lines
    )
    assert all(block.lines or block.kind == "figure" for block in blocks)
    assert all((block.level > 0) == (block.kind in ("heading", "list_item")) for block in blocks)


@settings(deadline=None)
@given(PAGES, st.randoms(use_true_random=False))
def test_the_order_in_which_lines_are_given_does_not_matter(
    drawn: list[tuple[str, int, int, float]], random: object
) -> None:
    sheet = _sheet(drawn)
    shuffled = list(sheet.lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert arrange_blocks(sheet.image, shuffled, []) == sheet.blocks()


@settings(deadline=None)
@given(PAGES, st.sampled_from([40, 160]))
def test_moving_the_text_changes_nothing_but_coordinates(
    drawn: list[tuple[str, int, int, float]], by: int
) -> None:
    # Downwards, headers and footers would become something else.
    def back(polygon: Polygon) -> Polygon:
        a, b, c, d = ((x - by, y) for x, y in polygon)
        return a, b, c, d

    moved = [with_polygons(block, back) for block in _sheet(drawn, x=by).blocks()]
    assert moved == list(_sheet(drawn).blocks())


@settings(deadline=None, max_examples=25)
@given(PAGES)
def test_a_page_of_twice_the_size_has_the_same_blocks(drawn: list[tuple[str, int, int, float]]) -> None:
    def shape(blocks: tuple[Block, ...]) -> list[tuple[str, int, list[str]]]:
        return [(block.kind, block.level, [each.text for each in block.lines]) for block in blocks]

    assert shape(_sheet(drawn, scale=2).blocks()) == shape(_sheet(drawn).blocks())


def test_columns_of_upright_characters_are_paragraphs() -> None:
    columns = [
        Line(han(20), 1.0, ((x, 60), (x + 24, 60), (x + 24, 560), (x, 560))) for x in (500, 460, 420, 380)
    ]
    image = np.full((700, 700), 255, np.uint8)
    assert {block.kind for block in arrange_blocks(image, columns, [])} == {"paragraph"}


@pytest.mark.parametrize("value", ["2024年11月8日", "12,5 元", "[ 1.5, (2) ]", "", "8点30分"])
def test_numbers_dates_and_amounts_are_values(value: str) -> None:
    assert headings._VALUE.fullmatch(value)


def test_long_numbers_before_a_word_are_told_in_linear_time() -> None:
    # A pattern that divides a run of figures in every way would never come to an end here.
    assert headings._VALUE.fullmatch("[ 0.08480322, -0.26216313 " * 400 + "float") is None
