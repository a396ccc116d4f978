"""What is done to a reading before anyone sees it, pure."""

from __future__ import annotations

from dataclasses import replace

from crnn_ocr.recognition.recognizer import ReadChar, Reading


def tidy(reading: Reading) -> Reading:
    """One kind of space, never two in a row, none at the ends; characters and text stay in step."""
    chars: list[ReadChar] = []
    for char in reading.chars:
        if char.text.isspace():
            if chars and chars[-1].text != " ":
                chars.append(replace(char, text=" "))
        else:
            chars.append(char)
    if chars and chars[-1].text == " ":
        chars.pop()
    confidence = reading.confidence if chars else 0.0
    return Reading("".join(char.text for char in chars), confidence, tuple(chars))
