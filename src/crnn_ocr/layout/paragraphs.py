"""Cut rows in reading order into blocks: paragraphs, headings, runs of table rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from crnn_ocr.layout.frame import Box
from crnn_ocr.layout.sections import Strip

#: White space above a new block: more than this many times the usual white, and this many line heights more
#: than it.
_WIDER, _MORE = 1.6, 0.35
#: White space that always begins a block, in line heights.
_WIDE = 1.5
#: Ratio of heights above which a line does not continue the line above it.
_HEIGHT_RATIO = 1.45
#: Least indent of a paragraph's first line, in line heights.
_INDENT = 1.0


def paragraphs(rows: Sequence[Strip]) -> list[list[Box]]:
    """Cut rows into blocks where white space, the text's height or an indent starts a new one."""
    if not rows:
        return []
    usual = median([max(0.0, _white(above, below)) for above, below in pairwise(rows)] or [0.0])
    right = max(box.right for row in rows for box in row)
    blocks = [list(rows[0])]
    for above, below in pairwise(rows):
        if _begins(above, below, usual, right):
            blocks.append(list(below))
        else:
            blocks[-1].extend(below)
    return blocks


def _begins(above: Strip, below: Strip, usual: float, right: float) -> bool:
    """Return whether a block begins with the row `below`."""
    size, former = _height(below), _height(above)
    white = _white(above, below)
    if white > _WIDE * max(size, former) or white > max(_WIDER * usual, usual + _MORE * size):
        return True
    if max(size, former) > _HEIGHT_RATIO * min(size, former):
        return True
    if len(above) > 1 or len(below) > 1:
        return False
    indented = below[0].left - above[0].left > _INDENT * size
    ended = right - above[0].right > 2 * _INDENT * size
    return indented and (ended or right - below[0].right < _INDENT * size)


def _white(above: Strip, below: Strip) -> float:
    return min(box.top for box in below) - max(box.bottom for box in above)


def _height(row: Strip) -> float:
    return median(box.height for box in row)
