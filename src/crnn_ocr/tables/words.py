"""Takes lines apart into words, the smallest parts that a border may divide."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from crnn_ocr.document import Line
from crnn_ocr.imaging.polygons import bounds
from crnn_ocr.tables.grid import Box
from crnn_ocr.tables.rules import Rule

#: Share of a line's height by which its box is higher than its text, above and below: the detector finds
#: regions of text with a margin.
_MARGIN = 0.15
#: Signs that stand before an amount, and what an amount begins with.
_CURRENCIES = ("$", "€", "£", "¥", "￥", "US$", "HK$", "NT$", "R$", "Rp", "RM")
_AMOUNT = re.compile(r"^[(\-–—−]?[\d.,]*\d|^[-–—−]+$")
#: A part of a row of dots.
_LEADER = re.compile(r"^[.·…‥]+$")
#: Greatest distance of a currency sign from its amount, in heights of text.
_APART = 10.0


@dataclass(frozen=True, slots=True)
class Word:
    """A run of characters of a line without white space.

    Attributes:
        line: Number of its line.
        first: Its first character in the text of the line.
        end: The character after its last one.
        box: Its area without the margin above and below.
        text: Its characters.
    """

    line: int
    first: int
    end: int
    box: Box
    text: str

    @property
    def middle(self) -> float:
        """Its middle from left to right."""
        return (self.box[0] + self.box[2]) / 2

    @property
    def level(self) -> float:
        """Its middle from top to bottom."""
        return (self.box[1] + self.box[3]) / 2


def typical_height(lines: Sequence[Line]) -> float:
    """Return the median height of the boxes of lines, without their margins; 20 if there are none."""
    heights = [box[3] - box[1] for box in map(text_box, lines)]
    return max(4.0, median(heights)) if heights else 20.0


def text_box(line: Line) -> Box:
    """Return the box around a line without the margin above and below its text."""
    left, top, right, bottom = bounds(line.polygon)
    margin = _MARGIN * min(bottom - top, right - left)
    return left, top + margin, right, bottom - margin


def character_boxes(line: Line) -> list[Box]:
    """Return a box for each character of a line's text.

    A line without characters, or with others than its text has, is divided evenly.
    """
    left, top, right, bottom = text_box(line)
    if len(line.chars) == len(line.text) and all(len(char.text) == 1 for char in line.chars):
        boxes = []
        for char in line.chars:
            box = bounds(char.polygon)
            boxes.append((box[0], top, box[2], bottom) if right - left >= bottom - top else box)
        return boxes
    count = max(1, len(line.text))
    return [
        (left + (right - left) * i / count, top, left + (right - left) * (i + 1) / count, bottom)
        for i in range(len(line.text))
    ]


def is_vertical(line: Line) -> bool:
    """Return whether a line of several characters runs from top to bottom."""
    left, top, right, bottom = bounds(line.polygon)
    return len(line.text) > 1 and bottom - top > 1.5 * (right - left)


def words_of(lines: Sequence[Line]) -> list[Word]:
    """Return the words of lines, line by line; a vertical line is one word."""
    words = []
    for number, line in enumerate(lines):
        if is_vertical(line):
            words.append(Word(number, 0, len(line.text), bounds(line.polygon), line.text))
            continue
        boxes = character_boxes(line)
        start = None
        for index, char in enumerate(f"{line.text} "):
            if char.isspace():
                if start is not None:
                    words.append(_word(number, line, boxes, start, index))
                start = None
            elif start is None:
                start = index
    return words


def without_leaders(words: Sequence[Word]) -> list[Word]:
    """Return the words but for dots alone: leaders fill the white space between a text and its figure."""
    return [word for word in words if not _LEADER.match(word.text)]


def signs_with_amounts(words: Sequence[Word], vertical: Sequence[Rule], height: float) -> list[Word]:
    """Return the words with each currency sign that stands alone moved to the amount on its right.

    Statements set the sign at the left edge of a column and the amount at the right one, some rows without a
    sign: the white space between does not divide columns, and the sign may be nearer to another amount.

    Args:
        words: The words of a table.
        vertical: Its vertical rules; a sign in a column of its own stays there.
        height: Typical height of text in pixels.
    """
    moved = list(words)
    for index, sign in enumerate(words):
        if sign.text not in _CURRENCIES:
            continue
        after = [
            word
            for word in words
            if word.box[0] > sign.middle and word is not sign and abs(word.level - sign.level) < 0.5 * height
        ]
        amount = min(after, key=lambda word: (word.box[0], word.line), default=None)
        if amount is None or not _AMOUNT.match(amount.text) or amount.box[0] - sign.box[2] > _APART * height:
            continue
        between = [rule for rule in vertical if sign.middle < rule.at < amount.middle]
        if not any(rule.start < sign.level < rule.end for rule in between):
            moved[index] = replace(sign, box=amount.box)
    return moved


def _word(number: int, line: Line, boxes: Sequence[Box], first: int, end: int) -> Word:
    part = boxes[first:end]
    box = (
        min(b[0] for b in part),
        min(b[1] for b in part),
        max(b[2] for b in part),
        max(b[3] for b in part),
    )
    return Word(number, first, end, box, line.text[first:end])
