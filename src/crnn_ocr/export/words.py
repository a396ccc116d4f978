"""Split lines into words with places and confidences, for the formats that need them. Pure functions."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from itertools import accumulate, groupby
from math import prod

from crnn_ocr.document import Char, Line, Point, Polygon
from crnn_ocr.layout.frame import TALL


@dataclass(frozen=True, slots=True)
class Word:
    """Characters without white space between them.

    A run of Chinese is one word: it has no blanks, and programs that put a blank between two words of these
    formats would tear it apart.

    Attributes:
        text: Its characters.
        confidence: Probability that it is right, 0 to 1.
        polygon: Its four corners in pixels.
        chars: Its characters with their places; none where only the line's place is known.
    """

    text: str
    confidence: float
    polygon: Polygon
    chars: tuple[Char, ...] = ()


def words_of(line: Line) -> tuple[Word, ...]:
    """Return the words of a line in reading order.

    Places come from the characters. Where a line has none, because it was corrected or replaced, each
    character gets its share of the line's length, full-width ones twice as much as others.
    """
    column = is_column(line)
    spans = [match.span() for match in re.finditer(r"\S+", line.text)]
    if line.chars and "".join(char.text for char in line.chars) == line.text:
        runs = [tuple(run) for blank, run in groupby(line.chars, key=_is_blank) if not blank]
        if [sum(len(char.text) for char in run) for run in runs] == [end - start for start, end in spans]:
            return tuple(_word_of_chars(line, run, column) for run in runs)
    # How far each character begins from the beginning of the line, in half widths.
    ends = list(accumulate((_width(char) for char in line.text), initial=0))
    return tuple(
        Word(
            line.text[start:end],
            line.confidence,
            _part(line.polygon, ends[start] / ends[-1], ends[end] / ends[-1], column),
        )
        for start, end in spans
    )


def is_column(line: Line) -> bool:
    """Return whether the characters of a line stand one below the other."""
    upper_left, upper_right, _, lower_left = line.polygon
    tall = math.dist(upper_left, lower_left) >= TALL * math.dist(upper_left, upper_right)
    return tall and len(line.text.strip()) > 1


def _word_of_chars(line: Line, chars: tuple[Char, ...], column: bool) -> Word:
    first, last = chars[0].polygon, chars[-1].polygon
    polygon = (first[0], last[1], last[2], first[3])
    if column:
        polygon = (first[0], first[1], last[2], last[3])
    # If the line is right, so is the word; and it is right if all of its characters are.
    confidence = max(line.confidence, prod(char.confidence for char in chars))
    text = "".join(char.text for char in chars)
    return Word(text, confidence, polygon, chars)


def _is_blank(char: Char) -> bool:
    return not char.text.strip()


def _part(polygon: Polygon, start: float, end: float, column: bool) -> Polygon:
    """Return the part of a line between two shares of its length."""
    upper_left, upper_right, lower_right, lower_left = polygon
    if column:
        return (
            _between(upper_left, lower_left, start),
            _between(upper_right, lower_right, start),
            _between(upper_right, lower_right, end),
            _between(upper_left, lower_left, end),
        )
    return (
        _between(upper_left, upper_right, start),
        _between(upper_left, upper_right, end),
        _between(lower_left, lower_right, end),
        _between(lower_left, lower_right, start),
    )


def _between(start: Point, end: Point, share: float) -> Point:
    return (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)


def _width(char: str) -> int:
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
