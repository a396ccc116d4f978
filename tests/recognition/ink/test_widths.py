from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.recognition.ink.widths import halved, settled
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading


def _reading(text: str) -> Reading:
    chars = tuple(ReadChar(c, 0.9, n / len(text), (n + 1) / len(text)) for n, c in enumerate(text))
    return Reading(text, 0.8, chars)


def _settled(*lines: str, rooms: Mapping[int, Mapping[int, float]] | None = None) -> list[str]:
    """Settle the lines of one page; `rooms` holds the spacing of some lines' signs by index."""
    rooms = rooms or {}
    found = settled([_reading(line) for line in lines], [rooms.get(i, {}) for i in range(len(lines))])
    assert all(reading.text == "".join(char.text for char in reading.chars) for reading in found)
    return [reading.text for reading in found]


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("第２阶段", "第2阶段"),
        ("-8.1％", "-8.1%"),
        ("ＡＢＣ", "ABC"),
        ("２．１＋３＝５．１", "2.1+3=5.1"),
        ("，：；？！（）。、～－￥", "，：；？！（）。、～－￥"),
    ],
)
def test_letters_digits_and_arithmetic_are_half_width(read: str, meant: str) -> None:
    assert "".join(char.text for char in halved(_reading(read).chars)) == meant


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("虚拟队列的长度取决于出口,", "虚拟队列的长度取决于出口，"),
        ("以下配料按含量排列:", "以下配料按含量排列："),
        ("这是为什么呢?", "这是为什么呢？"),
        ("先断电;", "先断电；"),
        ("(见下图)", "（见下图）"),
        ("甲方(盖章):乙方", "甲方（盖章）：乙方"),
        ("电话:123", "电话：123"),
        ("外伤性RM,如爆炸", "外伤性RM，如爆炸"),
        ("转化率达 96%,", "转化率达 96%，"),
        ("等(CD),检查", "等(CD)，检查"),
        ("每瓶22元起订)", "每瓶22元起订）"),
        ("(一）临床", "（一）临床"),
        ("【净含量】:220ml", "【净含量】：220ml"),
        ("甲((乙)丙)", "甲（（乙）丙）"),
    ],
)
def test_signs_in_chinese_text_are_of_full_width(read: str, meant: str) -> None:
    assert _settled(read) == [meant]


@pytest.mark.parametrize(
    "text",
    [
        "3.5×10, 1.05",
        "12:30",
        "(a, b)",
        "Tel: 123",
        "Hello world!你好",
        "Why not?",
        "(714) 879-3574",
        "1)检查",
        "2020,2021年",
        "终端号(TERMINAL)",
        "卡号 (CARD NUMBER):",
        ":)",
        ", ; : ? !",
        "",
    ],
)
def test_other_signs_stay_as_they_were_read(text: str) -> None:
    assert _settled(text) == [text]


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("等，2019（GTE)", "等，2019（GTE）"),
        ("等，2019(GTE）", "等，2019(GTE)"),
        ("(GTE）的", "（GTE）的"),
        ("（GTE)的", "(GTE)的"),
    ],
)
def test_brackets_of_a_pair_follow_the_measurable_one(read: str, meant: str) -> None:
    assert _settled(read) == [meant]


def test_signs_with_little_spacing_stay_half_width() -> None:
    assert _settled("品名:纯棉", rooms={0: {2: 0.4}}) == ["品名:纯棉"]
    assert _settled("品名:纯棉", rooms={0: {2: 0.6}}) == ["品名：纯棉"]
    assert _settled("品名：纯棉", rooms={0: {2: 0.4}}) == ["品名：纯棉"]


def test_white_before_a_bracket_tells_its_width() -> None:
    assert _settled("终端(POS)", rooms={0: {2: 0.7}}) == ["终端（POS）"]
    assert _settled("产量(吨)", rooms={0: {2: 0.1}}) == ["产量(吨)"]
    assert _settled("产量(吨)", rooms={0: {2: 0.4}}) == ["产量（吨）"]
    assert _settled("产量(吨)的", rooms={0: {2: 0.1, 4: 0.7}}) == ["产量（吨）的"]
    assert _settled("pay (now)", rooms={0: {4: 0.7}}) == ["pay (now)"]


def test_line_ends_follow_the_rest_of_the_page() -> None:
    rooms = {1: {2: 0.4}, 2: {2: 0.3}}
    assert _settled("注意事项:", "品名:纯棉", "等级:一等", rooms=rooms) == [
        "注意事项:",
        "品名:纯棉",
        "等级:一等",
    ]
    assert _settled("注意事项:", "品名：纯棉", "等级:一等", rooms={2: {2: 0.3}})[0] == "注意事项："
    assert _settled("(见下图)", "品名:纯棉", rooms={1: {2: 0.4}})[0] == "(见下图)"
    assert _settled("(见下图)", "品名:纯棉")[0] == "（见下图）"


def test_places_and_confidence_stay() -> None:
    before = _reading("先断电;")
    (after,) = settled([before], [{}])
    assert after.confidence == before.confidence
    assert [(c.start, c.end, c.confidence) for c in after.chars] == [
        (c.start, c.end, c.confidence) for c in before.chars
    ]


_TEXT = st.text("甲乙ab12 ,，:：;；?？!！(（)）%。、", max_size=12)


@given(st.lists(_TEXT, max_size=4), st.data())
def test_settling_is_idempotent_and_changes_only_widths(lines: list[str], data: st.DataObject) -> None:
    rooms = [
        data.draw(
            st.dictionaries(
                st.sampled_from([i for i, c in enumerate(line) if c in ",:;?!()（）"]), st.floats(0, 2)
            )
            if any(c in ",:;?!()（）" for c in line)
            else st.just({})
        )
        for line in lines
    ]
    once = settled([_reading(line) for line in lines], rooms)
    for line, reading in zip(lines, once, strict=True):
        assert unicodedata.normalize("NFKC", reading.text) == unicodedata.normalize("NFKC", line)
        assert len(reading.chars) == len(line)


@given(st.lists(_TEXT, max_size=4))
def test_without_ink_a_line_does_not_depend_on_its_page(lines: list[str]) -> None:
    together = _settled(*lines)
    assert together == [text for line in lines for text in _settled(line)]
    assert _settled(*together) == together


@given(st.lists(_TEXT, max_size=4), st.randoms())
def test_the_order_of_lines_does_not_matter(lines: list[str], random: object) -> None:
    rooms = {
        i: {k: 0.1 * (k % 8) for k, c in enumerate(line) if c in ",:;?!"} for i, line in enumerate(lines)
    }
    turned = {len(lines) - 1 - i: room for i, room in rooms.items()}
    assert _settled(*lines, rooms=rooms) == _settled(*lines[::-1], rooms=turned)[::-1]
