"""Finds rows of text that stand in columns, and decides whether they are a table without rules."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from crnn_ocr.tables.grid import Box
from crnn_ocr.tables.grids.gutters import Gutter, find_gutters, texts_of
from crnn_ocr.tables.grids.row_joining import columns_of, is_figures
from crnn_ocr.tables.grids.text_rows import TextRow, text_rows
from crnn_ocr.tables.words import Word

#: Greatest usual gap, in heights of text, between the lines of two columns of running text.
_PROSE_GAP = 6.0


def runs_with_columns(words: Sequence[Word], height: float) -> list[Box]:
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
        several = row is not None and gaps_of(row, 1.5 * height) > 0
        if row is not None and (several or (part and alone < 2)):
            part.append(row)
            alone = 0 if several else alone + 1
            continue
        while part and not gaps_of(part[-1], 1.5 * height):
            part.pop()
        if is_table_without_rules(part, height):
            boxes.append(bounds_of(part))
        part, alone = [], 0
    return boxes


def is_table_without_rules(rows: Sequence[TextRow], height: float) -> bool:
    """Return whether rows are a table that has no rules to show it.

    Three columns over three rows are one, unless they are columns of prose. Two columns may be a form, a list
    with its markers or a page of two columns; they are one if the last column holds figures.
    """
    several = [row for row in rows if gaps_of(row, 1.5 * height) > 0]
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
    """Return whether rows are columns of running text: most texts are long and end close to the next one."""
    lengths = _lengths(rows, height)
    if not lengths or float(np.median(lengths)) <= 24 or len(lengths) > 3.2 * len(rows):
        return False
    gaps = [
        other[0] - one[1] for row in rows for one, other in itertools.pairwise(texts_of(row, 1.2 * height))
    ]
    return not gaps or float(np.median(gaps)) <= _PROSE_GAP * height


def gaps_of(row: TextRow, least: float) -> int:
    """Return the number of gaps of at least a width between the words of a row."""
    count, reached = 0, row.words[0].box[2]
    for word in row.words[1:]:
        count += word.box[0] - reached > least
        reached = max(reached, word.box[2])
    return count


def have_other_columns(above: Sequence[TextRow], below: Sequence[TextRow], height: float) -> bool:
    """Return whether rows have other columns than those above, which are not their head.

    One set of columns for both would have fewer than the one or the other has by itself.
    """
    own = find_gutters(below, height)
    both = find_gutters([*above, *below], height)
    if len(both) >= max(len(own), len(find_gutters(above, height))):
        return False
    return any(has_values(row, height) for row in above) or not _names(above, own, height)


def has_values(row: TextRow, height: float) -> bool:
    """Return whether a text of figures alone stands in a row after its first text."""
    _, *others = texts_of(row, 0.8 * height)
    return any(
        is_figures([word for word in row.words if left <= word.middle <= right]) for left, right in others
    )


def _names(above: Sequence[TextRow], gutters: Sequence[Gutter], height: float) -> bool:
    """Return whether texts stand above most of the columns, each above one alone: the head of the columns."""
    middles = [gutter.middle for gutter in gutters]
    named = set()
    for row in above:
        for left, right in texts_of(row, 0.8 * height):
            over = {sum(at > middle for middle in middles) for at in (left, right)}
            named |= over if len(over) == 1 else set()
    return 2 * len(named) >= len(middles) + 1


def bounds_of(rows: Sequence[TextRow]) -> Box:
    """Return the area of rows of text."""
    return (
        min(row.words[0].box[0] for row in rows),
        rows[0].top,
        max(word.box[2] for row in rows for word in row.words),
        rows[-1].bottom,
    )
