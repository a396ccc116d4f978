"""Decides which rows of text make up one row of a table: cells may have several lines."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from statistics import median

from crnn_ocr.tables.figures import are_numbers_apart
from crnn_ocr.tables.grids.text_rows import TextRow
from crnn_ocr.tables.words import Word

#: Text that carries figures alone: numbers, units, percentages, dashes, footnote marks.
_FIGURES = re.compile(r"^[\s\d.,:;%‰$€£¥+\-–—−/()<>≤≥±*†‡~≈=·…^]*$")
#: What numbers a row or a group of rows: `a)`, `iv.`, `(b)`.
_MARKER = re.compile(r"^\(?([a-z]|[ivx]{1,4})[).]")
#: A gap between two rows of text that is smaller than this share of the usual one divides lines of a cell.
_TIGHT = 0.6


def columns_of(row: TextRow, middles: Sequence[float]) -> dict[int, list[Word]]:
    """Return the words of a row by column; `middles` are the borders between columns from left to right."""
    found: dict[int, list[Word]] = {}
    for word in row.words:
        column = sum(1 for middle in middles if word.middle > middle)
        found.setdefault(column, []).append(word)
    return found


def is_figures(words: Sequence[Word]) -> bool:
    """Return whether words carry figures alone."""
    return all(_FIGURES.match(word.text) for word in words)


def crosses(row: TextRow, border: float, height: float) -> bool:
    """Return whether a text of a row runs across a border: a word, or two with a usual blank between."""
    for word in row.words:
        if word.box[0] < border - 0.2 * height and word.box[2] > border + 0.2 * height:
            return True
    for one, other in zip(row.words, row.words[1:], strict=False):
        if one.line == other.line and one.middle < border < other.middle:
            return other.box[0] - one.box[2] < 0.42 * height and not are_numbers_apart(one.text, other.text)
    return False


def joined_rows(
    rows: Sequence[TextRow], middles: Sequence[float], ruled: Sequence[float], height: float
) -> list[list[TextRow]]:
    """Return the rows of text by row of the table, from top to bottom.

    A row of text belongs to the one above if it goes on with its cells: it has text in some of the columns of
    the other one alone, and either stands closer than rows do elsewhere, or begins like the middle of a
    sentence. Where rows are set bottom-aligned, the first line belongs to the one below by the same signs.
    Where every row with values has something in the first column, such as a number or a date, text below text
    without either goes on with it.

    Args:
        rows: Rows of text.
        middles: The borders between columns.
        ruled: Positions of rules that divide rows; no row of the table goes across them.
        height: Typical height of text in pixels.
    """
    held = [columns_of(row, middles) for row in rows]
    gaps = [max(0.0, b.top - a.bottom) for a, b in itertools.pairwise(rows)]
    free = [
        gap
        for index, gap in enumerate(gaps)
        if not _divided(rows[index], rows[index + 1], ruled)
        and len(held[index]) > 1
        and len(held[index + 1]) > 1
    ] or [gap for index, gap in enumerate(gaps) if len(held[index + 1]) > 1 and len(held[index]) == 1]
    values = _value_columns(held)
    usual = median(free) if free else (median(gaps) if gaps else 0.0)
    groups: list[list[int]] = []
    for index in range(len(rows)):
        if groups and not _divided(rows[index - 1], rows[index], ruled):
            above = {column for i in groups[-1] for column in held[i]}
            gap = gaps[index - 1]
            if _goes_on(rows, held, groups[-1], index, above, gap, usual, height) or (
                gap <= _spread(usual) and _is_more_text(held, groups[-1], index, values, height)
            ):
                groups[-1].append(index)
                continue
        groups.append([index])
    return [[rows[index] for index in group] for group in groups]


def _spread(usual: float) -> float:
    """Return the greatest gap that is still a usual one."""
    return usual * 1.3 + 2


def _value_columns(held: Sequence[dict[int, list[Word]]]) -> set[int]:
    """Return the columns after the first that hold figures, if each row with such has a first column, too."""
    several = [columns for columns in held if len(columns) > 1]
    values = set()
    for column in {column for columns in several for column in columns if column}:
        kinds = [is_figures(columns[column]) for columns in several if column in columns]
        if sum(kinds) > 0.6 * len(kinds) or (len(kinds) == 2 and any(kinds)):
            values.add(column)
    rows = [columns for columns in several if any(is_figures(columns[c]) for c in values & set(columns))]
    return values if rows and all(0 in columns for columns in rows) else set()


def _is_more_text(
    held: Sequence[dict[int, list[Word]]], group: Sequence[int], index: int, values: set[int], height: float
) -> bool:
    """Return whether a row without values and first column stands below the texts of a row with both."""
    here, first = held[index], held[group[0]]
    if 0 in here or values & set(here) or not any(is_figures(first[c]) for c in values & set(first)):
        return False
    return all(
        column in first
        and not is_figures(first[column])
        and abs(words[0].box[0] - first[column][0].box[0]) < height
        for column, words in here.items()
    )


def _divided(one: TextRow, other: TextRow, ruled: Sequence[float]) -> bool:
    return any(one.middle < at < other.middle for at in ruled)


def _goes_on(
    rows: Sequence[TextRow],
    held: Sequence[dict[int, list[Word]]],
    group: Sequence[int],
    index: int,
    above: set[int],
    gap: float,
    usual: float,
    height: float,
) -> bool:
    here = held[index]
    columns = set(here)
    tight = gap < _TIGHT * usual and usual > 0.25 * height
    texts = [words for words in here.values() if not is_figures(words)]
    if columns < above or (columns == above and len(columns) == 1):
        if tight:
            return True
        if columns == {0} or (columns == above and 0 in columns):
            return _is_middle(here[0]) and gap <= _spread(usual)
        # Without its first column, a row of text alone goes on; one of figures is a row of a group.
        return 0 not in columns and len(texts) == len(columns) and _any_middle(here) and gap <= _spread(usual)
    if above == {0} and 0 in columns and len(group) == 1:
        return _is_middle(here[0]) and (gap <= _spread(usual))
    return tight and above < columns and len(above) <= len(columns) / 2


def _is_middle(words: Sequence[Word]) -> bool:
    """Return whether words begin like the middle of a sentence: with a small letter or a closing mark."""
    text = words[0].text
    if _MARKER.match(text):
        return False
    return text[:1].islower() or text[:1] in ")],.;&"


def _any_middle(here: dict[int, list[Word]]) -> bool:
    return all(_is_middle(words) for words in here.values())
