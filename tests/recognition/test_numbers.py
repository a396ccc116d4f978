from __future__ import annotations

import pytest

from crnn_ocr.recognition.recognizer import CtcRecognizer
from tests import drawing
from tests.recognition.test_recognizer import read_alone


@pytest.mark.parametrize("text", ["0755  8899  6677", "6222  1051  2345", "138001380001"])
def test_groups_of_digits_are_kept_apart(recognizer: CtcRecognizer, text: str) -> None:
    assert read_alone(recognizer, drawing.line(text)).text == " ".join(text.split())
