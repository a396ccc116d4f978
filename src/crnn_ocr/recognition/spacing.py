"""Blanks that the network swallows, and blanks that it only believes to see, pure.

**Wide gaps between digits.** Recognisers are trained on running text, and glue groups of digits that stand
well apart (`25 29`, phone numbers, account numbers). Digits of one font share one width, so their pitch
tells where a blank belongs; letters do not, and there the same test does harm. Measured with
`ppocrv6-small` on 414 lines of `lines_zh` and 149 of `lines_latin`, lines exact with spaces: without 367
and 146, with digits 368 and 146, with letters as well 363 and 144.

**The empty half of a full-width sign.** `，` and `）` fill one half of their cell, `（` the other; nobody
types a blank there, and of 729 such signs in the labels of `lines_zh` and `pages_zh` none has one. A
recogniser that saw spaces of all widths in training takes some of these halves for one.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence

from crnn_ocr.recognition.charset import is_han

#: A gap this many times the usual distance between two digits holds a blank.
WIDE = 1.65
#: Fewer pairs of digits do not tell what is usual.
LEAST_PAIRS = 3

_DIGITS = frozenset("0123456789")
_CLOSING = frozenset("，。、；：！？）》〉」』】〕")
_OPENING = frozenset("（《〈「『【〔")
#: Of half width, but behind Han characters they are `，；！？）` that were read in the narrow form.
_NARROW_CLOSING = frozenset(",;!?)")


def missing_blanks(characters: Sequence[str], centres: Sequence[float]) -> frozenset[int]:
    """Behind which characters a blank is missing.

    Args:
        characters: One line's characters from left to right.
        centres: Their middles along the line, in any unit, ascending.

    Returns:
        Indices into `characters`; both that character and the next one are digits.
    """
    gaps = {
        index: right - left
        for index, (left, right) in enumerate(itertools.pairwise(centres))
        if characters[index] in _DIGITS and characters[index + 1] in _DIGITS
    }
    if len(gaps) < LEAST_PAIRS:
        return frozenset()
    usual = statistics.median(gaps.values())
    return frozenset(index for index, gap in gaps.items() if gap > WIDE * usual)


def is_needless(before: str, after: str) -> bool:
    """Whether a blank between two characters is the empty half of a full-width sign.

    Args:
        before: The character on its left.
        after: The one on its right.
    """
    if after in _CLOSING or before in _OPENING:
        return True
    return after in _NARROW_CLOSING and is_han(before)
