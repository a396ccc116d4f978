"""Tells the text that stands below a table from its last rows: thanks, terms and addresses on a receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crnn_ocr.tables.areas.nets import words_in
from crnn_ocr.tables.areas.regions import Region
from crnn_ocr.tables.grids.gutters import find_gutters, texts_of
from crnn_ocr.tables.grids.row_joining import crosses
from crnn_ocr.tables.grids.text_rows import TextRow, text_rows
from crnn_ocr.tables.rules import Rules
from crnn_ocr.tables.words import Word

#: Least number of lines of a text that is told from rows, of characters of such a line, and of rows that are
#: left; and the share of letters in it.
_LINES, _CHARACTERS, _LEFT, _LETTERS = 2, 16, 3, 0.6
#: The same number of lines where a rule closes the table below them, as it does below a note.
_LINES_ABOVE_RULE = 4
#: Gap between words, in heights, up to which a line runs on.
_GAP = 1.2
#: Share of the width from which a rule below shows that a text belongs to a table.
_RULE = 0.5


def without_trailing_text(region: Region, words: Sequence[Word], rules: Rules, height: float) -> Region:
    """Return a region without the lines of running text at its end.

    They run across the columns of the rows above. Where a rule closes the table below them, a few are a note
    of it, and only many are no part of it.

    Args:
        region: The region.
        words: The words of the page.
        rules: The rules of the page.
        height: Typical height of text in pixels.
    """
    if region.closed:
        return region
    rows = text_rows(words_in(words, region.box), height)
    end, lines = len(rows), 0
    while end > _LEFT and len(texts_of(rows[end - 1], _GAP * height)) == 1:
        end -= 1
        lines += _is_line(rows[end])
    if lines < _LINES:
        return region
    middles = [gutter.middle for gutter in find_gutters(rows[:end], height)]
    across = sum(_is_line(row) and any(crosses(row, x, height) for x in middles) for row in rows[end:])
    needed = _LINES_ABOVE_RULE if _is_closed_below(region, rows[end:], rules, height) else _LINES
    if lines < needed or across < _LINES:
        return region
    left, top, right, _ = region.box
    return replace(region, box=(left, top, right, (rows[end - 1].bottom + rows[end].top) / 2), parts=())


def _is_line(row: TextRow) -> bool:
    """Return whether a row is as long as a line of text, of several words with letters."""
    text = "".join(word.text for word in row.words)
    letters = sum(char.isalpha() for char in text)
    return len(row.words) > _LINES and len(text) >= _CHARACTERS and letters >= _LETTERS * len(text)


def _is_closed_below(region: Region, rows: Sequence[TextRow], rules: Rules, height: float) -> bool:
    left, _, right, _ = region.box
    return any(
        rows[0].middle < rule.at < rows[-1].bottom + height
        and min(rule.end, right) - max(rule.start, left) > _RULE * (right - left)
        for rule in rules.horizontal
    )
