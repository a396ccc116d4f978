"""Blanks that a network only believes to see, pure.

**The empty half of a full-width sign.** `，` and `）` fill one half of their cell, `（` the other; nobody
types a blank on either side, and of 729 such signs in the labels of `lines_zh` and `pages_zh` none has one.
A recogniser that saw spaces of all widths in training takes some of these halves for one. (Blanks between
digits are a matter of their ink: `numbers`.)
"""

from __future__ import annotations

from crnn_ocr.recognition.network.charset import is_han

_CLOSING = frozenset("，。、；：！？）》〉」』】〕")
_OPENING = frozenset("（《〈「『【〔")
#: Of half width, but behind Han characters they are `，；！？）` that were read in the narrow form.
_NARROW_CLOSING = frozenset(",;!?)")


def is_needless(before: str, after: str) -> bool:
    """Whether a blank between two characters is the empty half of a full-width sign.

    Args:
        before: The character on its left.
        after: The one on its right.
    """
    signs = _CLOSING | _OPENING
    return before in signs or after in signs or (after in _NARROW_CLOSING and is_han(before))
