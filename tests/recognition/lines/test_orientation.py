from __future__ import annotations

import pytest

from crnn_ocr.recognition.lines import orientation
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading
from crnn_ocr.recognition.text.postprocess import tidy


def reading(text: str, confidence: float) -> Reading:
    return Reading(text, confidence, tuple(ReadChar(c, confidence, 0, 1) for c in text))


@pytest.mark.parametrize("text", ["90", "U/L", "￥5999.00", "NO", "06", "SOS"])
def test_text_that_reads_both_ways_is_never_turned(text: str) -> None:
    assert (
        orientation.better(reading("?", 0.2), [reading(text, 0.99)]) is None
        or orientation.evidence(reading(text, 0.99)) >= orientation.EVIDENCE
    )
    assert orientation.better(reading(text, 0.75), [reading(text[::-1], 0.85)]) is None


def test_a_convincing_other_orientation_wins() -> None:
    others = [reading("垃圾", 0.5), reading("合同编号", 0.97), reading("合同编", 0.9)]

    assert orientation.better(reading("uoɥ", 0.4), others) == 1


def test_little_gain_turns_nothing() -> None:
    assert orientation.better(reading("合同编号", 0.84), [reading("合同编号", 0.9)]) is None


def test_a_column_that_also_reads_on_its_side_is_a_column() -> None:
    assert orientation.are_columns([reading("清晨，", 0.99)], [reading("清晨", 1.0)])
    assert not orientation.are_columns([reading("本就要有", 0.95)], [reading("就要有本", 1.0)])
    assert not orientation.are_columns([reading("清晨", 0.7)], [reading("清晨", 0.6)])


@pytest.mark.parametrize(
    ("standing", "turned", "column", "wins"),
    [(0.0, 0.5, 0.75, True), (0.0, 0.7, 0.75, False), (0.7, 0.3, 0.75, False), (0.0, 0.2, 0.45, False)],
)
def test_the_only_readable_orientation_is_taken(
    standing: float, turned: float, column: float, wins: bool
) -> None:
    word = Reading(
        "合同", column, (ReadChar("合", column, 0, 1, 0.9), ReadChar("同", 0, 0, 1, 2 * column - 0.9))
    )

    found = orientation.surest(reading("一", standing), [reading("囗囗", turned), word], 1)

    assert found == (1 if wins else None)


def test_an_empty_reading_is_never_sure() -> None:
    assert not orientation.is_sure(Reading("", 1.0))
    assert orientation.is_sure(reading("合同", 0.95))


def test_long_lines_weigh_more() -> None:
    assert orientation.weighted_legibility([reading("ab", 1.0), reading("cdefgh", 0.5)]) == pytest.approx(
        0.625
    )
    assert orientation.weighted_legibility([]) == 0


def test_a_legible_line_stands_even_if_it_may_hold_an_error() -> None:
    chars = tuple(ReadChar(c, 0.4, 0, 1, share=0.95) for c in "合同编号")
    doubtful = Reading("合同编号", 0.1, chars)

    assert doubtful.legibility == pytest.approx(0.95)
    assert orientation.is_sure(doubtful)
    assert orientation.evidence(doubtful) == 4


def test_tidying_leaves_one_kind_of_space() -> None:
    tidied = tidy(reading(" 合同  编号\u3000A ", 0.9))

    assert tidied.text == "合同 编号 A"
    assert "".join(char.text for char in tidied.chars) == tidied.text
    assert tidied.confidence == pytest.approx(0.9)


def test_spaces_alone_are_nothing() -> None:
    assert tidy(reading("   ", 0.9)) == Reading("", 0.0, ())


@pytest.mark.parametrize(
    ("read", "wanted"),
    [
        ("line number ２ of", "line number 2 of"),
        ("Ａ1b", "A1b"),
        ("第２页", "第2页"),
        ("ＡＢＣ1", "ABC1"),
        ("－8.1％", "－8.1%"),
        ("，。（）1", "，。（）1"),
        ("", ""),
    ],
)
def test_tidying_leaves_one_width_of_letters(read: str, wanted: str) -> None:
    assert tidy(reading(read, 0.9)).text == wanted


@pytest.mark.parametrize(
    ("read", "wanted"),
    [
        ("感染 ；迟钝", "感染；迟钝"),
        ("再灌注 ,将", "再灌注,将"),
        ("（ 甲）", "（甲）"),
        ("第一组 （甲）： 乙", "第一组（甲）：乙"),
        ("产量 (吨)", "产量 (吨)"),
        ("Table 2, left", "Table 2, left"),
        ("x , y", "x , y"),
        ("RM 患者", "RM 患者"),
    ],
)
def test_tidying_leaves_no_space_in_the_empty_half_of_a_sign(read: str, wanted: str) -> None:
    tidied = tidy(reading(read, 0.9))

    assert tidied.text == wanted
    assert "".join(char.text for char in tidied.chars) == wanted


def test_the_least_legible_lines_are_tried_first() -> None:
    lines = [(0.5 + at / 1000, at) for at in range(orientation.TRIED_FIRST + 2)]
    late = {orientation.TRIED_FIRST, orientation.TRIED_FIRST + 1}
    assert orientation.tried_late(lines) == orientation.tried_late(lines[::-1]) == late
    assert not orientation.tried_late(lines[: orientation.TRIED_FIRST])
