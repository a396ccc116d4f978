from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.training.text.charset import BLANK, big5_common, characters, compose, gb2312, known, spell


def test_holds_both_standards_and_the_symbols_of_documents() -> None:
    assert len(characters()) == len(set(characters()))
    assert characters()[0] == BLANK
    assert set(gb2312()) <= known()
    assert set(big5_common()) <= known()
    assert set("℃×÷±≤≥●■□√→№￥¥€§©①②…，。：；！？【】「」《》 ") <= known()


def test_standards_are_complete() -> None:
    assert len(list(gb2312())) == 6763
    assert len(list(big5_common())) == 5401


def test_starts_with_the_given_dictionary_then_a_space() -> None:
    tiny = characters()[1:6905]
    assert compose(tiny)[:6905] == [*tiny, " "]
    assert tuple(compose(tiny)) == characters()[1:]


def test_every_class_is_one_character_and_composed() -> None:
    for text in characters()[1:]:
        assert len(text) == 1
        if text != "\N{ANGSTROM SIGN}":  # of the list that ours continues; never a label
            assert unicodedata.normalize("NFC", text) == text


def test_spelling_folds_twins_and_spaces() -> None:
    assert spell("a\u3000b\u00a0 c") == "a b c"
    assert spell("5 µm ∙ ―") == "5 μm · —"
    assert spell("e\u0301") == "é"
    assert spell("-40°C, 98.6 °F") == "-40℃, 98.6 ℉"


@given(st.text(alphabet=st.sampled_from(characters()[1:]), max_size=20))
def test_spelling_is_stable_and_stays_in_the_set(text: str) -> None:
    spelt = spell(text)
    assert spell(spelt) == spelt
    assert set(spelt) <= known()
