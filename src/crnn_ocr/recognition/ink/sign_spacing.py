"""Measure the white space beside a sign, which tells full width from half width (pure functions).

A full-width sign fills one half of its cell and leaves the other half empty. If there are characters on both
sides, this spacing can be measured, whichever form a recogniser has read.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from crnn_ocr.recognition.ink.components import Part
from crnn_ocr.recognition.network.charset import is_han
from crnn_ocr.recognition.network.recognizer import Reading

OPENING, CLOSING = frozenset("(（"), frozenset(")）")
BRACKETS = OPENING | CLOSING
#: Stops whose ink is narrow enough to tell the two widths apart.
_DOTS = frozenset(",:;")

#: Height of the ink of Han characters, in cells.
_HAN_HEIGHT = 0.9
#: Parts of at least this share of the highest part's height are characters.
_TALL = 0.7
#: Ink of a sign, in cells: greatest width of a stop and of a bracket; greatest height of a comma and least
#: height of a bracket; and greatest distance of a comma's bottom above the baseline.
_WIDEST, _WIDEST_BRACKET = 0.33, 0.45
_COMMA_HEIGHT, _BRACKET_HEIGHT = 0.45, 0.7
_FOOT = 0.25
#: Greatest distance between a sign's ink and the position that was read, in cells.
_BLUR = 0.7


def is_measurable(reading: Reading) -> bool:
    """Return whether a line has signs whose spacing is useful."""
    return next(_measurable(reading), None) is not None


def measure_spacing(reading: Reading, parts: Sequence[Part], width: int) -> dict[int, float]:
    """Measure the spacing of the signs of a line that has Han characters.

    Args:
        reading: The line.
        parts: The parts of its picture, from left to right.
        width: Width of that picture in pixels.

    Returns:
        The spacing by the index of the sign, in cells of a Han character. For a bracket it is the white space
        outside the pair; for `,`, `:` or `;` it is the distance between the ink of its neighbours. Signs at
        the ends of the line and signs that are not found in the ink are missing.
    """
    if not parts:
        return {}
    highest = max(part.height for part in parts)
    tall = [part for part in parts if part.height >= _TALL * highest]
    cell = statistics.median(part.height for part in tall) / _HAN_HEIGHT
    foot = statistics.median(part.bottom for part in tall)
    found = {}
    for at in _measurable(reading):
        char = reading.chars[at]
        place = (char.start + char.end) / 2 * width
        fitting = [
            i
            for i, part in enumerate(parts)
            if abs(part.centre - place) <= _BLUR * cell and _looks_like(char.text, part, cell, foot)
        ]
        if not fitting:
            continue
        first, last = _whole(parts, min(fitting, key=lambda i: abs(parts[i].centre - place)), cell)
        left = last if char.text in CLOSING else first - 1
        right = first if char.text in OPENING else last + 1
        if left >= 0 and right < len(parts):
            found[at] = (parts[right].left - parts[left].right) / cell
    return found


def _measurable(reading: Reading) -> Iterator[int]:
    """Yield the indices of signs whose spacing is useful."""
    chars = reading.chars
    if not any(is_han(char.text) for char in chars):
        return
    places = [i for i, char in enumerate(chars) if not char.text.isspace()]
    for k, at in enumerate(places):
        text = chars[at].text
        before = chars[places[k - 1]].text if k else ""
        after = chars[places[k + 1]].text if k + 1 < len(places) else ""
        if text in BRACKETS:
            if before if text in OPENING else after:
                yield at
        # Quotes and full-width signs bring white space of their own.
        elif text in _DOTS and _fills_its_cell(before) and _fills_its_cell(after):
            yield at


def _fills_its_cell(text: str) -> bool:
    return is_han(text) or (text.isascii() and text != "")


def _looks_like(text: str, part: Part, cell: float, foot: float) -> bool:
    """Return whether a part can be the ink of the sign `text`; `foot` is the baseline's row."""
    if text in BRACKETS:
        return part.width <= _WIDEST_BRACKET * cell and part.height >= _BRACKET_HEIGHT * cell
    if part.width > _WIDEST * cell:
        return False
    if text == ",":
        return part.height < _COMMA_HEIGHT * cell and part.bottom > foot - _FOOT * cell
    return part.pieces > 1


def _whole(parts: Sequence[Part], at: int, cell: float) -> tuple[int, int]:
    """Return the first and last part of a sign; thin print breaks a bracket into overlapping pieces."""
    first = last = at
    while first > 0 and _are_one(parts[first - 1], parts[first], parts[last], cell):
        first -= 1
    while last + 1 < len(parts) and _are_one(parts[last + 1], parts[last], parts[first], cell):
        last += 1
    return first, last


def _are_one(other: Part, near: Part, far: Part, cell: float) -> bool:
    """Return whether a part next to a sign overlaps it and both together are no wider than a bracket."""
    touching = min(other.right, near.right) >= max(other.left, near.left)
    width = max(other.right, near.right, far.right) - min(other.left, near.left, far.left)
    return touching and width <= _WIDEST_BRACKET * cell
