"""What is done to a reading before anyone sees it, pure."""

from __future__ import annotations

from dataclasses import replace

from crnn_ocr.recognition.recognizer import ReadChar, Reading
from crnn_ocr.recognition.spacing import is_needless


def tidy(reading: Reading) -> Reading:
    """One kind of space, never two in a row, none at the ends or at full-width signs; characters and text agree.

    See `spacing.is_needless` for what a space at such a sign is.
    """
    chars: list[ReadChar] = []
    for char in reading.chars:
        if char.text.isspace():
            if chars and chars[-1].text != " ":
                chars.append(replace(char, text=" "))
            continue
        if len(chars) > 1 and chars[-1].text == " " and is_needless(chars[-2].text, char.text):
            chars.pop()
        chars.append(char)
    if chars and chars[-1].text == " ":
        chars.pop()
    confidence = reading.confidence if chars else 0.0
    return Reading("".join(char.text for char in chars), confidence, tuple(chars))
