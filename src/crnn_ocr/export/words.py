"""Split lines into words with places and confidences, for the formats that need them. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from math import prod

from crnn_ocr.document import Char, Line, Point, Polygon


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
    if line.chars and "".join(char.text for char in line.chars) == line.text and _parts_words(line.chars):
        return tuple(_word_of_chars(line, match.span()) for match in re.finditer(r"\S+", line.text))
    return tuple(_word_of_line(line, match.span()) for match in re.finditer(r"\S+", line.text))


def _parts_words(chars: tuple[Char, ...]) -> bool:
    """Return whether each of the characters is white space, or has none: then words are runs of them."""
    return all(not char.text.strip() or char.text.split() == [char.text] for char in chars)


def _word_of_chars(line: Line, span: tuple[int, int]) -> Word:
    start, end = span
    chars, at = [], 0
    for char in line.chars:
        if at < end and at + len(char.text) > start:
            chars.append(char)
        at += len(char.text)
    first, last = chars[0].polygon, chars[-1].polygon
    # If the line is right, so is the word; and it is right if all of its characters are.
    confidence = max(line.confidence, prod(char.confidence for char in chars))
    return Word(line.text[start:end], confidence, (first[0], last[1], last[2], first[3]), tuple(chars))


def _word_of_line(line: Line, span: tuple[int, int]) -> Word:
    whole = _width(line.text)
    start, end = _width(line.text[: span[0]]) / whole, _width(line.text[: span[1]]) / whole
    upper_left, upper_right, lower_right, lower_left = line.polygon
    polygon = (
        _between(upper_left, upper_right, start),
        _between(upper_left, upper_right, end),
        _between(lower_left, lower_right, end),
        _between(lower_left, lower_right, start),
    )
    return Word(line.text[span[0] : span[1]], line.confidence, polygon)


def _between(start: Point, end: Point, share: float) -> Point:
    return (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
