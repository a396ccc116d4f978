"""Decide from the lines on both sides of a gutter whether it separates columns of text or cells of rows.

A two-column paper and a two-column form have the same white space, but different lines beside it. Columns of
text have long, closely spaced lines of equal length, which are on common rows only by chance or by a
printer's grid. Cells are short, of unequal length, farther apart, and on common rows. Each feature gives
points, and their sum decides: positive for columns, negative for rows. The words of the lines (`prose`) are a
feature as well.
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

#: White space up to this many line heights may be inside a line (behind a list number, between justified
#: words).
_WORD_GAP = 1.5
#: Line length, in line heights, that gives no points; extra length that gives full points; and these points.
_LENGTH, _LENGTH_SPAN, _LENGTH_POINTS = 9.0, 4.0, 2.0
#: Points for each line that fills its column, and for each line that ends early although its text continues.
_FILLS, _ENDS_EARLY = 0.4, -0.8
#: Bounds of their sum.
_FULL_LEAST, _FULL_MOST = -2.0, 2.0
#: Most distance from its column's edge of a line that fills it: in line heights, plus a share of the width.
_EDGE, _EDGE_SHARE = 0.6, 0.06
#: Least width of a headline over several columns, in usual widths of lines; most share of the lines that are
#: headlines; and the least white space between two columns beneath it, in line heights.
_HEADLINE, _HEADLINES, _COLUMN_GAP = 1.6, 0.2, 0.4
#: Range of a paragraph's indent in line heights.
_INDENT, _MOST_INDENT = 1.0, 3.5
#: Lines whose edges all agree within this share of a line height are codes rather than text.
_EXACT = 0.25
#: Ratio of the sides' line lengths that gives no points, the extra ratio that gives full points, and these
#: points.
_EQUAL, _EQUAL_SPAN, _EQUAL_POINTS = 0.88, 0.08, 1.0
#: Points for each line that is on a row with a line of the other side, and for each that is not: the
#: logarithm of how much likelier that is in columns (45 of 100, by chance) than in rows (90 of 100).
_ON_ROW, _OFF_ROW = math.log(0.45 / 0.9), math.log(0.55 / 0.1)
#: Most distance of the middles, in line heights, of lines on one row.
_OFF_MIDDLE = 0.3
#: Bounds of their sum, because text may be set on a grid and pages may be curved.
_ROWS_LEAST, _ROWS_MOST = -1.5, 3.0
#: Least number of lines on a side for lines off the rows to count for columns.
_ROWS_LINES = 3
#: Line pitch, in line heights, that gives no points; and points for lines that are closer, and farther apart.
_PITCH, _CLOSE_POINTS, _FAR_POINTS = 1.6, 1.2, 2.0
#: Points for each row on which cells of both sides begin, and the lower bound of their sum.
_START, _STARTS_LEAST = -1.5, -4.5
#: Bounds of the sum of the `prose` scores of one side.
_PROSE_LEAST, _PROSE_MOST = -3.0, 2.0
#: Lower bound of the points for the shape and the words of lines that are not on common rows.
_OFF_LEAST = -1.0
#: Width of a gutter, in line heights, that gives no points; and the points of a gutter without width.
_GUTTER, _GUTTER_POINTS = 2.3, 1.5
#: Lines shorter than this on both sides, in line heights, are always cells; and their points.
_TEXT, _NEVER = 5.0, -9.0
#: Only this many gutters, the widest ones, are examined; no page has more columns of text.
_MOST_GUTTERS = 12
#: Least white space, in line heights, between a running head or foot and the columns.
_APART = 1.2
#: Fewer points than this certainly mean rows.
_SURE_ROWS = -0.5
#: Least number of lines on both sides, or on one side alone.
_MIN_LINES, _ALONE = 2, 4
#: White space beyond the usual, in line heights, that separates two cells.
_CELLS_APART = 0.25


@dataclass(frozen=True, slots=True)
class Gutter:
    """A gutter between columns of text.

    Attributes:
        x: Its middle in pixels.
        parts: The boxes above the columns, in the columns, and below the columns.
    """

    x: float
    parts: tuple[list[Box], list[Box], list[Box]]


@dataclass(frozen=True, slots=True)
class _Column:
    """The lines on one side of a gutter, from top to bottom; fragments of a line are joined."""

    lines: list[Box]

    @property
    def length(self) -> float:
        """Length of its long lines in pixels."""
        return _upper([line.width for line in self.lines])

    @property
    def full(self) -> float | None:
        """Points for lines that fill the column from edge to edge; None if the lines do not tell.

        A line of text continues until the next word does not fit, and only a paragraph's last line ends
        early. A cell may end anywhere.
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
        """Points for the words of its lines."""
        return max(_PROSE_LEAST, min(_PROSE_MOST, sum(line.prose for line in self.lines)))

    @property
    def pitch(self) -> float:
        """Median distance of the middles of consecutive lines in pixels."""
        return median([below.middle - above.middle for above, below in pairwise(self.lines)] or [0.0])


def best_gutter(section: Section) -> Gutter | None:
    """Return the gutter that most certainly separates columns of text; None if there are rows of cells."""
    if section.line_height <= 0:  # the distances of boxes without height mean nothing
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
    """Return the strips [first, last) that are columns beside the gutter, and their points.

    White space cuts the section into pieces. Pieces that are rows of cells end the columns. A single strip at
    either end (a running head, a page number) is left out.
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
    """Return whether the first strip has a heading for the column on each side of the gutter."""
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
    """Cut the section's strips at wide white space; return [first, last) of each piece."""
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
    """Return the points: positive for columns of text on both sides; None if one side has too few lines."""
    height = section.line_height
    low, high = -float("inf"), float("inf")
    for start, end in section.gutters:
        if end - start > _WORD_GAP * height:
            if end <= gutter[0]:
                low = max(low, start)
            elif start >= gutter[1]:
                high = min(high, end)
    boxes = [box for box in _boxes(within) if not box.unit]
    low, high = _within_headlines(boxes, gutter, low, high, height)
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
    # In a table with empty cells, only the lines of the emptier side are all on common rows.
    points += min(on_rows)
    text = _text_points(left, right, length)
    # Looking like cells counts only if the lines are on common rows, and not because rows are so dense that
    # any line is on one, as among several columns. Lists and code look like cells as well.
    are_rows = max(on_rows) < _SURE_ROWS and more.pitch > height
    points += text if are_rows else max(_OFF_LEAST, text)
    points += _starts_points(left.lines, right.lines)
    closer = _clamp(2 * (_PITCH - more.pitch / height))
    points += (_CLOSE_POINTS if closer > 0 else _FAR_POINTS) * closer
    white = min(box.left for box in right.lines) - max(box.right for box in left.lines)
    points += _GUTTER_POINTS * _clamp((_GUTTER - white / height) / _GUTTER)
    return points


def _within_headlines(
    boxes: Sequence[Box], gutter: Interval, low: float, high: float, height: float
) -> tuple[float, float]:
    """Return the outer edges of the columns beside a gutter where headlines run over several columns.

    A headline over the second and the third column of a newspaper hides the gutter between them, and the two
    would count as one column of lines that end early.
    """
    sides = []
    for start, end in ((low, gutter[0]), (gutter[1], high)):
        side = [box for box in boxes if start <= _centre(box) <= end]
        usual = median([box.width for box in side] or [0.0])
        narrow = [box for box in side if box.width < _HEADLINE * usual]
        if len(side) - len(narrow) and len(side) - len(narrow) <= _HEADLINES * len(side):
            edges: list[Interval] = []
            for box in sorted(narrow, key=lambda box: box.left):
                if edges and box.left - edges[-1][1] < _COLUMN_GAP * height:
                    edges[-1] = (edges[-1][0], max(edges[-1][1], box.right))
                else:
                    edges.append((box.left, box.right))
            if len(edges) > 1:
                start, end = (edges[-1][0], end) if end == gutter[0] else (start, edges[0][1])
        sides.append((start, end))
    return sides[0][0], sides[1][1]


def _text_points(left: _Column, right: _Column, length: float) -> float:
    """Return points for lines that fill columns of equal width and read like text; negative for cells."""
    points = min((full for full in (left.full, right.full) if full is not None), default=0.0)
    ratio = min(left.length, right.length) / max(left.length, right.length)
    points += _EQUAL_POINTS * _clamp((ratio - _EQUAL) / _EQUAL_SPAN)
    if points > 0:  # amounts and dates have equal lengths, too
        points *= max(0.0, _clamp((length - _TEXT) / (_LENGTH - _TEXT)))
    return points + min(left.prose, right.prose)


def _column(boxes: Sequence[Box], height: float) -> _Column | None:
    """Join boxes on one row with little white space between them; None if there are no boxes."""
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
    """Return points for lines of one side that are on rows with lines or cells of the other side, or not."""
    middles = sorted([*(box.middle for box in others), *_cell_middles(others)])
    points = 0.0
    for box in lines:
        at = bisect_left(middles, box.middle)
        off = min(abs(middle - box.middle) for middle in middles[max(0, at - 1) : at + 1])
        points += _ON_ROW if off < _OFF_MIDDLE * box.height else _OFF_ROW
    return max(_ROWS_LEAST, min(_ROWS_MOST if len(lines) >= _ROWS_LINES else 0.0, points))


def _cell_middles(lines: Sequence[Box]) -> list[float]:
    """Return the vertical middles of the cells; none if there are fewer than two lines."""
    cells = _cells(lines)
    return [] if len(lines) < 2 else [(cell[0].top + cell[-1].bottom) / 2 for cell in cells]


def _cells(lines: Sequence[Box]) -> list[list[Box]]:
    """Group lines into cells: lines that are closer to each other than to the rest."""
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
    """Return points, 0 or negative, for cells that begin on common rows on both sides of a gutter.

    White space between the rows of a table falls on common rows again and again; that between paragraphs does
    not.
    """
    sides = [[cell[0] for cell in _cells(lines)[1:]] for lines in (left, right)]
    fewer, more = sorted(sides, key=len)
    middles = [box.middle for box in more]
    common = sum(
        any(abs(middle - box.middle) < _OFF_MIDDLE * box.height for middle in middles) for box in fewer
    )
    return max(_STARTS_LEAST, min(0.0, _START * (common - (len(fewer) - common) - (len(more) - common) / 2)))


def _upper(values: Sequence[float]) -> float:
    """Return the ninth decile: the largest value apart from outliers."""
    return quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else values[0]


def _centre(box: Box) -> float:
    return (box.left + box.right) / 2


def _clamp(value: float) -> float:
    return max(-1.0, min(1.0, value))
