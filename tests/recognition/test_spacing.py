from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.recognition.recognizer import CtcRecognizer
from crnn_ocr.recognition.spacing import missing_blanks
from tests import drawing
from tests.recognition.test_recognizer import read_alone


def test_a_wide_gap_between_digits_misses_a_blank() -> None:
    assert missing_blanks("252935", [0, 3, 9, 12, 18, 21]) == {1, 3}


def test_evenly_spaced_digits_miss_nothing() -> None:
    assert missing_blanks("123456", [0, 9, 18, 27, 36, 45]) == frozenset()


@pytest.mark.parametrize("text", ["abcdef", "壹贰叁肆伍陆", "1a2b3c"])
def test_only_digits_tell(text: str) -> None:
    assert missing_blanks(text, [0, 3, 9, 12, 18, 21]) == frozenset()


def test_two_digits_tell_nothing() -> None:
    assert missing_blanks("12", [0, 100]) == frozenset()


@given(st.text("0123456789. a", max_size=30), st.floats(0.1, 50))
def test_the_unit_does_not_matter(text: str, unit: float) -> None:
    centres = [float(i * i % 7 + 3 * i) for i in range(len(text))]

    assert missing_blanks(text, centres) == missing_blanks(text, [unit * c for c in centres])


@pytest.mark.parametrize("text", ["0755  8899  6677", "6222  1051  2345", "138001380001"])
def test_groups_of_digits_are_kept_apart(recognizer: CtcRecognizer, text: str) -> None:
    assert read_alone(recognizer, drawing.line(text)).text == " ".join(text.split())
