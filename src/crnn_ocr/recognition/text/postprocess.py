"""What is done to a reading before anyone sees it, pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from crnn_ocr.recognition.ink.widths import halved
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading
from crnn_ocr.recognition.text.spacing import is_needless

_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[.,]\d{3}){2,}([.,])\d{1,2}(?![\d.,])")
"""A number with thousands apart and one or two decimals; the group is the sign before these."""

_BOXES = frozenset("□■☐☑☒▪▫◻◼")
"""What stands before the choices of a form."""
_BOX_OF = {"口": "□", "▪": "■", "▫": "□"}
"""What a box is taken for, and what it is: the character for mouth, and squares that are smaller in print."""


def tidy(reading: Reading) -> Reading:
    """Bring digits, letters and `%` to half width, signs of one kind to one sign, and blanks to order.

    See `_grouped_alike`, `_boxes_alike` and `spaced`.
    """
    chars = _boxes_alike(_grouped_alike(halved(reading.chars)))
    return spaced(replace(reading, chars=tuple(chars)))


def spaced(reading: Reading) -> Reading:
    """One kind of blank, never two in a row, none at the ends or at full-width signs.

    See `spacing.is_needless` for what a blank at a full-width sign is. Characters and text stay in step.
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


def _grouped_alike(chars: Sequence[ReadChar]) -> Sequence[ReadChar]:
    """Bring the signs between thousands of a number to one: `79,651.862.50` can only be `79,651,862.50`.

    A comma and a point differ by a pixel or two in small print, but only one of the two stands between
    thousands, and the other before the decimals. Where both stand between thousands, one of them was misread.
    Numbers that have a single sign throughout are left alone: addresses of the net and versions look so.
    """
    text = "".join(char.text for char in chars)
    if len(text) != len(chars):
        return chars
    mended = list(chars)
    for number in _GROUPED.finditer(text):
        places = [at for at in range(number.start(), number.start(1)) if text[at] in ".,"]
        if len({text[at] for at in places}) == 2:
            sign = "," if number.group(1) == "." else "."
            for at in places:
                mended[at] = replace(chars[at], text=sign)
    return mended


def _boxes_alike(chars: Sequence[ReadChar]) -> Sequence[ReadChar]:
    """Bring the boxes before the choices of a form to one kind: `▪是 口否` is `■是 □否`.

    The character 口 is a box only in company: where another box stands before a word of the line, and it
    stands before a word as well, at the line's begin or behind a blank.
    """
    fronts = [
        i
        for i, char in enumerate(chars[:-1])
        if (char.text in _BOXES or char.text in _BOX_OF) and (i == 0 or chars[i - 1].text.isspace())
    ]
    if len(fronts) < 2 or not any(chars[i].text in _BOXES for i in fronts):
        return chars
    mended = list(chars)
    for i in fronts:
        mended[i] = replace(chars[i], text=_BOX_OF.get(chars[i].text, chars[i].text))
    return mended
