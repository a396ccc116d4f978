"""Cut the page into strips and sections at white space, from top to bottom.

A strip is a set of boxes that overlap vertically: one line, a row of cells, or lines beside each other that
are not aligned. A section is a run of strips that share at least one gutter, or that all lack one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from crnn_ocr.layout.frame import Box

Strip = list[Box]
Interval = tuple[float, float]

#: The part of a line's height that counts when strips are formed, because the detector's boxes are higher
#: than the ink and remaining page curvature makes neighbouring rows overlap.
_BODY = 0.6
#: How far each box may extend into a gutter, in line heights, because boxes are wider than the ink.
_SLACK = 0.35
#: Least width of a gutter beyond that, in line heights.
_MIN_GUTTER = 0.3
#: Ratio of height to the median height above which a box spans rows instead of joining them.
_SPANNING = 2.5
#: The same ratio for a tall box.
_STANDING = 1.5


@dataclass(frozen=True, slots=True)
class Section:
    """A run of strips.

    Attributes:
        strips: From top to bottom, each sorted from left to right.
        gutters: Intervals of x that no box of the section touches and that have boxes on both sides.
        line_height: Median height of its lines in pixels.
    """

    strips: list[Strip]
    gutters: list[Interval]
    line_height: float


def line_height(boxes: Iterable[Box]) -> float:
    """Return the median text height of boxes in pixels; for a tall box, its width counts.

    Units count only where there is nothing else.
    """
    boxes = list(boxes)
    return median(
        min(box.height, box.width) if box.tall else box.height
        for box in [box for box in boxes if not box.unit] or boxes
    )


def strips(boxes: Sequence[Box]) -> list[Strip]:
    """Cut boxes into strips where white space runs through from left to right.

    Boxes that are much higher than the rest, such as a label beside several rows, do not merge these rows.
    They join the first row that they stand beside.
    """
    typical = median(box.height for box in [box for box in boxes if not box.unit] or boxes)
    least = _STANDING * typical
    spanning = [
        box
        for box in boxes
        if box.height > least and (box.tall or box.unit or box.height > _SPANNING * typical)
    ]
    rows = boxes
    if spanning:
        apart = {id(box) for box in spanning}
        rows = [box for box in boxes if id(box) not in apart]
    found: list[Strip] = []
    edge = 0.0
    for box in sorted(rows, key=_body_top):
        if found and _body_top(box) < edge:
            found[-1].append(box)
            edge = max(edge, _body_bottom(box))
        else:
            found.append([box])
            edge = _body_bottom(box)
    _insert_spanning(found, spanning)
    for strip in found:
        strip.sort(key=_left_to_right)
    return found


def _insert_spanning(found: list[Strip], spanning: Sequence[Box]) -> None:
    """Add each spanning box to the first strip that it stands beside, or as a strip of its own."""
    reaches = [max(map(_body_bottom, strip)) for strip in found]
    alone: list[tuple[int, Strip]] = []
    for box in spanning:
        at = next((i for i, reach in enumerate(reaches) if reach > box.top), len(found))
        if at < len(found) and min(map(_body_top, found[at])) < box.bottom:
            found[at].append(box)
        else:
            alone.append((at, [box]))
    for at, strip in reversed(alone):
        found.insert(at, strip)


def sections(boxes: Sequence[Box]) -> list[Section]:
    """Cut boxes into sections, from top to bottom."""
    height = line_height(boxes)
    result: list[Section] = []
    run: list[Strip] = []
    filled: list[Interval] = []
    for strip in strips(boxes):
        own = _filled([], strip, height)
        joined = _filled(filled, strip, height)
        if run and len(joined) == 1 and (len(filled) > 1 or len(own) > 1):
            result.append(_section(run, filled))
            run, filled = [strip], own
        else:
            run.append(strip)
            filled = joined
    result.append(_section(run, filled))
    return result


def _section(run: list[Strip], filled: Sequence[Interval]) -> Section:
    gutters = [(end, start) for (_, end), (start, _) in pairwise(filled)]
    return Section(run, gutters, line_height(box for strip in run for box in strip))


def _filled(filled: Sequence[Interval], strip: Strip, height: float) -> list[Interval]:
    """Add a strip to the filled intervals of x and merge intervals that are less than a gutter apart."""
    result = list(filled)
    for box in strip:
        slack = min(_SLACK * height, box.width / 2)
        low, high = box.left + slack, box.right - slack
        first = bisect_left(result, low - _MIN_GUTTER * height, key=lambda interval: interval[1])
        last = bisect_right(result, high + _MIN_GUTTER * height, key=lambda interval: interval[0])
        if first < last:
            low, high = min(low, result[first][0]), max(high, result[last - 1][1])
        result[first:last] = [(low, high)]
    return result


def _body_top(box: Box) -> float:
    return box.middle - box.height * _BODY / 2


def _body_bottom(box: Box) -> float:
    return box.middle + box.height * _BODY / 2


def _left_to_right(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom
