"""Groups the words of a table into rows of text: bands that white space divides from top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crnn_ocr.tables.words import Word

#: Share of the lower of two words by which they overlap if they stand in one row. A word in the middle of two
#: lines overlaps each by 0.3 and more.
_SHARED = 0.25


@dataclass(frozen=True, slots=True)
class TextRow:
    """Words side by side.

    Attributes:
        top: The top of its highest word.
        bottom: The bottom of its lowest word.
        words: Its words from left to right.
    """

    top: float
    bottom: float
    words: tuple[Word, ...]

    @property
    def middle(self) -> float:
        """Its middle from top to bottom."""
        return (self.top + self.bottom) / 2


def text_rows(words: Sequence[Word], height: float) -> list[TextRow]:
    """Return the rows of text from top to bottom.

    Words share a row if their boxes overlap by more than a quarter of the lower one. A word beside two rows,
    like a number in the middle of a row whose first cell has two lines, joins them: they are one row of the
    table.

    Args:
        words: Words with upright boxes.
        height: Typical height of text in pixels.
    """
    bands: list[tuple[float, float, list[Word]]] = []
    # Words that are much higher than the others, such as vertical ones, would join everything beside them.
    usual = [word for word in words if word.box[3] - word.box[1] <= 1.9 * height]
    for word in sorted(usual, key=lambda word: (word.level, word.box[0], word.line)):
        # The boxes of small text are found higher than it is; rows must not grow together by that.
        half = min(word.box[3] - word.box[1], height) / 2
        top, bottom = word.level - half, word.level + half
        if bands:
            last_top, last_bottom, members = bands[-1]
            shared = min(bottom, last_bottom) - max(top, last_top)
            if shared > _SHARED * min(bottom - top, last_bottom - last_top):
                bands[-1] = (min(top, last_top), max(bottom, last_bottom), [*members, word])
                continue
        bands.append((top, bottom, [word]))
    for word in sorted(set(words) - set(usual), key=lambda word: (word.level, word.box[0], word.line)):
        near = [band for band in bands if band[0] < word.level < band[1]]
        if near:
            near[0][2].append(word)
        else:
            bands.append((word.level - height / 2, word.level + height / 2, [word]))
    bands.sort(key=lambda band: (band[0], band[1]))
    return [
        TextRow(top, bottom, tuple(sorted(members, key=lambda word: (word.box[0], word.line, word.first))))
        for top, bottom, members in bands
    ]
