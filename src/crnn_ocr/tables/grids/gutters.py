"""Finds the columns of a table from the white space between its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crnn_ocr.tables.figures import are_numbers_apart
from crnn_ocr.tables.grids.text_rows import TextRow

#: Share of the rows in which words may lie across a gutter: heads and notes span columns.
_CROSSED = 0.12
#: What a word across a gutter counts if it stands alone in its row: a heading of the rows below.
_ALONE = 0.15
#: What a word across a gutter counts in a row of at most half as many texts as full rows: a sum or a note.
_FEW = 0.5
#: How much more than the least may lie across the part of a gutter in which the border of columns is.
_FREE = 0.5
#: Least width of a gutter, in heights of text, by the number of rows that have it; a row where two lines meet
#: there counts three times. Words are about 0.3 apart in proportional type and up to 0.6 in typewriting; that
#: such blanks stand in a column over many rows is no chance. The widths were chosen on two thirds of
#: the tables of `eval/tables_icdar2013`, the last one on all of them.
_ROWS, _WIDTHS = (2, 6, 20, 100, 140), (1.0, 0.45, 0.32, 0.32, 0.22)
#: Greatest share of the rows in which words between two gutters may stand close to others and be no column.
_FEW_WORDS = 0.15
#: What stands before the items of a list; how many of them show one, and how far from their items in heights.
_BULLETS = frozenset("•●○◦∙■□▪▫◆◇►▶➢➤✓✔*·")
_LEAST_BULLETS, _BULLET_APART = 2, 3.0
#: Least number of rows below heads that tell whether a column has values.
_ROWS_BELOW_HEADS = 3


@dataclass(frozen=True, slots=True)
class Gutter:
    """White space between two columns.

    Attributes:
        left: Its left end.
        right: Its right end.
        middle: The middle of its widest part with the fewest words across.
    """

    left: float
    right: float
    middle: float

    @property
    def width(self) -> float:
        """Its width."""
        return self.right - self.left


def find_gutters(rows: Sequence[TextRow], height: float, heads: int = 0) -> list[Gutter]:
    """Return the gutters between the columns of rows of text, from left to right.

    Args:
        rows: The rows of text of the table.
        height: Typical height of text in pixels.
        heads: Number of rows at the top whose words may lie across gutters, such as heads of several columns.
    """
    words = [(index, word) for index, row in enumerate(rows) for word in row.words]
    if not words:
        return []
    first = min(word.box[0] for _, word in words)
    width = int(max(word.box[2] for _, word in words) - first) + 2
    crossed, by_texts = np.zeros(width + 1), np.zeros(width + 1)
    extent = np.zeros((len(rows), 2))
    texts = [len(texts_of(row, 0.8 * height)) for row in rows]
    full = float(np.quantile(texts[heads:] or texts, 0.75))
    for index, row in enumerate(rows):
        weight = _FEW if 2 * texts[index] <= full else 1.0
        weight = _ALONE if texts[index] == 1 or index < heads else weight
        extent[index] = row.words[0].box[0] - first, max(word.box[2] for word in row.words) - first
        for left, right in _runs(row, height):
            crossed[int(left - first)] += weight
            crossed[int(right - first) + 1] -= weight
        whole = _ALONE if texts[index] == 1 else 1.0
        for left, right in texts_of(row, 0.8 * height):
            by_texts[int(left - first)] += whole
            by_texts[int(right - first) + 1] -= whole
    across, texts_across = np.cumsum(crossed)[:width], np.cumsum(by_texts)[:width]
    several = sum(count > 1 for count in texts[heads:])
    limit = max(0.5, _CROSSED * several)
    gutters = []
    for left, right in _low(across, limit):
        for a, b in _without_words(left, right, rows[max(0, heads - 1) :], first, height):
            beside = sum(1 for start, end in extent if start < a and end > b)
            # Where regions of text end, more white space was seen than the places of characters show.
            beside += 2 * sum(_ends_a_line(row, a + first, b + first) for row in rows)
            needed = float(np.interp(beside, _ROWS, _WIDTHS)) * height
            if b - a >= needed and beside:
                gutters.append(Gutter(a + first, b + first, _freest(texts_across, a, b) + first))
    # Of heads, only the last row names single columns; those above it may stand in white space.
    found = _between_texts(gutters, rows[max(0, heads - 1) :], height)
    found = _without_bullets(found, rows[heads:], height)
    return _with_heads(found, rows, max(1, heads), height)


def _ends_a_line(row: TextRow, left: float, right: float) -> bool:
    """Return whether two lines meet at a gutter."""
    return any(
        one.line != other.line and one.middle < left and other.middle > right
        for one, other in zip(row.words, row.words[1:], strict=False)
    )


def _is_one_text(row: TextRow, height: float) -> bool:
    return len(texts_of(row, 0.8 * height)) == 1


def texts_of(row: TextRow, gap: float) -> list[tuple[float, float]]:
    """Return the extents of words that are nearer to one another than `gap`, and not two numbers."""
    chunks: list[tuple[float, float]] = []
    before = ""
    for word in row.words:
        near = bool(chunks) and word.box[0] - chunks[-1][1] < gap
        if near and not are_numbers_apart(before, word.text):
            chunks[-1] = (chunks[-1][0], max(chunks[-1][1], word.box[2]))
        else:
            chunks.append((word.box[0], word.box[2]))
        before = word.text
    return chunks


def _runs(row: TextRow, height: float) -> list[tuple[float, float]]:
    return texts_of(row, 0.4 * height)


def _low(across: np.ndarray, limit: float) -> list[tuple[int, int]]:
    """Return the runs where not more than `limit` words lie, without those at the ends."""
    low = np.concatenate([[False], across <= limit, [False]])
    edges = np.flatnonzero(low[1:] != low[:-1])
    return [
        (int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if a > 0 and b < len(across)
    ]


def _freest(across: np.ndarray, left: float, right: float) -> float:
    """Return the middle of the widest run with the fewest words across, from one place to another."""
    start, end = int(np.ceil(left)), int(right)
    part = across[start:end]
    if not len(part):
        return (left + right) / 2
    least = np.concatenate([[False], part <= part.min() + _FREE, [False]])
    edges = np.flatnonzero(least[1:] != least[:-1]).reshape(-1, 2)
    a, b = edges[np.argmax(edges[:, 1] - edges[:, 0])]
    if a == 0 and b == len(part):
        return (left + right) / 2
    return float(start + (a + b) / 2)


def _without_words(
    left: int, right: int, rows: Sequence[TextRow], first: float, height: float
) -> list[tuple[float, float]]:
    """Divide white space by the words that lie in it as a whole: a column with few entries."""
    inside = sorted(
        (a - first, b - first)
        for row in rows
        for a, b in texts_of(row, 0.8 * height)
        if a - first > left and b - first < right
    )
    parts, reached = [], float(left)
    for a, b in inside:
        if a > reached:
            parts.append((reached, a))
        reached = max(reached, b)
    parts.append((reached, float(right)))
    return [(a, b) for a, b in parts if b > a]


def _between_texts(gutters: Sequence[Gutter], rows: Sequence[TextRow], height: float) -> list[Gutter]:
    """Return the gutters that have a column between them: at least one text that lies between as a whole."""
    runs = [text for row in rows for text in _runs(row, height)]
    texts = [text for row in rows for text in texts_of(row, 0.8 * height)]
    kept: list[Gutter] = []
    for gutter in gutters:
        start = kept[-1].left if kept else -np.inf
        # A few words that stand close to others are the ends of long texts.
        words = _within(runs, start, gutter.right, height)
        if _within(texts, start, gutter.right, height) or words > max(1, _FEW_WORDS * len(rows)):
            kept.append(gutter)
        elif kept:
            # Nothing between the two: the wider one is the gutter.
            kept[-1] = max(kept[-1], gutter, key=lambda g: g.right - g.left)
    return kept


def _without_bullets(gutters: Sequence[Gutter], rows: Sequence[TextRow], height: float) -> list[Gutter]:
    """Return the gutters but for those between bullets and the items of their lists."""
    kept: list[Gutter] = []
    for index, gutter in enumerate(gutters):
        start = gutters[index - 1].middle if index else -np.inf
        end = gutters[index + 1].middle if index + 1 < len(gutters) else np.inf
        marked, items = 0, 0
        for row in rows:
            before = [word for word in row.words if start < word.middle < gutter.middle]
            after = [word for word in row.words if gutter.middle < word.middle < end]
            if any(word.text not in _BULLETS for word in before):
                break
            if before:
                marked += 1
                items += bool(after) and any(char.isalpha() for word in after for char in word.text)
        else:
            if marked >= _LEAST_BULLETS and items == marked and gutter.width < _BULLET_APART * height:
                continue
        kept.append(gutter)
    return kept


def _with_heads(
    gutters: Sequence[Gutter], rows: Sequence[TextRow], heads: int, height: float
) -> list[Gutter]:
    """Return the gutters but for those between a head and its values, which stand further to one side.

    A column without values beside one without a head is the head of that one.
    """
    middles = [gutter.middle for gutter in gutters]

    def columns(part: Sequence[TextRow]) -> set[int]:
        edges = [edge for row in part for text in texts_of(row, 0.4 * height) for edge in text]
        return {sum(edge > middle for middle in middles) for edge in edges}

    if len(rows) - heads < _ROWS_BELOW_HEADS:
        return list(gutters)
    named, filled = columns(rows[:heads]), columns(rows[heads:])
    joined: set[int] = set()
    # The first column has no head where it holds names; the head of the next one is nearer to its own values.
    for index in sorted(range(len(gutters)), key=lambda index: (gutters[index].width, index)):
        kinds = {(column in named, column in filled) for column in (index, index + 1)}
        if kinds == {(True, False), (False, True)} and not joined & {index - 1, index + 1}:
            joined.add(index)
    return [gutter for index, gutter in enumerate(gutters) if index not in joined]


def _within(texts: Sequence[tuple[float, float]], start: float, end: float, height: float) -> int:
    return sum(1 for a, b in texts if a > start - 0.2 * height and b < end + 0.2 * height)
