from __future__ import annotations

import pytest

from crnn_ocr.layout.blocks.lists import item_lines
from crnn_ocr.layout.blocks.markers import (
    caption_start,
    heading_depth,
    list_marker,
    note_marker,
    numbering_style,
    page_number,
)


@pytest.mark.parametrize(
    "text",
    [
        "1. 苹果",
        "1) a",
        "（一）目标",
        "(2) b",
        "(a) c",
        "① d",
        "• e",
        "- f",
        "· g",
        "■ h",
        "3、i",
        "a) j",
        "* k",
    ],
)
def test_markers_of_items(text: str) -> None:
    marker = list_marker(text)
    assert marker is not None
    assert text[marker.end :].strip() in text


@pytest.mark.parametrize(
    "text", ["1.5 倍", "-5", "2023年", "10%", "a b", "· 172 · 协和", "10:30 会议", "3,000 元", "•", "1."]
)
def test_what_is_no_marker(text: str) -> None:
    assert list_marker(text) is None


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("第一章 总则", 1),
        ("第三节 方法", 2),
        ("Chapter 3 Results", 1),
        ("一、总则", 1),
        ("（二）范围", 2),
        ("1 Introduction", 1),
        ("1.2 Methods", 2),
        ("3.1.2实验", 3),
        ("II. RELATED WORK", 1),
        ("第一条 为了", None),
        ("2024-05-18", None),
        ("12.5%", None),
        ("摘要", None),
    ],
)
def test_numbers_of_headings(text: str, depth: int | None) -> None:
    assert heading_depth(text) == depth
    assert (numbering_style(text) is None) == (depth is None)


@pytest.mark.parametrize(
    ("text", "of_table", "apart"),
    [
        ("图1 系统结构", False, True),
        ("Table SA3. Cases", True, True),
        ("表 3-2：结果", True, True),
        ("Table 3: Results", True, True),
        ("Figure 2. A pump", False, True),
        ("Fig. 2 The pump", False, True),
        ("图1所示为系统", False, False),
        ("Table 3 shows that", True, False),
    ],
)
def test_beginnings_of_captions(text: str, of_table: bool, apart: bool) -> None:
    start = caption_start(text)
    assert start is not None
    assert (start.of_table, start.apart) == (of_table, apart)


def test_what_begins_no_caption() -> None:
    assert caption_start("如图1所示") is None
    assert caption_start("表示方法") is None
    assert caption_start("Tables are") is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("- 3 -", 3),
        ("第 3 页", 3),
        ("第3页 共9页", 3),
        ("共 9 页 第 3 页", 3),
        ("Page 3 of 9", 3),
        ("3/9", 3),
        ("12", 12),
        ("xii", 0),
        ("第三页", 0),
        ("civil", None),
        ("2023年", None),
        ("12345", None),
        ("Page", None),
    ],
)
def test_page_numbers(text: str, number: int | None) -> None:
    assert page_number(text) == number


def test_beginnings_of_notes() -> None:
    assert all(
        map(note_marker, ["① 说明", "* p < 0.05", "[1] Smith", "1 See Smith", "注：数据", "Source: us"])
    )
    assert not any(map(note_marker, ["说明", "See Smith", "12.5"]))


def test_numbers_need_the_next_one_beside_them() -> None:
    def items(*texts: str) -> list[bool]:
        return item_lines(texts, [0.0] * len(texts), [20.0] * len(texts))

    assert items("1. a", "text", "2. b") == [True, False, True]
    assert items("1. a", "3. b") == [False, False]
    assert items("A. Smith", "B. Jones") == [True, True]
    assert items("A. Smith", "text") == [False, False]
    assert items("• a", "text") == [True, False]
    assert items("九、甲", "十、乙", "十一、丙") == [True, True, True]
    assert item_lines(["1. a", "2. b"], [0.0, 90.0], [20.0, 20.0]) == [False, False]
