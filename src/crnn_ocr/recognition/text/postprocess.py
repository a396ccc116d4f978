"""Post-process a reading: character widths, blanks, thousands separators and check boxes (pure functions)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from crnn_ocr.recognition.ink.widths import halved
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading
from crnn_ocr.recognition.text.spacing import is_needless

_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:[.,]\d{3}){2,}([.,])\d{1,2}(?![\d.,])")
"""A number with thousands separators and one or two decimals; the group is the decimal separator."""

_BOXES = frozenset("□■☐☑☒▪▫◻◼")
"""Check boxes before the choices of a form."""
_BOX_OF = {"口": "□", "▪": "■", "▫": "□"}
"""Characters that a box is mistaken for, and the box: the character for mouth, and small squares."""


def tidy(reading: Reading) -> Reading:
    """Convert digits, letters and `%` to half width, unify separators and boxes, and clean up blanks.

    See `_grouped_alike`, `_boxes_alike` and `spaced`.
    """
    chars = _boxes_alike(_grouped_alike(halved(reading.chars)))
    return spaced(replace(reading, chars=tuple(chars)))


def spaced(reading: Reading) -> Reading:
    """Return a reading with single blanks only, and none at its ends or beside full-width signs.

    See `spacing.is_needless` for blanks beside full-width signs. The text always equals the joined
    characters.
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
    """Unify the thousands separators of a number: `79,651.862.50` can only be `79,651,862.50`.

    In small print a comma and a point differ by only a pixel or two. But a number uses one of them between
    thousands and the other before the decimals. If both occur between thousands, one of them was misread.
    Numbers with the same sign throughout stay as they are, because IP addresses and version numbers look like
    that.
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
    """Restore the check boxes before the choices of a form: `▪是 口否` becomes `■是 □否`.

    The character 口 counts as a box only if the line has another box and 口 also stands before a word, at the
    start of the line or behind a blank.
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
