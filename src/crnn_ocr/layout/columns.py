"""Columns of text or cells of rows? The evidence on both sides of a gutter.

A two-column paper and a two-column form have the same white space; what differs is what stands beside it.
Text in columns has long lines of equal length in close succession, and its lines stand on common rows only
by chance or by a printer's grid. Cells are short, of unequal length, apart, and stand on common rows. Each
sign gives points; their sum decides. What the lines say (`prose`) is a sign as well.
"""

from __future__ import annotations

import math
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
_LENGTH, _LENGTH_SPAN, _LENGTH_POINTS = 9.0, 4.0, 2.0
#: Points for each line that fills its column, and for each that ends early where its text goes on.
_FILLS, _ENDS_EARLY = 0.4, -0.8
#: The least and the most that they may sum up to.
_FULL_LEAST, _FULL_MOST = -2.0, 2.0
#: How far a line may end from its column's edge and still fill it: line heights, and share of the width.
_EDGE, _EDGE_SHARE = 0.6, 0.06
#: An indent, in line heights, begins a paragraph; more is no indent.
_INDENT, _MOST_INDENT = 1.0, 3.5
#: Lines that agree with their column's edges to this part of a line height are codes rather than text.
_EXACT = 0.25
#: Ratio of the sides' lengths that counts neither way, how much more gives full points, and these.
_EQUAL, _EQUAL_SPAN, _EQUAL_POINTS = 0.88, 0.08, 1.0
#: Points for each line that stands on a row with one of the other side, and for each that does not: the
#: logarithm of how much likelier that is in columns (45 of 100, by chance) than in rows (90 of 100).
_ON_ROW, _OFF_ROW = math.log(0.45 / 0.9), math.log(0.55 / 0.1)
#: Distance of the middles, in line heights, up to which lines stand on one row.
_OFF_MIDDLE = 0.3
#: The least and the most that they may sum up to; text may stand on a grid, and pages are curved.
_ROWS_LEAST, _ROWS_MOST = -1.5, 3.0
#: Lines that each side needs for lines off the rows to speak for columns.
_ROWS_LINES = 3
#: Line pitch, in line heights, that counts neither way; points for text that is closer, and farther apart.
_PITCH, _CLOSE_POINTS, _FAR_POINTS = 1.6, 1.2, 2.0
#: Points for each row on which cells of both sides begin; the least that they may sum up to.
_START, _STARTS_LEAST = -1.5, -4.5
#: The least and the most that what the lines of one side say may sum up to.
_PROSE_LEAST, _PROSE_MOST = -3.0, 2.0
#: The least that shape and words of the lines may sum up to where these do not stand on common rows.
_OFF_LEAST = -1.0
#: Width of a gutter, in line heights, that counts neither way.
_GUTTER, _GUTTER_POINTS = 2.3, 1.5
#: Lines shorter than this on both sides, in line heights, are cells whatever else is seen.
_TEXT, _NEVER = 5.0, -9.0
#: Only so many gutters are looked at, the widest ones: no page has more columns of text.
_MOST_GUTTERS = 12
#: White space, in line heights, that sets a running head or foot apart from the columns.
_APART = 1.2
#: Fewer points than this are certain rows.
_SURE_ROWS = -0.5
#: Lines that both sides need, or else one side alone.
_MIN_LINES, _ALONE = 2, 4
#: White space beyond the usual, in line heights, that parts two cells.
_CELLS_APART = 0.25


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
    def full(self) -> float | None:
        """Points for lines that fill the column from edge to edge; None if that tells nothing.

        A line of text goes on until the next word does not fit; only the last one of a paragraph ends early.
        A cell ends where it ends.
        """
        left = -_upper([-line.left for line in self.lines])
        right = _upper([line.right for line in self.lines])
        slack = _EDGE_SHARE * (right - left)
        points, spread = 0.0, 0.0
        for line, below in zip(self.lines, [*self.lines[1:], None], strict=True):
            short = right - line.right
            indent = line.left - left
            spread = max(spread, (abs(short) + abs(indent)) / max(line.height, 1e-9))
            if indent > slack + _MOST_INDENT * line.height:
                points += _ENDS_EARLY
            elif short < slack + _EDGE * line.height:
                points += _FILLS
            elif below is not None and below.left - left < _INDENT * line.height:
                points += _ENDS_EARLY
        return None if spread < _EXACT else max(_FULL_LEAST, min(_FULL_MOST, points))

    @property
    def prose(self) -> float:
        """Points for what its lines say."""
        return max(_PROSE_LEAST, min(_PROSE_MOST, sum(line.prose for line in self.lines)))

    @property
    def pitch(self) -> float:
        """Median distance of consecutive lines."""
        return median([below.middle - above.middle for above, below in pairwise(self.lines)] or [0.0])


def best_gutter(section: Section) -> Gutter | None:
    """The gutter of the section at which columns of text are most certain; None if it has rows of cells."""
    if section.line_height <= 0:  # boxes without height: nothing can be told from their distances
        return None
    best, best_points = None, 0.0
    widest = sorted(section.gutters, key=lambda gutter: (gutter[0] - gutter[1], gutter))[:_MOST_GUTTERS]
    for gutter in widest:
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
    if max(left.length, right.length) < _TEXT * height:
        return _NEVER
    length = min(left.length, right.length) / height
    points = _LENGTH_POINTS * min(1.0, (length - _LENGTH) / _LENGTH_SPAN)
    on_rows = _rows_points(left.lines, right.lines), _rows_points(right.lines, left.lines)
    # In a table with empty cells, only the lines of the emptier side all stand on common rows.
    points += min(on_rows)
    text = _text_points(left, right, length)
    # What cells have in common tells nothing where lines stand off the rows, or on some row wherever they
    # stand, as among several columns: lists and code look so as well.
    are_rows = max(on_rows) < _SURE_ROWS and more.pitch > height
    points += text if are_rows else max(_OFF_LEAST, text)
    points += _starts_points(left.lines, right.lines)
    closer = _clamp(2 * (_PITCH - more.pitch / height))
    points += (_CLOSE_POINTS if closer > 0 else _FAR_POINTS) * closer
    white = min(box.left for box in right.lines) - max(box.right for box in left.lines)
    points += _GUTTER_POINTS * _clamp((_GUTTER - white / height) / _GUTTER)
    return points


def _text_points(left: _Column, right: _Column, length: float) -> float:
    """Points for lines that fill columns of one width and read like text; against cells that do neither."""
    points = min((full for full in (left.full, right.full) if full is not None), default=0.0)
    ratio = min(left.length, right.length) / max(left.length, right.length)
    points += _EQUAL_POINTS * _clamp((ratio - _EQUAL) / _EQUAL_SPAN)
    if points > 0:  # amounts and dates are all of one length, too
        points *= max(0.0, _clamp((length - _TEXT) / (_LENGTH - _TEXT)))
    return points + min(left.prose, right.prose)


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
                    max(last.bottom, box.bottom), (), prose=max(last.prose, box.prose),
                )  # fmt: skip
            else:
                row.append(box)
        lines.extend(row)
    return _Column(sorted(lines, key=lambda box: (box.middle, box.left)))


def _rows_points(lines: Sequence[Box], others: Sequence[Box]) -> float:
    """Points for how the lines of one side stand to those of the other, or to their cells."""
    middles = sorted([*(box.middle for box in others), *_cell_middles(others)])
    points = 0.0
    for box in lines:
        at = bisect_left(middles, box.middle)
        off = min(abs(middle - box.middle) for middle in middles[max(0, at - 1) : at + 1])
        points += _ON_ROW if off < _OFF_MIDDLE * box.height else _OFF_ROW
    return max(_ROWS_LEAST, min(_ROWS_MOST if len(lines) >= _ROWS_LINES else 0.0, points))


def _cell_middles(lines: Sequence[Box]) -> list[float]:
    """The middles of the cells."""
    cells = _cells(lines)
    return [] if len(lines) < 2 else [(cell[0].top + cell[-1].bottom) / 2 for cell in cells]


def _cells(lines: Sequence[Box]) -> list[list[Box]]:
    """Lines that stand closer to each other than to the rest."""
    whites = [below.top - above.bottom for above, below in pairwise(lines)]
    cells = [[lines[0]]]
    if whites:
        height = median(line.height for line in lines)
        usual = median(sorted(whites)[: max(1, len(whites) * 3 // 4)])
        for line, white in zip(lines[1:], whites, strict=True):
            if white > usual + _CELLS_APART * height:
                cells.append([])
            cells[-1].append(line)
    return cells


def _starts_points(left: Sequence[Box], right: Sequence[Box]) -> float:
    """Points against columns where cells of several lines begin side by side, on both sides of a gutter.

    White space between paragraphs does not fall on one row again and again, that between rows does.
    """
    sides = [[cell[0] for cell in _cells(lines)[1:]] for lines in (left, right)]
    fewer, more = sorted(sides, key=len)
    middles = [box.middle for box in more]
    common = sum(
        any(abs(middle - box.middle) < _OFF_MIDDLE * box.height for middle in middles) for box in fewer
    )
    return max(_STARTS_LEAST, min(0.0, _START * (common - (len(fewer) - common) - (len(more) - common) / 2)))


def _upper(values: Sequence[float]) -> float:
    """The ninth decile: the largest value but for outliers."""
    return quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else values[0]


def _centre(box: Box) -> float:
    return (box.left + box.right) / 2


def _clamp(value: float) -> float:
    return max(-1.0, min(1.0, value))
