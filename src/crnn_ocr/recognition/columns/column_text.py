"""Post-process the reading of a column of upright characters (pure functions)."""

from __future__ import annotations

from dataclasses import replace

from crnn_ocr.recognition.columns.column_cells import Cells
from crnn_ocr.recognition.network.charset import is_han
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading

#: Punctuation to convert to full width; in a column the spacing does not tell a recogniser the width.
_WIDE = dict(zip(",;:!?()", "，；：！？（）", strict=True))
#: Greatest confidence of a line in which a character was not read, however sure the others are.
LOST_CONFIDENCE = 0.5


def tidy_column(reading: Reading, cells: Cells) -> Reading:
    """Convert punctuation to full width, drop wrong blanks, and lower the confidence if ink was not read.

    Args:
        reading: The reading of the column, laid out as a row.
        cells: The cells of the column.

    Returns:
        The corrected reading. The neighbours of a dropped blank extend over its place, so that a second look
        finds a hole there.
    """
    chars: list[ReadChar] = []
    for i, char in enumerate(reading.chars):
        if char.text == " " and 0 < i < len(reading.chars) - 1:
            left, right = reading.chars[i - 1], reading.chars[i + 1]
            if not _is_blank(left, right, cells.inked):
                middle = (char.start + char.end) / 2
                chars[-1] = replace(chars[-1], end=middle)
                continue
        before = chars[-1].end if chars else char.start
        if chars and reading.chars[i - 1].text == " " and chars[-1].text != " ":
            char = replace(char, start=before)
        chars.append(char)
    if any(is_han(char.text) for char in chars):
        chars = [_widened(chars, i) for i in range(len(chars))]
    tidied = Reading("".join(char.text for char in chars), reading.confidence, tuple(chars))
    if not has_unread_cells(tidied, cells):
        return tidied
    return replace(tidied, confidence=min(reading.confidence, LOST_CONFIDENCE))


def has_unread_cells(reading: Reading, cells: Cells) -> bool:
    """Return whether there are fewer visible characters than cells with ink."""
    return sum(not char.text.isspace() for char in reading.chars) < sum(cells.inked)


def _is_blank(left: ReadChar, right: ReadChar, inked: tuple[bool, ...]) -> bool:
    """Return whether a cell between two characters is empty."""
    first, last = (int((char.start + char.end) / 2 * len(inked)) for char in (left, right))
    return not all(inked[first + 1 : last])


def _widened(chars: list[ReadChar], index: int) -> ReadChar:
    """Return a character, in full width if it is punctuation outside numbers and Latin words."""
    char = chars[index]
    beside = [chars[i].text for i in (index - 1, index + 1) if 0 <= i < len(chars)]
    if char.text in _WIDE and not any(text.isascii() and text.isalnum() for text in beside):
        return replace(char, text=_WIDE[char.text])
    return char
