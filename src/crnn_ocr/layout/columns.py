"""Columns of text or cells of rows? The evidence on both sides of a gutter.

A two-column paper and a two-column form have the same white space; what differs is what stands beside it.
Text in columns has long lines of equal length in close succession, and its lines stand on common rows only
by chance or by a printer's grid. Cells are short, of unequal length, apart, and stand on common rows. Each
sign gives points; their sum decides.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, quantiles

from crnn_ocr.layout.frame import Box
from crnn_ocr.layout.rows import aligned
from crnn_ocr.layout.sections import Interval, Section, Strip, strips

#: White space up to this many line heights belongs to a line (a list's number, justified words).
_WORD_GAP = 1.5
#: Length at which lines count neither as cells nor as text, and the length over it that gives full points.
_LENGTH, _LENGTH_SPAN, _LENGTH_POINTS = 9.0, 7.0, 2.0
#: The share of full lines likewise.
_FULL, _FULL_POINTS = 0.5, 3.0
#: The share of lines that stand on common rows likewise; lines to trust it.
_ROWS, _ROWS_POINTS, _ROWS_LINES = 0.65, 4.0, 3
#: Line pitch in line heights likewise.
_PITCH, _PITCH_POINTS = 1.7, 0.7
#: Gutters wider than this many line heights speak for cells.
_WIDE_GUTTER, _WIDE_POINTS = 6.0, 1.0
#: White space, in line heights, that sets a running head or foot apart from the columns.
_APART = 1.2
#: Fewer points than this are certain rows.
_SURE_ROWS = -0.5
#: Lines that both sides need, or else one side alone.
_MIN_LINES, _ALONE = 2, 4


@dataclass(frozen=True, slots=True)
class Gutter:
    """A gutter between columns of text.

    Attributes:
        x: Its middle.
        parts: Boxes above the columns, of the columns, below the columns.
    """

    x: float
    parts: tuple[list[Box], list[Box], list[Box]]


@dataclass(frozen=True, slots=True)
class _Column:
    """The lines on one side of a gutter, from top to bottom; fragments of a line are joined."""

    lines: list[Box]

    @property
    def length(self) -> float:
        """Length of its long lines."""
        return _upper([line.width for line in self.lines])

    @property
    def full(self) -> float:
        """Share of lines that fill the column from edge to edge, give or take a character or an indent."""
        left = -_upper([-line.left for line in self.lines])
        right = _upper([line.right for line in self.lines])
        filling = [
            line.right > right - 0.06 * (right - left) - 0.6 * line.height
            and line.left < left + 0.06 * (right - left) + 0.6 * line.height
            for line in self.lines
        ]
        return sum(filling) / len(filling)

    @property
    def pitch(self) -> float:
        """Median distance of consecutive lines."""
        return median([below.middle - above.middle for above, below in pairwise(self.lines)] or [0.0])


def best_gutter(section: Section) -> Gutter | None:
    """The gutter of the section at which columns of text are most certain; None if it has rows of cells."""
    best, best_points = None, 0.0
    for gutter in section.gutters:
        first, last, points = _columns_only(section, gutter)
        if points > best_points:
            run = section.strips
            best = Gutter(
                (gutter[0] + gutter[1]) / 2,
                (_boxes(run[:first]), _boxes(run[first:last]), _boxes(run[last:])),
            )
            best_points = points
    return best


def _columns_only(section: Section, gutter: Interval) -> tuple[int, int, float]:
    """The strips, from first to before last, that are columns beside the gutter, and the points for it.

    White space cuts the section into pieces, of which some may be rows of cells; those end the columns.
    A single strip at either end (a running head, a page number) is left outside.
    """
    pieces = _pieces(section)
    scores = [
        _points(section.strips[first:last], gutter, section) if len(pieces) > 1 else None
        for first, last in pieces
    ]
    sure = [i for i, score in enumerate(scores) if score is not None and score > 0]
    begin, end = 0, len(pieces)
    if sure:
        begin, end = sure[0], sure[0] + 1
        while begin > 0 and not _are_rows(scores[begin - 1]):
            begin -= 1
        while end < len(pieces) and not _are_rows(scores[end]):
            end += 1
    first, last = pieces[begin][0], pieces[end - 1][1]
    if end - begin > 1 and begin == 0 and _lone(pieces[0]) and not _heads_columns(section, gutter):
        first = pieces[1][0]
    if end - begin > 1 and end == len(pieces) and _lone(pieces[-1]):
        last = pieces[-2][1]
    whole = _points(section.strips[first:last], gutter, section)
    return first, last, max([-1.0 if whole is None else whole, *(scores[i] or 0.0 for i in sure)])


def _are_rows(score: float | None) -> bool:
    return score is not None and score < _SURE_ROWS


def _lone(piece: tuple[int, int]) -> bool:
    return piece[1] - piece[0] == 1


def _heads_columns(section: Section, gutter: Interval) -> bool:
    """Whether the first strip has a heading for the column on each side of the gutter."""
    head, body = section.strips[0], _boxes(section.strips[1:])
    for low, high in ((-float("inf"), gutter[0]), (gutter[1], float("inf"))):
        heads = [box for box in head if low <= _centre(box) <= high]
        column = [box for box in body if low <= _centre(box) <= high]
        if not heads or not column:
            return False
        left, right = min(box.left for box in column), max(box.right for box in column)
        flush = abs(heads[0].left - left) < section.line_height
        if not flush and abs(heads[0].left + heads[-1].right - left - right) > 2 * section.line_height:
            return False
    return True


def _pieces(section: Section) -> list[tuple[int, int]]:
    """Cut the section's strips at wide white space; (first, behind last) of each piece."""
    cuts = [0]
    run = section.strips
    edge = -float("inf")
    for at, strip in enumerate(run):
        if at and min(box.top for box in strip) - edge > _APART * section.line_height:
            cuts.append(at)
        edge = max(edge, *(box.bottom for box in strip))
    return list(pairwise([*cuts, len(run)]))


def _boxes(run: Sequence[Strip]) -> list[Box]:
    return [box for strip in run for box in strip]


def _points(within: Sequence[Strip], gutter: Interval, section: Section) -> float | None:
    """Positive where columns of text stand on both sides; None where too little stands on one of them."""
    height = section.line_height
    low, high = -float("inf"), float("inf")
    for start, end in section.gutters:
        if end - start > _WORD_GAP * height:
            if end <= gutter[0]:
                low = max(low, start)
            elif start >= gutter[1]:
                high = min(high, end)
    boxes = _boxes(within)
    left = _column([box for box in boxes if low <= _centre(box) <= gutter[0]], height)
    right = _column([box for box in boxes if gutter[1] <= _centre(box) <= high], height)
    if left is None or right is None:
        return None
    fewer, more = sorted((left, right), key=lambda column: len(column.lines))
    if len(fewer.lines) < _MIN_LINES and len(more.lines) < _ALONE:
        return None
    points = _LENGTH_POINTS * _clamp((min(left.length, right.length) / height - _LENGTH) / _LENGTH_SPAN)
    points += _FULL_POINTS * (min(left.full, right.full) - _FULL)
    points += _PITCH_POINTS * _clamp(2 * (_PITCH - max(left.pitch, right.pitch) / height))
    if gutter[1] - gutter[0] > _WIDE_GUTTER * height:
        points -= _WIDE_POINTS
    if len(fewer.lines) >= _ROWS_LINES:
        points += _ROWS_POINTS * (_ROWS - _on_common_rows(fewer.lines, more.lines))
    else:
        points -= 1.0
    return points


def _column(boxes: Sequence[Box], height: float) -> _Column | None:
    """Join what stands on one row without much white space between."""
    lines: list[Box] = []
    if not boxes:
        return None
    for strip in strips(boxes):
        row: list[Box] = []
        for box in strip:
            if row and aligned(row[-1], box) and box.left - row[-1].right < _WORD_GAP * height:
                last = row[-1]
                row[-1] = Box(
                    last.left, min(last.top, box.top), max(last.right, box.right),
                    max(last.bottom, box.bottom), (),
                )  # fmt: skip
            else:
                row.append(box)
        lines.extend(row)
    return _Column(sorted(lines, key=lambda box: (box.middle, box.left)))


def _on_common_rows(fewer: Sequence[Box], more: Sequence[Box]) -> float:
    """Share of the lines of the emptier column that stand on a row with one of the other."""
    middles = [box.middle for box in more]
    found = 0
    for box in fewer:
        at = bisect_left(middles, box.middle)
        found += any(aligned(box, other) for other in more[max(0, at - 1) : at + 1])
    return found / len(fewer)


def _upper(values: Sequence[float]) -> float:
    """The ninth decile: the largest value but for outliers."""
    return quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else values[0]


def _centre(box: Box) -> float:
    return (box.left + box.right) / 2


def _clamp(value: float) -> float:
    return max(-1.0, min(1.0, value))
