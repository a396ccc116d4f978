"""Join the lines of a block into the text that a person would write.

The end of a line on paper means nothing inside a paragraph: Chinese goes on without a blank, English after
one blank, and a hyphen that only divides a word goes. The break is kept where the next word would have fitted
on the line: addresses, poems, and paragraphs that stand in one block.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from crnn_ocr.document import Line
from crnn_ocr.layout.frame import TALL
from crnn_ocr.recognition.network.charset import is_han

_HYPHENS = "\u2010\xad-"
_SOFT_HYPHEN = "\xad"
#: The part of a word before a hyphen at the end of a line.
_BEFORE_HYPHEN = re.compile(rf"([\w{_HYPHENS}]*\w)[{_HYPHENS}]$")
_WORD_AFTER = re.compile(r"[^\W\d_]+")
#: Words that English joins to the next one with a hyphen, and at which it rarely divides a longer word.
_JOINED_BY_HYPHEN = (
    frozenset(("well", "self", "ex", "half", "cross", "real", "much", "so", "left", "right", "open", "hard"))
    | frozenset(("high", "low", "long", "short", "full", "large", "small", "fine", "second", "third"))
    | frozenset(("first", "one", "two", "three", "four", "five", "six"))
)
#: Shortest parts of a word that is divided: the rules of English typesetting leave no single letter.
_LEAST_PART = 2
_ADDRESS = re.compile(r"(?:https?://|www\.)\S*$")
#: How much of a line's end is searched for a word or an address; it bounds time.
_LONGEST_WORD, _LONGEST_ADDRESS = 64, 256
_ENDS_ADDRESS_PART = tuple("/.-_=?&%#")
#: Signs at which a line of verse or an item ends; nearly every line of prose ends elsewhere.
_LINE_ENDS = tuple("，。；！？、：…,.;!?:")
#: Least number of lines that all end with a sign for each to be a line of its own. A line of Chinese prose
#: ends with a sign about once in eight times, so that three of them are no chance.
_MIN_VERSES = 3

# Lengths below are in ems: the width of a Chinese character, about the height of a line.
#: White space that a line may leave beyond the next word, because edges are ragged by the detector.
_SLACK = 1.5
#: The same where the next line goes on within a sentence.
_SLACK_WITHIN = 4.0
#: Characters of a Chinese line that stay together with a following sign.
_KEPT_TOGETHER = 2
#: How many lines above and below set the right edge, since text beside a picture is narrower than the rest.
_NEAR = 3
#: Most distance of the middles, in line heights, of parts of one row; and the white space that divides them.
_ON_ROW, _CELL_GAP = 0.4, 0.5
#: White space between the fields of a form, and the least number of rows that have it.
_FIELD_GAP, _MIN_FORM_ROWS = 1.0, 2
#: Most characters, on average, of the lines of an address.
_ADDRESS_LINE = 30


@dataclass(frozen=True, slots=True)
class _Placed:
    """A line's text with its place in the direction of reading: start, end and offset across, in pixels."""

    text: str
    start: float
    end: float
    across: float
    size: float


def join_lines(lines: Sequence[Line]) -> str:
    """Return the text of lines in reading order as one paragraph; line breaks that mean something stay.

    Args:
        lines: The lines of a block or of a cell, with positions in pixels.

    Returns:
        The text without white space at its ends; "" if there is none.
    """
    placed = [line for line in _placed(lines) if line.text]
    if not placed:
        return ""
    texts = [line.text for line in placed]
    breaks = [_breaks(line, below, _edge(placed, at)) for at, (line, below) in enumerate(pairwise(placed))]
    verses = len(texts) >= _MIN_VERSES and (
        all(text.endswith(_LINE_ENDS) for text in texts) or sum(breaks) > len(breaks) / 2
    )
    if verses or _is_form(placed) or _is_address(placed):
        breaks = [True] * len(breaks)
    spaced = _spaces_scripts(texts)
    known = _words(texts)
    joined = texts[0]
    for (line, below), broken in zip(pairwise(placed), breaks, strict=True):
        if _on_row(line, below):
            gap = below.start - line.end > _CELL_GAP * line.size
            joined += (" " if gap else _between(line.text, below.text, spaced)) + below.text
            continue
        hyphen = _hyphen(line.text, below.text, known)
        if hyphen is not None:
            joined = (joined if hyphen else joined[:-1]) + below.text
        elif broken:
            joined += "\n" + below.text
        else:
            joined += _between(line.text, below.text, spaced) + below.text
    return joined


def _is_form(placed: Sequence[_Placed]) -> bool:
    """Return whether at least half of the rows are fields side by side, such as a label and its value."""
    rows = 1
    with_fields: set[int] = set()
    for line, below in pairwise(placed):
        if not _on_row(line, below):
            rows += 1
        elif below.start - line.end > _FIELD_GAP * line.size:
            with_fields.add(rows)
    return len(with_fields) >= _MIN_FORM_ROWS and 2 * len(with_fields) >= rows


def _is_address(placed: Sequence[_Placed]) -> bool:
    """Return whether short lines all begin as an address does: with a capital or a figure, and some have one.

    Where a line of an address ends, the next word has often no room, as in prose; but of three lines of prose
    hardly ever two begin so.
    """
    texts = [line.text for line in placed]
    return (
        len(texts) >= _MIN_VERSES
        and sum(map(len, texts)) <= _ADDRESS_LINE * len(texts)
        and all(text[0].isupper() or text[0].isdigit() for text in texts)
        and any(char.isdigit() for text in texts for char in text)
        and not any(text.endswith(("-", "\u2010", _SOFT_HYPHEN)) for text in texts)
    )


def _hyphen(text: str, following: str, known: frozenset[str]) -> bool | None:
    """Return whether the hyphen at the end of a line stays, or only divides a word; None if there is none."""
    if text.endswith(_SOFT_HYPHEN):
        return False
    found = _BEFORE_HYPHEN.search(text[-_LONGEST_WORD:])
    if found is None or not following[0].isalnum() or _is_wide(text[-2]) or _is_wide(following[0]):
        return None
    part = found[1]
    rest = _WORD_AFTER.match(following)
    if rest is None or _ADDRESS.search(text[-_LONGEST_ADDRESS:]):
        return True
    if f"{part}-{rest[0]}".lower() in known:
        return True
    if (part + rest[0]).lower() in known:
        return False
    return not (
        part.isalpha()
        and not any(map(str.isupper, part[1:]))
        and min(len(part), len(rest[0])) >= _LEAST_PART
        and rest[0].islower()
        and not following[rest.end() :].startswith((*_HYPHENS, "_"))
        and part.lower() not in _JOINED_BY_HYPHEN
    )


def _words(texts: Sequence[str]) -> frozenset[str]:
    """Return the words that stand undivided in the lines; they tell how the divided ones are written."""
    found: set[str] = set()
    for text in texts:
        words = text.lower().split()
        found.update(word.strip(".,;:!?()[]\"'“”‘’") for word in words[1:-1])
    return frozenset(found)


def _between(text: str, following: str, spaced: bool) -> str:
    """Return the blank, or nothing, between two lines of one paragraph."""
    last, first = text[-1], following[0]
    if text.endswith(_ENDS_ADDRESS_PART) and _ADDRESS.search(text[-_LONGEST_ADDRESS:]):
        return ""
    if _is_wide(last) or _is_wide(first):
        mixed = (_is_letter(last) and first.isalnum()) or (_is_letter(first) and last.isalnum())
        return " " if spaced and mixed and _is_wide(last) != _is_wide(first) else ""
    if last in "—–" and not text[:-1].endswith(" "):
        return ""
    return " "


def _spaces_scripts(texts: Sequence[str]) -> bool:
    """Return whether blanks stand between Chinese and other words in most places inside the lines."""
    spaced = close = 0
    for text in texts:
        for one, other in pairwise(text):
            if _is_letter(one) != _is_letter(other) and one.isalnum() and other.isalnum():
                close += 1
        for one, middle, other in zip(text, text[1:], text[2:], strict=False):
            if middle == " " and _is_letter(one) != _is_letter(other) and one.isalnum() and other.isalnum():
                spaced += 1
    return spaced > close


def _breaks(line: _Placed, below: _Placed, edge: float) -> bool:
    """Return whether the line ends although the first word of the next one would have fitted."""
    if _on_row(line, below):
        return False
    within = below.text[0].islower() or line.text.endswith(("，", ",", "、", "-", "—"))
    needed = _first_word(below) + (_SLACK_WITHIN if within else _SLACK) * line.size
    return edge - line.end > needed


def _first_word(line: _Placed) -> float:
    """Return the width in pixels of what must stay together at the beginning of a line."""
    if _is_wide(line.text[0]):
        kept = line.text[:_KEPT_TOGETHER]
    else:
        kept = re.split(r"\s", line.text, maxsplit=1)[0]
        wide = next((at for at, char in enumerate(kept) if _is_wide(char)), len(kept))
        kept = kept[: max(1, wide)]
    return (line.end - line.start) * _extent(kept) / _extent(line.text)


def _extent(text: str) -> int:
    """Return the width of a text in half widths."""
    return sum(2 if _is_wide(char) else 1 for char in text)


def _edge(placed: Sequence[_Placed], at: int) -> float:
    """Return where the lines around that one end."""
    return max(line.end for line in placed[max(0, at - _NEAR) : at + _NEAR + 1])


def _on_row(line: _Placed, below: _Placed) -> bool:
    return (
        abs(below.across - line.across) < _ON_ROW * min(line.size, below.size)
        and below.start + below.end > line.start + line.end
    )


def _placed(lines: Sequence[Line]) -> list[_Placed]:
    """Return the lines along the direction in which most of their text runs."""
    vectors = [_run(line) for line in lines]
    along_x, along_y = sum(x for x, _ in vectors), sum(y for _, y in vectors)
    length = math.hypot(along_x, along_y) or 1.0
    along_x, along_y = along_x / length, along_y / length
    found = []
    for line in lines:
        alongs = [x * along_x + y * along_y for x, y in line.polygon]
        acrosses = [y * along_x - x * along_y for x, y in line.polygon]
        size = min(max(acrosses) - min(acrosses), max(alongs) - min(alongs))
        found.append(
            _Placed(line.text.strip(), min(alongs), max(alongs), (min(acrosses) + max(acrosses)) / 2, size)
        )
    return found


def _run(line: Line) -> tuple[float, float]:
    """Return the vector from the beginning to the end of a line; a column runs along its longer side."""
    (ax, ay), (bx, by), _, (dx, dy) = line.polygon
    along, down = (bx - ax, by - ay), (dx - ax, dy - ay)
    upright = math.hypot(*down) >= TALL * math.hypot(*along) and len(line.text.strip()) > 1
    return down if upright else along


def _is_wide(char: str) -> bool:
    """Return whether a sign stands on a Chinese or Japanese grid; Korean writes blanks between words."""
    return unicodedata.east_asian_width(char) in "WF" and not "\uac00" <= char <= "\ud7a3"


def _is_letter(char: str) -> bool:
    return is_han(char) or "\u3040" <= char <= "\u30ff"
