from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.recognition.network.recognizer import ReadChar, Reading
from crnn_ocr.recognition.text.postprocess import tidy


def _reading(text: str) -> Reading:
    chars = tuple(ReadChar(c, 0.9, n / len(text), (n + 1) / len(text)) for n, c in enumerate(text))
    return Reading(text, 0.8, chars)


def _tidied(text: str) -> str:
    reading = tidy(_reading(text))
    assert reading.text == "".join(char.text for char in reading.chars)
    return reading.text


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("79,651.862.50", "79,651,862.50"),
        ("合计：290,733.812.62元", "合计：290,733,812.62元"),
        ("79.651,862,50", "79.651.862,50"),
        ("1.234,567.89 1,234.567,8", "1,234,567.89 1.234.567,8"),
        ("-1,234.567.890.5%", "-1,234,567,890.5%"),
    ],
)
def test_signs_between_thousands_are_alike(read: str, meant: str) -> None:
    assert _tidied(read) == meant


@pytest.mark.parametrize(
    "text",
    [
        "79,651,862.50",
        "79.651.862,50",
        "192.168.100.25",
        "180,600.242",
        "1,234.56",
        "1,2,3.4",
        "12,345.678.9012",
        "1234,567.890.12",
        "v1.234,567.890.12.3",
        "10,000.500.200",
        "",
    ],
)
def test_other_numbers_stay_as_they_are(text: str) -> None:
    assert _tidied(text) == text


@pytest.mark.parametrize("text", ["100l.", "24.II.1998", "BMW 320I", "Band III:1204", "93,05I,722"])
def test_letters_that_look_like_ones_stay(text: str) -> None:
    assert _tidied(text) == text


def test_spaces_and_letters_are_of_one_kind() -> None:
    assert _tidied(" 共　3  件 ") == "共 3 件"
    assert _tidied("ＡＢC") == "ABC"
    assert tidy(_reading("  ")).confidence == 0.0


@given(st.text("0123456789.,: 元Ａ", max_size=30))
def test_tidying_is_idempotent_and_changes_only_separators(text: str) -> None:
    once = _tidied(text)
    assert _tidied(once) == once
    assert "Ａ" not in once
    plain = once.translate(str.maketrans(".,Ａ", "..A")).replace(" ", "")
    assert plain == text.translate(str.maketrans(".,Ａ", "..A")).replace(" ", "")


@given(st.integers(0, 10**12), st.integers(0, 99), st.data())
def test_every_misread_sign_but_the_last_is_brought_back(whole: int, cents: int, data: st.DataObject) -> None:
    number = f"{whole:,}.{cents:02d}"
    places = [at for at, sign in enumerate(number) if sign == ","]
    wrong = data.draw(st.sets(st.sampled_from(places))) if places else set[int]()
    read = "".join("." if at in wrong else sign for at, sign in enumerate(number))
    assert _tidied(read) == (number if len(wrong) < len(places) else read)


@pytest.mark.parametrize(
    ("read", "tidied"),
    [
        ("▪是 口否", "■是 □否"),
        ("口 同意 □ 不同意", "□ 同意 □ 不同意"),
        ("☑甲 口乙 口丙", "☑甲 □乙 □丙"),
        ("口 同意", "口 同意"),
        ("人口 5 □ 否", "人口 5 □ 否"),
        ("口腔 口罩", "口腔 口罩"),
        ("□", "□"),
    ],
)
def test_boxes_before_choices_are_alike(read: str, tidied: str) -> None:
    chars = tuple(ReadChar(char, 0.9, i / 20, (i + 1) / 20) for i, char in enumerate(read))
    assert tidy(Reading(read, 0.9, chars)).text == tidied
