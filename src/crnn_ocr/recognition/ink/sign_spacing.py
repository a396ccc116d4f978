"""The room of a sign: how much white its cell leaves beside it, measured on the picture; pure.

A sign of full width fills one half of its cell and leaves the other one empty. Where characters stand on both
sides this can be seen, whatever a recogniser took the sign for.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from crnn_ocr.recognition.ink.components import Part
from crnn_ocr.recognition.network.charset import is_han
from crnn_ocr.recognition.network.recognizer import Reading

OPENING, CLOSING = frozenset("(（"), frozenset(")）")
BRACKETS = OPENING | CLOSING
#: Others are too wide for their ink to tell one width from the other.
_DOTS = frozenset(",:;")

#: Height of the ink of Han characters, in cells.
_HAN_HEIGHT = 0.9
#: Ink of at least this share of the highest part's height is that of characters.
_TALL = 0.7
#: Ink of a sign, in cells: how wide at most; how high a comma at most, a bracket at least; where a comma ends
#: at the earliest, from the foot of the characters.
_WIDEST, _WIDEST_BRACKET = 0.33, 0.45
_COMMA_HEIGHT, _BRACKET_HEIGHT = 0.45, 0.7
_FOOT = 0.25
#: How far off a recogniser may see a sign, in cells.
_BLUR = 0.7


def is_measurable(reading: Reading) -> bool:
    """Return whether a line has signs whose room is of use."""
    return next(_measurable(reading), None) is not None


def measure_spacing(reading: Reading, parts: Sequence[Part], width: int) -> dict[int, float]:
    """Return the room of the signs of a line that has Han characters.

    Args:
        reading: The line.
        parts: The ink of its picture, from left to right.
        width: Width of that picture in pixels.

    Returns:
        By the index of a sign, in cells of a Han character: of a bracket, the white outside of the pair; of a
        `,`, `:` or `;`, what is between the ink of its neighbours. Signs at the ends of the line and those
        that are not found in the ink are missing.
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
    """Give the indices of signs whose room is of use."""
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
        # Quotes and full-width signs have white of their own.
        elif text in _DOTS and _fills_its_cell(before) and _fills_its_cell(after):
            yield at


def _fills_its_cell(text: str) -> bool:
    return is_han(text) or (text.isascii() and text != "")


def _looks_like(text: str, part: Part, cell: float, foot: float) -> bool:
    """Return whether a part can be the ink of a sign."""
    if text in BRACKETS:
        return part.width <= _WIDEST_BRACKET * cell and part.height >= _BRACKET_HEIGHT * cell
    if part.width > _WIDEST * cell:
        return False
    if text == ",":
        return part.height < _COMMA_HEIGHT * cell and part.bottom > foot - _FOOT * cell
    return part.pieces > 1


def _whole(parts: Sequence[Part], at: int, cell: float) -> tuple[int, int]:
    """Return the first and the last part of a sign: thin print breaks a bracket into pieces that overlap."""
    first = last = at
    while first > 0 and _are_one(parts[first - 1], parts[first], parts[last], cell):
        first -= 1
    while last + 1 < len(parts) and _are_one(parts[last + 1], parts[last], parts[first], cell):
        last += 1
    return first, last


def _are_one(other: Part, near: Part, far: Part, cell: float) -> bool:
    """Return whether a part next to a sign overlaps it and is no more than the rest of it."""
    touching = min(other.right, near.right) >= max(other.left, near.left)
    width = max(other.right, near.right, far.right) - min(other.left, near.left, far.left)
    return touching and width <= _WIDEST_BRACKET * cell
