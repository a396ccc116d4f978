"""Blanks of Latin text against the ink, pure.

Print has two kinds of white between letters: little within words, more between them. A recogniser's time
steps are too coarse to tell a narrow blank from wide-set letters, and it drops blanks of text that is set
tightly or shown small. Where the two kinds of white of a line are clearly apart, its blanks stand where the
wide ones are.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.recognition.recognizer import ReadChar, Reading

#: A line of fewer letters, or with fewer whites between its parts, does not tell what is usual in it.
_LEAST_LETTERS, _LEAST_WHITES = 8, 6
#: So much of what is visible on it is Latin.
_LATIN_SHARE = 0.8
#: The white of blanks has on average so much of the letters' height, and so many times the other one.
_BLANK, _TIMES = 0.22, 2.2
#: Words have so many letters on average, or the letters of the line are set apart.
_LETTERS_PER_WORD = 2.0

#: Signs that stand close behind a word, and close before one.
_CLOSING, _OPENING = frozenset(",.;:!?)]}%”’"), frozenset("([{“‘$€£#@")


def has_words(reading: Reading) -> bool:
    """Return whether a line is Latin text of several letters."""
    visible = [char.text for char in reading.chars if not char.text.isspace()]
    letters = sum(_is_letter(text) for text in visible)
    latin = sum(text.isascii() or _is_letter(text) for text in visible)
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
    words = _ink_words(columns, height)
    if len(words) < 2 or not has_words(reading):
        return reading
    visible = [char for char in reading.chars if not char.text.isspace()]
    if len(words) * _LETTERS_PER_WORD > len(visible):
        return reading
    places = [_nearest(words, (char.start + char.end) / 2 * len(columns)) for char in visible]
    places = list(itertools.accumulate(places, max))
    blank_behind = {
        id(left): right for left, right in itertools.pairwise(reading.chars) if right.text.isspace()
    }
    chars: list[ReadChar] = [visible[0]]
    for (left, right), (before, behind) in zip(
        itertools.pairwise(visible), itertools.pairwise(places), strict=True
    ):
        blank = blank_behind.get(id(left))
        if blank is None and before != behind and _may_part(left.text, right.text):
            blank = replace(left, text=" ", start=left.end)
        chars += [right] if blank is None else [blank, right]
    if len(chars) == len(reading.chars):
        return reading
    return Reading("".join(char.text for char in chars), reading.confidence, tuple(chars))


def _ink_words(columns: NDArray[np.bool_], height: float) -> list[tuple[int, int]]:
    """Return (left, right) of what stands together; one word where the whites are not of two kinds."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], columns, [False])))).tolist()
    strokes = list(zip(edges[::2], edges[1::2], strict=True))
    limit = _limit(sorted(right[0] - left[1] for left, right in itertools.pairwise(strokes)), height)
    words: list[tuple[int, int]] = []
    for left, right in strokes:
        if words and (limit is None or left - words[-1][1] <= limit):
            words[-1] = (words[-1][0], right)
        else:
            words.append((left, right))
    return words


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


def _nearest(words: Sequence[tuple[int, int]], place: float) -> int:
    """Return the index of the word in which a place lies, or to which it is nearest."""
    return min(range(len(words)), key=lambda i: max(words[i][0] - place, place - words[i][1], 0.0))


def _may_part(left: str, right: str) -> bool:
    """Return whether people write a blank between two characters."""
    return left not in _OPENING and right not in _CLOSING


def _is_letter(text: str) -> bool:
    """Return whether a character is a Latin letter: Unicode's first three blocks of them."""
    return text.isalpha() and text < "\u0250"
