"""Finds where the tables of a page are: nets of rules, text between long rules, rows in columns."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from crnn_ocr.tables.areas.columns import bounds_of, gaps_of, is_table_without_rules, runs_with_columns
from crnn_ocr.tables.areas.nets import around, find_nets, holds, overlap, without_frame, words_in
from crnn_ocr.tables.areas.strips import between_rules, is_tabular
from crnn_ocr.tables.grid import Box
from crnn_ocr.tables.grids.gutters import find_gutters
from crnn_ocr.tables.grids.row_joining import crosses
from crnn_ocr.tables.grids.text_rows import TextRow, text_rows
from crnn_ocr.tables.rules import Rules
from crnn_ocr.tables.words import Word

#: Why an area is taken for a table: a net of rules, long rules with text between, or columns alone.
Sign = Literal["net", "rules", "columns"]


@dataclass(frozen=True, slots=True)
class Region:
    """An area that may be a table.

    Attributes:
        box: The area.
        sign: What speaks for it.
        parts: The areas that were joined to it, if there were several.
        closed: Whether it is a closed net of rules.
    """

    box: Box
    sign: Sign
    parts: tuple[Region, ...] = ()
    closed: bool = False

    @property
    def leaves(self) -> tuple[Region, ...]:
        """The areas that it was joined from, itself if it was not."""
        return self.parts or (self,)


def find_regions(rules: Rules, words: Sequence[Word], height: float) -> list[Region]:
    """Return the areas of a page that may be tables, from top to bottom; none lies upon another.

    Args:
        rules: The rules of the page.
        words: Its words.
        height: Typical height of text in pixels.
    """
    nets = find_nets(rules, words, height)
    closed = [net.box for net in nets if net.closed]
    # Nothing outside a closed net belongs to its table, not even rows with the same columns.
    free = [word for word in words if not any(holds(box, word) for box in closed)]
    found: list[Region] = []
    for net in nets:
        found = _added(found, Region(net.box, "net", closed=net.closed), words, height)
    others = [Region(box, "rules") for box in between_rules(rules, closed, free, height)]
    others += [Region(box, "columns") for box in runs_with_columns(free, height)]
    for region in others:
        found = _added(found, region, words, height, closed)
    grown = [region if region.sign == "net" else _grown(region, free, height) for region in found]
    result: list[Region] = []
    for region in sorted(grown, key=lambda region: (region.box[1], region.box[0])):
        result = _added(result, region, words, height, closed)
    return sorted(result, key=lambda region: (region.box[1], region.box[0]))


def parts_of(region: Region, rules: Rules, words: Sequence[Word], height: float) -> list[Region]:
    """Return the areas within a region that may be tables though it is none as a whole.

    Args:
        region: The region.
        rules: The rules of the page.
        words: The words of the page.
        height: Typical height of text in pixels.
    """
    if region.parts:
        return sorted(region.parts, key=lambda part: (part.sign != "net", -_size(part.box), part.box))
    if region.sign != "net":
        return []
    return find_regions(without_frame(rules, region.box, height), words_in(words, region.box), height)


def is_evident(region: Region, words: Sequence[Word], height: float) -> bool:
    """Return whether a part of what is no table may be one: the panes of a window must not become tables.

    Args:
        region: The part.
        words: The words of the page.
        height: Typical height of text in pixels.
    """
    return region.closed or is_table_without_rules(text_rows(words_in(words, region.box), height), height)


def _size(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _grown(region: Region, words: Sequence[Word], height: float) -> Region:
    """Return a region with the rows above and below it that have its columns."""
    left, top, right, bottom = region.box
    beside = [word for word in words if left - height < word.middle < right + height]
    rows = text_rows(beside, height)
    own = [row for row in rows if top < row.middle < bottom]
    if not own:
        return region
    middles = [gutter.middle for gutter in find_gutters(own, height)]
    gap = max(1.2 * height, 1.3 * max((b.top - a.bottom for a, b in itertools.pairwise(own)), default=0.0))
    above = [row for row in reversed(rows) if row.middle <= top]
    below = [row for row in rows if row.middle >= bottom]
    for side in (above, below):
        waiting: list[TextRow] = []
        edge = top if side is above else bottom
        for row in side:
            apart = edge - row.bottom if side is above else row.top - edge
            if apart > gap or any(crosses(row, middle, height) for middle in middles):
                break
            waiting.append(row)
            edge = row.top if side is above else row.bottom
            if gaps_of(row, 0.9 * height) > 0:
                left, top, right, bottom = around(
                    (left, top, right, bottom), bounds_of(waiting[::-1] if side is above else waiting)
                )
                waiting = []
            elif len(waiting) > 2:
                break
        if side is above and waiting and middles and waiting[0].words[0].box[0] > middles[0]:
            # The head of several columns; a title begins further to the left.
            left, top, right, bottom = around((left, top, right, bottom), bounds_of(waiting[:1]))
        if side is below and waiting and middles and waiting[0].top - bottom < 0.6 * height:
            # The last lines of cells with several lines.
            left, top, right, bottom = around((left, top, right, bottom), bounds_of(waiting))
    return replace(region, box=(left, top, right, bottom))


def _added(
    found: Sequence[Region],
    new: Region,
    words: Sequence[Word],
    height: float,
    closed: Sequence[Box] = (),
) -> list[Region]:
    """Return the regions with another one: joined to those that it lies upon or goes on with.

    What only goes on with a closed net is not joined to it.
    """
    joined, rest = new, []
    for region in found:
        apart = not overlap(region.box, joined.box)
        if apart and (region.box in closed or joined.box in closed):
            rest.append(region)
        elif _goes_on(region, joined, words, height):
            sign = region.sign if region.sign != "columns" else joined.sign
            joined = Region(around(region.box, joined.box), sign, (*region.leaves, *joined.leaves))
        else:
            rest.append(region)
    return [*rest, joined]


def _goes_on(one: Region, other: Region, words: Sequence[Word], height: float) -> bool:
    """Return whether two regions are parts of one table: one upon the other, or one close below the other."""
    a, b = one.box, other.box
    if overlap(a, b):
        return True
    across = min(a[2], b[2]) - max(a[0], b[0])
    down = min(a[3], b[3]) - max(a[1], b[1])
    if across < 0.6 * max(a[2] - a[0], b[2] - b[0]) or -down > 2.0 * height:
        return False
    if one.sign == other.sign == "net":
        return False
    top, bottom = min(a[3], b[3]), max(a[1], b[1])
    return not any(top < word.level < bottom and a[0] < word.middle < a[2] for word in words)


def is_table_of_its_own(box: Box, rules: Rules, words: Sequence[Word], height: float) -> bool:
    """Return whether a part of an area is a table without the rest.

    It is one with rules between its rows, as three columns between rules, and by what shows a table without
    rules.

    Args:
        box: The part.
        rules: The rules of the area.
        words: The words of the area.
        height: Typical height of text in pixels.
    """
    left, top, right, bottom = box
    inside = words_in(words, box)
    rows = text_rows(inside, height)
    if len(rows) < 2:
        return False
    if is_table_without_rules(rows, height):
        return True
    if not is_tabular(box, inside, height):
        return False
    first, last = rows[0].middle, rows[-1].middle
    long = [rule.at for rule in rules.horizontal if rule.length > 0.6 * (right - left)]
    long = [at for at in long if top - 0.5 * height < at < bottom + 0.5 * height]
    between = any(first < at < last for at in long)
    around = any(at < first for at in long) and any(at > last for at in long)
    return between or (around and len(find_gutters(rows, height)) >= 2)
