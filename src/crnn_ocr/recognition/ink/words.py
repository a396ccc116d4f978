"""Blanks of Latin text against the ink, pure.

Print has two kinds of white between letters: little within words, more between them. A recogniser's time
steps are too coarse to tell a narrow blank from wide-set letters, and it drops blanks of text that is set
tightly or shown small. Where the two kinds of white of a line are clearly apart, its blanks stand where the
wide ones are.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.recognition.network.recognizer import ReadChar, Reading

#: A line of fewer letters, or with fewer whites between its parts, does not tell what is usual in it.
_LEAST_LETTERS, _LEAST_WHITES = 8, 6
#: In lower letters, in pixels, the two kinds of white differ by a pixel or not at all.
_LEAST_HEIGHT = 12
#: So much of what is visible on it is Latin.
_LATIN_SHARE = 0.8
#: The white of blanks has on average so much of the letters' height, and so many times the other one.
_BLANK, _TIMES = 0.22, 2.2
#: A blank that was not read is so many times as wide as those that were, at least.
_AS_WIDE = 0.75
#: A blank is nowhere else than so many heights of the letters from the gap.
_NEAR = 0.6
#: Words have so many letters on average, or the letters of the line are set apart.
_LETTERS_PER_WORD = 2.0

#: Signs that stand close behind a word, and close before one.
_CLOSING, _OPENING = frozenset(",.;:!?)]}%\"'”’"), frozenset("([{\"'“‘$€£#@")


def has_words(reading: Reading) -> bool:
    """Return whether a line is Latin text of several letters."""
    visible = [char.text for char in reading.chars if not char.text.isspace()]
    letters = sum(_is_letter(text) for text in visible)
    latin = sum(map(_is_latin, visible))
    return letters >= _LEAST_LETTERS and latin >= _LATIN_SHARE * len(visible)


def space_words(reading: Reading, columns: NDArray[np.bool_], height: float) -> Reading:
    """Return a line of Latin text with its blanks where the ink has them.

    Args:
        reading: The line, tidied.
        columns: Which columns of its picture have ink (`ink_columns`).
        height: Of its letters, in pixels.

    Returns:
        The line with the same visible characters; as it was where its whites are not of two kinds.
    """
    if height < _LEAST_HEIGHT or not has_words(reading):
        return reading
    visible = [char for char in reading.chars if not char.text.isspace()]
    blanks = _blanks(reading.chars)
    width = len(columns)
    borders = [(left.end + right.start) / 2 * width for left, right in itertools.pairwise(visible)]
    gaps = _gaps(columns, [borders[i] for i in blanks], height)
    if len(gaps) * _LETTERS_PER_WORD > len(visible) or not gaps:
        return reading
    # Where a recogniser sees a blank a letter too early or too late, it is that of the nearest gap.
    seen = {_nearest(gaps, borders[i]) for i in blanks}
    for at in set(range(len(gaps))) - seen:
        i = _nearest(borders, gaps[at])
        near = abs(borders[i] - gaps[at]) <= _NEAR * height
        if near and i not in blanks and _may_part(visible[i].text, visible[i + 1].text):
            blanks[i] = replace(visible[i], text=" ", start=visible[i].end)
    chars: list[ReadChar] = []
    for i, char in enumerate(visible):
        chars += [char, blanks[i]] if i in blanks else [char]
    if len(chars) == len(reading.chars):
        return reading
    return Reading("".join(char.text for char in chars), reading.confidence, tuple(chars))


def _blanks(chars: Sequence[ReadChar]) -> dict[int, ReadChar]:
    """Return the blanks between the visible characters of a line, by the index of the one before each."""
    found: dict[int, ReadChar] = {}
    visible = -1
    for char, behind in itertools.pairwise(chars):
        if not char.text.isspace():
            visible += 1
        elif visible >= 0 and not behind.text.isspace():
            found[visible] = char
    return found


def _gaps(columns: NDArray[np.bool_], read: Sequence[float], height: float) -> list[float]:
    """Return the middles of the gaps between words; none where the whites are not of two kinds.

    Args:
        columns: Which columns have ink.
        read: Where blanks were read. They show how wide this line's blanks are.
        height: Of the letters.
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], columns, [False])))).tolist()
    whites = [(start, end) for start, end in zip(edges[1:-1:2], edges[2::2], strict=True)]
    limit = _limit(sorted(end - start for start, end in whites), height)
    if limit is None:
        return []
    known = [
        max(
            (end - start for start, end in whites if abs((start + end) / 2 - at) <= _NEAR * height), default=0
        )
        for at in read
    ]
    # Fixed pitch has two kinds of white within words, and only blanks that were read tell what is between.
    if not known:
        return []
    limit = max(limit, _AS_WIDE * statistics.median(known))
    return [(start + end) / 2 for start, end in whites if end - start > limit]


def _limit(whites: Sequence[int], height: float) -> float | None:
    """Return the white above which words end; None where the whites, ascending, are of one kind.

    The limit is Otsu's: whites on both of its sides differ as little as can be among themselves.
    """
    if len(whites) < _LEAST_WHITES:
        return None
    values = np.array(whites, np.float64)
    counts = np.arange(1, len(values))
    sums = np.cumsum(values)
    narrow = sums[:-1] / counts
    wide = (sums[-1] - sums[:-1]) / counts[::-1]
    at = int(np.argmax(counts * counts[::-1] * (wide - narrow) ** 2))
    apart = wide[at] >= _BLANK * height and wide[at] >= _TIMES * max(narrow[at], 1.0)
    return float(narrow[at] + wide[at]) / 2 if apart else None


def _nearest(places: Sequence[float], place: float) -> int:
    """Return the index of the place that is nearest to another one."""
    return min(range(len(places)), key=lambda i: abs(places[i] - place))


def _may_part(left: str, right: str) -> bool:
    """Return whether people write a blank between two characters; within numbers it is not decided here."""
    if (left.isdigit() and right.isdigit()) or not (_is_latin(left) and _is_latin(right)):
        return False
    return left not in _OPENING and right not in _CLOSING


def _is_latin(text: str) -> bool:
    """Return whether a character belongs to Latin text."""
    return text.isascii() or _is_letter(text)


def _is_letter(text: str) -> bool:
    """Return whether a character is a Latin letter: Unicode's first three blocks of them."""
    return text.isalpha() and text < "\u0250"
