"""Restore the blanks of Latin text from the ink (pure functions).

Printed letters have small gaps within words and larger gaps between words. A recogniser's time steps are too
coarse to tell a narrow blank from widely spaced letters, and it drops blanks in tightly set or small text. If
the two kinds of gaps of a line differ clearly, its blanks belong where the wide gaps are.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.recognition.network.recognizer import ReadChar, Reading

#: Least number of letters, and of gaps between components, from which a line's usual gaps can be told.
_LEAST_LETTERS, _LEAST_WHITES = 8, 6
#: Least height of letters in pixels; in lower ones the two kinds of gaps differ by a pixel or not at all.
_LEAST_HEIGHT = 12
#: Least share of Latin characters among the visible ones of a line.
_LATIN_SHARE = 0.8
#: Least mean width of the wide gaps: in heights of the letters, and as a multiple of the mean narrow gap.
_BLANK, _TIMES = 0.22, 2.2
#: Least width of a blank that was not read, as a multiple of the median blank that was read.
_AS_WIDE = 0.75
#: Greatest distance between a gap and its blank, in heights of the letters.
_NEAR = 0.6
#: Least mean number of letters per word; if there are fewer, the letters of the line are spaced out.
_LETTERS_PER_WORD = 2.0

#: Signs directly behind a word, and directly before a word.
_CLOSING, _OPENING = frozenset(",.;:!?)]}%\"'”’"), frozenset("([{\"'“‘$€£#@")


def has_words(reading: Reading) -> bool:
    """Return whether a line is Latin text with enough letters for `space_words`."""
    visible = [char.text for char in reading.chars if not char.text.isspace()]
    letters = sum(_is_letter(text) for text in visible)
    latin = sum(map(_is_latin, visible))
    return letters >= _LEAST_LETTERS and latin >= _LATIN_SHARE * len(visible)


def space_words(reading: Reading, columns: NDArray[np.bool_], height: float) -> Reading:
    """Return a line of Latin text with blanks where its ink has wide gaps.

    Args:
        reading: The line after `tidy`.
        columns: (W,) bool, whether each column of its crop has ink (`ink_columns`).
        height: Height of its letters in pixels.

    Returns:
        The line with the same visible characters; unchanged if it does not have two kinds of gaps.
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
    # A blank that was read one letter too early or too late belongs to the nearest gap.
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
    """Return the blanks between the visible characters, by the index of the visible character before each."""
    found: dict[int, ReadChar] = {}
    visible = -1
    for char, behind in itertools.pairwise(chars):
        if not char.text.isspace():
            visible += 1
        elif visible >= 0 and not behind.text.isspace():
            found[visible] = char
    return found


def _gaps(columns: NDArray[np.bool_], read: Sequence[float], height: float) -> list[float]:
    """Return the middles of the gaps between words, in pixels; none if there are not two kinds of gaps.

    Args:
        columns: (W,) bool, whether each column has ink.
        read: Positions of the blanks that were read, in pixels; they show how wide this line's blanks are.
        height: Height of the letters in pixels.
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
    # Fixed-pitch type has two kinds of gaps even within words, so only blanks that were read tell their
    # width.
    if not known:
        return []
    limit = max(limit, _AS_WIDE * statistics.median(known))
    return [(start + end) / 2 for start, end in whites if end - start > limit]


def _limit(whites: Sequence[int], height: float) -> float | None:
    """Return the width of a gap above which a word ends; None if the gaps, ascending, are of one kind.

    The limit is Otsu's threshold, which minimises the variance of the gaps on each side.
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
    """Return the index of the position nearest to `place`."""
    return min(range(len(places)), key=lambda i: abs(places[i] - place))


def _may_part(left: str, right: str) -> bool:
    """Return whether a blank may be between two characters; blanks within numbers are decided elsewhere."""
    if (left.isdigit() and right.isdigit()) or not (_is_latin(left) and _is_latin(right)):
        return False
    return left not in _OPENING and right not in _CLOSING


def _is_latin(text: str) -> bool:
    """Return whether a character belongs to Latin text."""
    return text.isascii() or _is_letter(text)


def _is_letter(text: str) -> bool:
    """Return whether a character is a letter in one of Unicode's first four Latin blocks."""
    return text.isalpha() and text < "\u0250"
