"""Finds text in columns between long rules."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from crnn_ocr.tables.areas.columns import gaps_of, has_values, have_other_columns, is_prose
from crnn_ocr.tables.areas.nets import around, overlap, words_in
from crnn_ocr.tables.grid import Box
from crnn_ocr.tables.grids.gutters import find_gutters
from crnn_ocr.tables.grids.row_joining import crosses
from crnn_ocr.tables.grids.text_rows import TextRow, text_rows
from crnn_ocr.tables.rules import Rule, Rules
from crnn_ocr.tables.words import Word

#: Least number of lines of a text between rules, such as addresses, that is told from a head.
_TEXT_ROWS = 3
#: Greatest number of lines of a head whose lines are not divided as its columns are.
_HEAD_ROWS = 6
#: Least share of rows with several texts where the others go on with the text of a column.
_FULL_ROWS = 0.2


def between_rules(rules: Rules, closed: Sequence[Box], words: Sequence[Word], height: float) -> list[Box]:
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
    run: list[tuple[Box, list[TextRow]]] = []
    head: tuple[Box, list[TextRow]] | None = None
    for one, other in itertools.pairwise(group):
        strip = _strip(one, other)
        free = not any(overlap(strip, box) for box in closed)
        rows = text_rows(words_in(words, strip), height)
        if free and is_tabular(strip, words, height):
            if run and _is_text_above(run[-1][1], rows, height):
                boxes += _around(run[:-1])
                run = []
            elif run and _is_text_below(run[-1][1], rows, height):
                boxes += _around(run)
                run = []
                continue
            if not run and head is not None and not _is_text_above(head[1], rows, height):
                run.append(head)
            run.append((strip, rows or (run[-1][1] if run else [])))
        elif run and not (free and _is_single(strip, words, height)):
            boxes += _around(run)
            run = []
        head = (strip, rows) if not run and free and _may_be_head(rows, height) else None
    return boxes + _around(run)


def _may_be_head(rows: Sequence[TextRow], height: float) -> bool:
    """Return whether rows may be the head of the strip below: several texts at its bottom, and few lines."""
    return 1 < len(rows) <= _HEAD_ROWS and gaps_of(rows[-1], 1.2 * height) > 1


def _around(run: Sequence[tuple[Box, list[TextRow]]]) -> list[Box]:
    """Return the area from the first strip of a run to the last one, if it has any."""
    return [around(run[0][0], run[-1][0])] if run else []


def _is_text_above(above: Sequence[TextRow], below: Sequence[TextRow], height: float) -> bool:
    """Return whether the upper one of two strips is a text of several lines in fewer columns: addresses."""
    return (
        _is_text(above, height)
        and len(find_gutters(above, height)) < len(find_gutters(below, height))
        and have_other_columns(above, below, height)
    )


def _is_text_below(above: Sequence[TextRow], below: Sequence[TextRow], height: float) -> bool:
    """Return whether the lower one of two strips is a text of several lines in fewer columns."""
    return (
        _is_text(below, height)
        and any(has_values(row, height) for row in above)
        and len(find_gutters(below, height)) < len(find_gutters(above, height))
        and have_other_columns(above, below, height)
    )


def _is_text(rows: Sequence[TextRow], height: float) -> bool:
    return len(rows) >= _TEXT_ROWS and not any(has_values(row, height) for row in rows)


def _is_single(box: Box, words: Sequence[Word], height: float) -> bool:
    """Return whether an area is as high as one row of text: the heading of a group of rows, or a sum."""
    return box[3] - box[1] < 3.5 * height and len(text_rows(words_in(words, box), height)) <= 1


def _strip(one: Rule, other: Rule) -> Box:
    return min(one.start, other.start), one.at, max(one.end, other.end), other.at


def is_tabular(box: Box, words: Sequence[Word], height: float) -> bool:
    """Return whether the text of an area stands in columns and is no prose; an area without text is none."""
    inside = words_in(words, box)
    if not inside:
        return box[3] - box[1] < 1.5 * height
    rows = text_rows(inside, height)
    several = [gaps_of(row, 1.2 * height) > 0 for row in rows]
    if sum(several) < 0.5 * len(rows) and not _goes_on_in_columns(rows, several, height):
        return False
    return len(rows) < 3 or (bool(find_gutters(rows, height)) and not is_prose(rows, height))


def _goes_on_in_columns(rows: Sequence[TextRow], several: Sequence[bool], height: float) -> bool:
    """Return whether the rows that are a single text go on with a text in one of at least three columns."""
    middles = [gutter.middle for gutter in find_gutters(rows, height)]
    if len(middles) < 2 or sum(several) < max(1.0, _FULL_ROWS * len(rows)) or not several[0]:
        return False
    single = [row for row, wide in zip(rows, several, strict=True) if not wide]
    return not any(crosses(row, middle, height) for row in single for middle in middles)
