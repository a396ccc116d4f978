"""Recognise blanks that are really the empty half of a full-width sign (pure functions).

`，` and `）` fill one half of their cell, `（` fills the other. Nobody types a blank on either side: none of
729 such signs in the labels of `lines_zh` and `pages_zh` has one. But a recogniser that saw spaces of all
widths in training mistakes some of the empty halves for a blank. (Blanks between digits are decided by their
ink; see `numbers`.)
"""

from __future__ import annotations

from crnn_ocr.recognition.network.charset import is_han

_CLOSING = frozenset("，。、；：！？）》〉」』】〕")
_OPENING = frozenset("（《〈「『【〔")
#: Half-width signs; behind Han characters they are `，；！？）` that were read in the narrow form.
_NARROW_CLOSING = frozenset(",;!?)")


def is_needless(before: str, after: str) -> bool:
    """Return whether a blank between two characters is the empty half of a full-width sign.

    Args:
        before: The character to the left of the blank.
        after: The character to the right of it.
    """
    signs = _CLOSING | _OPENING
    return before in signs or after in signs or (after in _NARROW_CLOSING and is_han(before))
