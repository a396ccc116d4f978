"""Finds where the tables of a page are: nets of rules, text between long rules, rows in columns."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from crnn_ocr.tables.grid import Box
from crnn_ocr.tables.grids.gutters import find_gutters
from crnn_ocr.tables.grids.row_joining import columns_of, crosses, is_figures
from crnn_ocr.tables.grids.text_rows import TextRow, text_rows
from crnn_ocr.tables.nets import around, find_nets, overlap, without_frame
from crnn_ocr.tables.rules import Rule, Rules
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
    """

    box: Box
    sign: Sign
    parts: tuple[Region, ...] = ()

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
    free = [word for word in words if not any(_holds(box, word) for box in closed)]
    found: list[Region] = []
    for net in nets:
        found = _added(found, Region(net.box, "net"), words, height)
    others = [Region(box, "rules") for box in _between_rules(rules, closed, free, height)]
    others += [Region(box, "columns") for box in _runs_with_columns(free, height)]
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
    return find_regions(without_frame(rules, region.box, height), _inside(words, region.box), height)


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
            if _gaps(row, 0.9 * height) > 0:
                left, top, right, bottom = around(
                    (left, top, right, bottom), _bounds(waiting[::-1] if side is above else waiting)
                )
                waiting = []
            elif len(waiting) > 2:
                break
        if side is above and waiting and middles and waiting[0].words[0].box[0] > middles[0]:
            # The head of several columns; a title begins further to the left.
            left, top, right, bottom = around((left, top, right, bottom), _bounds(waiting[:1]))
        if side is below and waiting and middles and waiting[0].top - bottom < 0.6 * height:
            # The last lines of cells with several lines.
            left, top, right, bottom = around((left, top, right, bottom), _bounds(waiting))
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


def _between_rules(rules: Rules, closed: Sequence[Box], words: Sequence[Word], height: float) -> list[Box]:
    """Return the areas between horizontal rules of the same extent that hold text in columns.

    Rules of closed nets are left out.
    """
    groups: list[list[Rule]] = []
    for rule in rules.horizontal:
        level = (rule.start, rule.at - 1.0, rule.end, rule.at + 1.0)
        if rule.length < 8 * height or any(overlap(level, box) for box in closed):
            continue
        for group in groups:
            if abs(group[-1].start - rule.start) < 2 * height and abs(group[-1].end - rule.end) < 2 * height:
                group.append(rule)
                break
        else:
            groups.append([rule])
    boxes = []
    for group in groups:
        boxes += _tabular_runs(group, closed, words, height)
    return boxes


def _tabular_runs(
    group: Sequence[Rule], closed: Sequence[Box], words: Sequence[Word], height: float
) -> list[Box]:
    """Return the areas of strips that hold text in columns; single texts may stand between them."""
    boxes: list[Box] = []
    first: Rule | None = None
    last = group[0]
    for one, other in itertools.pairwise(group):
        strip = _strip(one, other)
        beside = any(overlap(strip, box) for box in closed)
        if not beside and _is_tabular(strip, words, height):
            first = one if first is None else first
            last = other
        elif first is not None and (beside or not _is_single(strip, words, height)):
            boxes.append(_strip(first, last))
            first = None
    return boxes if first is None else [*boxes, _strip(first, last)]


def _is_single(box: Box, words: Sequence[Word], height: float) -> bool:
    """Return whether an area is as high as one row of text: the heading of a group of rows, or a sum."""
    return box[3] - box[1] < 3.5 * height and len(text_rows(_inside(words, box), height)) <= 1


def _strip(one: Rule, other: Rule) -> Box:
    return min(one.start, other.start), one.at, max(one.end, other.end), other.at


def _is_tabular(box: Box, words: Sequence[Word], height: float) -> bool:
    """Return whether the text of an area stands in columns and is no prose; an area without text is none."""
    inside = _inside(words, box)
    if not inside:
        return box[3] - box[1] < 1.5 * height
    rows = text_rows(inside, height)
    wide = sum(_gaps(row, 1.2 * height) > 0 for row in rows)
    if wide < 0.5 * len(rows):
        return False
    return len(rows) < 3 or (bool(find_gutters(rows, height)) and not is_prose(rows, height))


def _runs_with_columns(words: Sequence[Word], height: float) -> list[Box]:
    """Return the areas of rows one below the other that have the same gutters."""
    boxes = []
    run: list[TextRow] = []
    for row in [*text_rows(words, height), None]:
        if (
            row is not None
            and row.bottom - row.top < 2.6 * height
            and (not run or _follows(run[-1], row, height))
        ):
            run.append(row)
            continue
        boxes += _tables_in(run, height)
        run = [] if row is None or row.bottom - row.top >= 2.6 * height else [row]
    return boxes


def _follows(above: TextRow, row: TextRow, height: float) -> bool:
    return row.top - above.bottom < 2.5 * height


def _tables_in(run: Sequence[TextRow], height: float) -> list[Box]:
    """Return the areas of a run of rows that have several texts each; two single texts may lie between."""
    boxes = []
    part: list[TextRow] = []
    alone = 0
    for row in [*run, None]:
        several = row is not None and _gaps(row, 1.5 * height) > 0
        if row is not None and (several or (part and alone < 2)):
            part.append(row)
            alone = 0 if several else alone + 1
            continue
        while part and not _gaps(part[-1], 1.5 * height):
            part.pop()
        if _is_table_without_rules(part, height):
            boxes.append(_bounds(part))
        part, alone = [], 0
    return boxes


def _is_table_without_rules(rows: Sequence[TextRow], height: float) -> bool:
    """Return whether rows are a table that has no rules to show it.

    Three columns over three rows are one, unless they are columns of prose. Two columns may be a form, a list
    with its markers or a page of two columns; they are one if the last column holds figures.
    """
    several = [row for row in rows if _gaps(row, 1.5 * height) > 0]
    if len(several) < 3:
        return False
    gutters = find_gutters(rows, height)
    if not gutters or is_prose(rows, height):
        return False
    middles = [gutter.middle for gutter in gutters]
    filled = [len({sum(word.middle > middle for middle in middles) for word in row.words}) for row in rows]
    if len(gutters) >= 2 and not (_has_figures(rows, middles) or _is_short(rows, height)):
        return False
    if len(gutters) >= 2:
        return float(np.mean(filled)) >= 0.7 * (len(gutters) + 1) and sum(n >= 2 for n in filled) >= 3
    last = [[word for word in row.words if word.middle > middles[0]] for row in several]
    figures = sum(bool(words) and is_figures(words) for words in last)
    return len(several) >= 4 and figures >= 0.7 * len(several)


def _has_figures(rows: Sequence[TextRow], middles: Sequence[float]) -> bool:
    """Return whether one of the columns after the first holds figures in most of its rows."""
    columns: dict[int, list[bool]] = {}
    for row in rows:
        for column, words in columns_of(row, middles).items():
            columns.setdefault(column, []).append(is_figures(words))
    return any(sum(kinds) > 0.6 * len(kinds) for column, kinds in columns.items() if column)


def _is_short(rows: Sequence[TextRow], height: float) -> bool:
    """Return whether most texts are as short as names; longer ones are parts of a letter."""
    return float(np.median(_lengths(rows, height))) <= 12


def _lengths(rows: Sequence[TextRow], height: float) -> list[int]:
    """Return the number of characters of the texts that wide white space divides."""
    lengths = []
    for row in rows:
        start = 0
        for index in range(1, len(row.words) + 1):
            last = index == len(row.words)
            if last or row.words[index].box[0] - row.words[index - 1].box[2] > 1.2 * height:
                lengths.append(sum(len(word.text) for word in row.words[start:index]))
                start = index
    return lengths


def is_prose(rows: Sequence[TextRow], height: float) -> bool:
    """Return whether rows are columns of running text: most texts are long and few stand alone."""
    lengths = _lengths(rows, height)
    return bool(lengths) and float(np.median(lengths)) > 24 and len(lengths) <= 3.2 * len(rows)


def _gaps(row: TextRow, least: float) -> int:
    """Return the number of gaps of at least a width between the words of a row."""
    count, reached = 0, row.words[0].box[2]
    for word in row.words[1:]:
        count += word.box[0] - reached > least
        reached = max(reached, word.box[2])
    return count


def _inside(words: Sequence[Word], box: Box) -> list[Word]:
    return [word for word in words if _holds(box, word)]


def _holds(box: Box, word: Word) -> bool:
    return box[0] < word.middle < box[2] and box[1] < word.level < box[3]


def _bounds(rows: Sequence[TextRow]) -> Box:
    return (
        min(row.words[0].box[0] for row in rows),
        rows[0].top,
        max(word.box[2] for row in rows for word in row.words),
        rows[-1].bottom,
    )
