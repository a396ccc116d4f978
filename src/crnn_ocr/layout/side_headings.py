"""Find headings that stand beside the text to which they belong, in a margin of their own.

Such a page has a gutter, and lines on both sides share rows, as in a table. But the lines to the left are few
and short, in groups that begin where a paragraph to the right begins, and the lines to the right are long.
Then each heading is read as a whole, and its text after it.
"""

from __future__ import annotations

from heapq import nsmallest
from itertools import pairwise
from statistics import median

from crnn_ocr.layout.frame import Box
from crnn_ocr.layout.sections import Interval, Section

#: Only this many gutters, the widest ones, are examined.
_MOST_GUTTERS = 3
#: Most lines of one heading, and most share of the rows that have one.
_MOST_LINES, _MOST_ROWS = 4, 0.55
#: Least length of the text's lines, in line heights, and the heading's most share of it.
_LENGTH, _NARROWER = 12.0, 0.6
#: Least share of the rows to the right that are one line.
_SINGLE = 0.9
#: White space above a text beyond that between its lines, or at the end of the line before, in line heights.
_APART, _ENDS = 0.25, 2.0


def beside_headings(section: Section) -> list[list[Box]] | None:
    """Return the headings and their texts in reading order; None if the section has no such headings.

    Headings of one line are left to the reading by rows, which has the same result.
    """
    for gutter in nsmallest(
        _MOST_GUTTERS, section.gutters, key=lambda gutter: (gutter[0] - gutter[1], gutter)
    ):
        if (parts := _parts(section, gutter)) is not None:
            return parts
    return None


def _parts(section: Section, gutter: Interval) -> list[list[Box]] | None:
    height = section.line_height
    middle = (gutter[0] + gutter[1]) / 2
    rows = [
        (
            [box for box in strip if box.left + box.right <= 2 * middle],
            [box for box in strip if box.left + box.right > 2 * middle],
        )
        for strip in section.strips
    ]
    headed = [bool(left) for left, _ in rows]
    texts = [right for _, right in rows]
    if not headed[0] or not all(texts) or sum(headed) > _MOST_ROWS * len(rows) or height <= 0:
        return None
    starts = [at for at, has in enumerate(headed) if has and (at == 0 or not headed[at - 1])]
    counts = [sum(headed[start:end]) for start, end in pairwise([*starts, len(rows)])]
    if not 2 <= max(counts) <= _MOST_LINES:
        return None
    lines = [box for row in texts for box in row]
    if any(box.unit for left, right in rows for box in (*left, *right)):
        return None
    length = median(box.width for box in lines)
    heading = max(box.width for left, _ in rows for box in left)
    if length < _LENGTH * height or heading > _NARROWER * length:
        return None
    if sum(len(row) == 1 for row in texts) < _SINGLE * len(texts):
        return None
    edge = max(box.right for box in lines)
    whites = [below[0].top - above[0].bottom for above, below in pairwise(texts)]
    usual = median(whites)
    for start in starts[1:]:
        apart = whites[start - 1] > usual + _APART * height
        if not apart and edge - texts[start - 1][-1].right < _ENDS * height:
            return None
    parts: list[list[Box]] = []
    for start, end in pairwise([*starts, len(rows)]):
        parts.append([box for left, _ in rows[start:end] for box in left])
        parts.append([box for right in texts[start:end] for box in right])
    return parts
