"""Blanks of Latin text against the ink, pure.

Print has two kinds of white between letters: little within words, more between them. A recogniser's time steps
are too coarse to tell a narrow blank from wide-set letters, and it drops blanks of text that is set tightly or
shown small: of 216 lines of English in eight faces 81 had lost one or more. Where the two kinds of white of a
line are clearly apart, its blanks stand where the wide ones are.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import replace

from crnn_ocr.recognition.ink import Part
from crnn_ocr.recognition.recognizer import ReadChar, Reading

#: A line of fewer letters, or with fewer whites between its parts, does not tell what is usual in it.
_LEAST_LETTERS, _LEAST_WHITES = 8, 6
#: So much of what is visible on it is Latin.
_LATIN_SHARE = 0.8
#: The white of a blank has at least so much of the letters' height, that within words at most so much; and so
#: much lies between the widest of the one kind and the narrowest of the other, in heights and in pixels.
_BLANK, _WITHIN, _APART, _APART_PIXELS = 0.22, 0.6, 0.08, 1.5
#: Words have so many letters on average, or the letters of the line are set apart.
_LETTERS_PER_WORD = 2.0
#: What has so much of the height of the highest part counts for the height of the letters.
_TALL = 0.6

_BEFORE = frozenset(",.;:!?)]}%\"'”’")
_BEHIND = frozenset("([{\"'“‘$€£#&")


def has_words(reading: Reading) -> bool:
    """Return whether a line is Latin text of several letters."""
    visible = [char.text for char in reading.chars if not char.text.isspace()]
    letters = sum(_is_letter(text) for text in visible)
    latin = sum(text.isascii() or _is_letter(text) for text in visible)
    return letters >= _LEAST_LETTERS and latin >= _LATIN_SHARE * len(visible)


def space_words(reading: Reading, parts: Sequence[Part], width: int) -> Reading:
    """Return a line of Latin text with its blanks where the ink has them.

    Args:
        reading: The line, tidied.
        parts: The ink of its picture, from left to right.
        width: Width of that picture in pixels.

    Returns:
        The line with the same visible characters; as it was where its whites are not of two kinds.
    """
    words = _ink_words(parts)
    if len(words) < 2 or not has_words(reading):
        return reading
    visible = [char for char in reading.chars if not char.text.isspace()]
    if len(words) * _LETTERS_PER_WORD > len(visible):
        return reading
    places = [_nearest(words, (char.start + char.end) / 2 * width) for char in visible]
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
        elif blank is not None and before == behind and _is_letter(left.text) and _is_letter(right.text):
            blank = None
        chars += [right] if blank is None else [blank, right]
    if len(chars) == len(reading.chars):
        return reading
    return Reading("".join(char.text for char in chars), reading.confidence, tuple(chars))


def _ink_words(parts: Sequence[Part]) -> list[tuple[int, int]]:
    """Return (left, right) of what stands together; one word where the whites are not of two kinds."""
    if not parts:
        return []
    tall = _TALL * max(part.height for part in parts)
    height = statistics.median(part.height for part in parts if part.height >= tall)
    edges = list(itertools.accumulate((part.right for part in parts), max))
    whites = [part.left - edge for edge, part in zip(edges, parts[1:], strict=False)]
    limit = _limit(sorted(white for white in whites if white > 0), height)
    words = [(parts[0].left, edges[0])]
    for white, edge, part in zip(whites, edges[1:], parts[1:], strict=True):
        if limit is not None and white > limit:
            words.append((part.left, edge))
        else:
            words[-1] = (words[-1][0], edge)
    return words


def _limit(whites: Sequence[int], height: float) -> float | None:
    """Return the white above which words end; None where the whites, ascending, are of one kind."""
    if len(whites) < _LEAST_WHITES:
        return None
    steps = [
        (wide - narrow, (wide + narrow) / 2)
        for narrow, wide in itertools.pairwise(whites)
        if wide >= _BLANK * height and narrow <= _WITHIN * height
    ]
    step, limit = max(steps, default=(0, 0.0))
    return limit if step >= max(_APART * height, _APART_PIXELS) else None


def _nearest(words: Sequence[tuple[int, int]], place: float) -> int:
    """Return the index of the word in which a place lies, or to which it is nearest."""
    return min(range(len(words)), key=lambda i: max(words[i][0] - place, place - words[i][1], 0.0))


def _may_part(left: str, right: str) -> bool:
    """Return whether people write a blank between two characters."""
    return (left.isalnum() or left in _BEFORE) and (right.isalnum() or right in _BEHIND)


def _is_letter(text: str) -> bool:
    """Return whether a character is a Latin letter: Unicode's first three blocks of them."""
    return text.isalpha() and text < "\u0250"
