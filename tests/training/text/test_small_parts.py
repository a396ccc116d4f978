from __future__ import annotations

import random

import pytest

from crnn_ocr.training.text import small_parts
from crnn_ocr.training.text.mixture import Extras

ALL = Extras(small_latin=1, small_han=1, raised=1)


def found(text: str, extras: Extras = ALL) -> list[str]:
    return [text[p.start : p.end] for p in small_parts.smaller(text, extras, random.Random(0))]


@pytest.mark.parametrize(
    ("text", "smaller"),
    [
        ("终端号(TERMINAL)", ["(TERMINAL)"]),
        ("批次【BATCH NO.】:173324", ["【BATCH NO.】"]),
        ("交易（TIME）日期(DATE)", ["（TIME）", "(DATE)"]),
        ("interp命令", []),
        ("安全(12)", []),
        ("(TERMINAL)", []),
        ("rare.[12][5] The", ["[12][5]"]),
        ("他说。[7]", ["[7]"]),
        ("[1][2] x", []),
        ("name[92] = 3", []),
        ("10.0起", ["起"]),
        ("¥99元/件", ["元/件"]),
        ("300万元整", ["万元整"]),
        ("去年9月以", []),
        ("3/", []),
        ("５元", []),
        ("元", []),
    ],
)
def test_what_is_set_smaller(text: str, smaller: list[str]) -> None:
    assert found(text) == smaller
    assert found(text, Extras()) == []


def test_sizes_and_rises() -> None:
    for seed in range(100):
        (english,) = small_parts.smaller("终端号(TERMINAL)", ALL, random.Random(seed))
        (reference,) = small_parts.smaller("rare.[12]", ALL, random.Random(seed))
        (unit,) = small_parts.smaller("10.0起", ALL, random.Random(seed))
        assert 0.4 < english.size < 0.8
        assert 0 <= english.rise <= 0.5 * (1 - english.size) + 1e-9
        assert reference.rise == small_parts.REFERENCE_RISE
        assert unit.rise == 0
        assert small_parts.smallest_size("10.0起", (unit,)) == pytest.approx(unit.size * 7 / 9)
        assert small_parts.smallest_size("rare.[12]", (reference,)) == reference.size
    assert small_parts.smallest_size("AB", ()) == 1


def test_a_share_of_the_lines_has_them() -> None:
    rng = random.Random(1)
    drawn = sum(bool(small_parts.smaller("rare.[12]", Extras(raised=0.3), rng)) for _ in range(2000))
    assert drawn == pytest.approx(600, abs=80)
