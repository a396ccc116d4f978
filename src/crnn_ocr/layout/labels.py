"""Find labels that are vertically centred beside a cell of several lines.

Tables centre short content, so the label of a cell with four lines stands between the second and the third
line and would be read there. It belongs before the first line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import mean

from crnn_ocr.layout.frame import Box
from crnn_ocr.layout.sections import Strip

#: Most rows above and below a label that may belong to it.
_REACH = 12
#: White space between the lines of a cell varies up to this ratio, plus this many line heights.
_EVEN, _EVEN_PLUS = 1.3, 0.1
#: Extra white space, in line heights, around a cell whose label is on the same row as one of its lines.
_APART = 0.25
#: Most distance of the label from the middle of its lines, in line pitches.
_OFF_CENTRE = 0.3
#: A box more than this many times as high as a line is not a label of one line; it may be a column.
_TALLER = 1.8


def gather_labelled(run: Sequence[Strip], order: Callable[[Strip], Strip]) -> list[Strip]:
    """Join the strips of each cell whose label is centred beside it.

    Args:
        run: Strips from top to bottom, each sorted from left to right.
        order: Function that puts the boxes of one strip into reading order.

    Returns:
        The strips in reading order; the strips of such a cell are joined, with its label first.
    """
    spans = {}
    for labelled in range(len(run)):
        if (span := _span(run, labelled)) is not None:
            spans[span[0]] = labelled, span[1]
    result: list[Strip] = []
    at = 0
    while at < len(run):
        if at in spans:
            labelled, end = spans[at]
            label = run[labelled][0]
            result.append([label, *(box for strip in run[at:end] for box in order(_without(strip, label)))])
            at = end
        else:
            result.append(order(run[at]))
            at += 1
    return result


def _span(run: Sequence[Strip], at: int) -> tuple[int, int] | None:
    """Return [first, last) of the strips that belong to the label in strip `at`; None if it has no other."""
    label = run[at][0]
    beside = run[at][1:]
    if beside and min(box.left for box in beside) < label.right:
        return None
    above = _reach(run, at, -1, label)
    below = _reach(run, at, 1, label)
    if not above or not below or (not label.tall and label.height > _TALLER * run[at - 1][0].height):
        return None
    best = None
    for up in range(1, above + 1):
        for down in range(1, below + 1):
            rows = [strip for strip in [*run[at - up : at], beside, *run[at + 1 : at + 1 + down]] if strip]
            if (best is None or up + down > best[1] - best[0] - 1) and _is_cell(rows, label):
                first, last = at - up, at + down
                if not (label.tall or _on_a_line(label, beside)) or _set_apart(run, first, last, rows):
                    best = first, last + 1
    return best


def _reach(run: Sequence[Strip], at: int, step: int, label: Box) -> int:
    """Return how many consecutive strips lie entirely to the right of the label."""
    count = 0
    while count < _REACH:
        next_at = at + (count + 1) * step
        if not 0 <= next_at < len(run) or min(box.left for box in run[next_at]) < label.right:
            break
        count += 1
    return count


def _is_cell(rows: Sequence[Strip], label: Box) -> bool:
    """Return whether the rows are evenly and closely spaced and the label is in their middle."""
    whites = [_white(above, below) for above, below in pairwise(rows)]
    middles = [mean(box.middle for box in row) for row in rows]
    pitch = (middles[-1] - middles[0]) / (len(rows) - 1)
    return (
        max(whites) <= min(max(0.0, min(whites)) * _EVEN + _EVEN_PLUS * label.height, label.height)
        and abs((middles[0] + middles[-1]) / 2 - label.middle) <= _OFF_CENTRE * pitch
    )


def _on_a_line(label: Box, beside: Strip) -> bool:
    return any(abs(box.middle - label.middle) < 0.3 * min(box.height, label.height) for box in beside)


def _set_apart(run: Sequence[Strip], first: int, last: int, rows: Sequence[Strip]) -> bool:
    """Return whether there is more white space above and below the rows than between them."""
    inside = max(_white(above, below) for above, below in pairwise(rows))
    height = mean(box.height for row in rows for box in row)
    return (first == 0 or _white(run[first - 1], rows[0]) > inside + _APART * height) and (
        last == len(run) - 1 or _white(rows[-1], run[last + 1]) > inside + _APART * height
    )


def _white(above: Strip, below: Strip) -> float:
    return min(box.top for box in below) - max(box.bottom for box in above)


def _without(strip: Strip, label: Box) -> Strip:
    return [box for box in strip if box is not label]
