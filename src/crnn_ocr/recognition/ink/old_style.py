"""Recognise old-style figures, which differ in height as small letters do (pure functions).

`0`, `1` and `2` of such a typeface are as low as an `x`, `3 4 5 7 9` hang below the baseline, and `6`
and `8` rise above the others. So beside a figure that hangs, a low one looks like a superscript.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Sequence

from crnn_ocr.recognition.ink.components import Part

#: Figures that hang below the baseline.
HANGING = frozenset("34579")
#: Characters that stand on the baseline in every typeface.
_STANDING = frozenset("01268.abcdehiklmnorstuvwxzABCDEFGHIKLMNOPRSTUVWXYZ%&")
#: Least depth below the baseline of a figure that hangs, in its own heights; they have a third.
_DEPTH = 0.15
#: Least width of a low figure in widths of those that hang. Superscripts have two thirds, and so have ones.
_WIDTH = 0.8


def has_old_style_figures(
    texts: Sequence[str | None], parts: Sequence[Part], shifted: Collection[Part]
) -> bool:
    """Return whether the figures `3 4 5 7 9` of a line hang below its baseline.

    Where nothing in the line shows the baseline, the widths of shifted figures tell: superscripts are narrow.

    Args:
        texts: The character of each part; None if it is not known.
        parts: The parts of the line's picture.
        shifted: Those that look like superscripts or subscripts.
    """
    hanging, standing = (
        [part for text, part in zip(texts, parts, strict=True) if text in kind and part not in shifted]
        for kind in (HANGING, _STANDING)
    )
    if not hanging:
        return False
    if standing:
        nearest = [min(standing, key=lambda other: abs(other.centre - part.centre)) for part in hanging]
        depths = [
            (part.bottom - other.bottom) / part.height for part, other in zip(hanging, nearest, strict=True)
        ]
        return statistics.median(depths) >= _DEPTH
    usual = statistics.median(part.width for part in hanging)
    return any(
        part.width >= _WIDTH * usual
        for text, part in zip(texts, parts, strict=True)
        if part in shifted and text is not None and text.isdigit()  # a minus is wide anyway
    )
