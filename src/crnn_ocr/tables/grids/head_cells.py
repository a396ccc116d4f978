"""Reads the cells of the head of a table: heads of several lines, and heads over several columns.

Heads of neighbouring columns have different numbers of lines, which stand at the bottom, at the top or in the
middle of the head; so their lines do not make rows. A head is a column's texts one below the other; one over
several columns stands above the heads of these.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from crnn_ocr.tables.grids.assemble import Place
from crnn_ocr.tables.grids.text_rows import TextRow
from crnn_ocr.tables.rules import Rule, Rules
from crnn_ocr.tables.words import Word

#: Gap between words, in heights of text, from which they are no one text; and from which they are none if the
#: border of two columns lies between.
_APART, _APART_AT_BORDER = 0.8, 0.42
#: How far a text may reach into the next column, in heights; as a share of its width, where that column has a
#: head of its own beside it.
_OVER, _OVERHANG = 0.2, 0.35
#: Greatest gap between the lines of one text, in heights.
_LEADING = 0.9
#: How far the levels of texts side by side may differ, in heights.
_LEVEL = 0.5


@dataclass(frozen=True, slots=True)
class HeadCells:
    """The cells of a head.

    Attributes:
        borders: The borders between its rows, from top to bottom.
        together: The places that one cell covers.
        extents: Where the head of each column begins and ends, if it has one of its own.
    """

    borders: tuple[float, ...]
    together: tuple[tuple[Place, Place], ...]
    extents: dict[int, tuple[float, float]]

    @property
    def rows(self) -> int:
        """Its number of rows."""
        return len(self.borders) + 1


@dataclass(slots=True)
class _Text:
    """A line of a head, or several lines of one.

    Attributes:
        words: Its words.
        first: Its first column.
        last: Its last column.
        by_rule: Whether a rule below it shows these.
        row: Its first row in the head.
    """

    words: list[Word]
    first: int = 0
    last: int = 0
    by_rule: bool = False
    row: int = 0
    left: float = field(init=False)
    top: float = field(init=False)
    right: float = field(init=False)
    bottom: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = min(word.box[0] for word in self.words)
        self.top = min(word.box[1] for word in self.words)
        self.right = max(word.box[2] for word in self.words)
        self.bottom = max(word.box[3] for word in self.words)

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2

    @property
    def level(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def spans(self) -> bool:
        return self.last > self.first

    def shares_columns(self, other: _Text) -> bool:
        return self.first <= other.last and other.first <= self.last

    def add(self, other: _Text) -> None:
        self.words += other.words
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.by_rule = self.by_rule or other.by_rule
        self.__post_init__()


def head_cells(rows: Sequence[TextRow], xs: Sequence[float], rules: Rules, height: float) -> HeadCells | None:
    """Return the cells of a head, or None if its texts do not stand as heads do.

    Args:
        rows: Its rows of text.
        xs: The borders of the columns, with the left and the right end of the table.
        rules: The rules of the table.
        height: Typical height of text in pixels.
    """
    lines = _lines(rows, xs, height)
    _place(lines, xs, rules, height)
    heads = _joined(lines, xs, rules, height)
    if heads is None:
        return None
    wide = [head for head in heads if head.spans]
    single = {head.first: head for head in heads if not head.spans}
    if not wide or len(single) + len(wide) < len(heads) or _stand_above(single.values(), wide):
        return None
    _set_rows(wide, single)
    count = max(head.row for head in heads) + 1
    borders: list[float] = []
    for row in range(1, count):
        above = [head.bottom for head in wide if head.row < row]
        below = [head.top for head in heads if (head.row >= row if head.spans else head.row == row)]
        at = _between(above, below, rules, height)
        if at is None or (borders and at <= borders[-1]):
            return None
        borders.append(at)
    together: list[tuple[Place, Place]] = []
    for head in wide:
        together += [((head.row, head.first), (head.row, at)) for at in range(head.first + 1, head.last + 1)]
    for column, head in single.items():
        together += [((head.row, column), (row, column)) for row in range(head.row + 1, count)]
    extents = {column: (head.left, head.right) for column, head in single.items()}
    return HeadCells(tuple(borders), tuple(together), extents)


def _stand_above(single: Iterable[_Text], wide: Sequence[_Text]) -> bool:
    """Return whether the head of a column stands above one over several columns."""
    return any(head.level < other.top and head.shares_columns(other) for head in single for other in wide)


def _set_rows(wide: Sequence[_Text], single: dict[int, _Text]) -> None:
    """Set the row of each head: below those over several columns that stand above it."""
    for index, head in enumerate(wide):
        head.row = 1 + max((other.row for other in wide[:index] if other.shares_columns(head)), default=-1)
    for head in single.values():
        head.row = 1 + max((other.row for other in wide if other.shares_columns(head)), default=-1)


def fitted(xs: Sequence[float], head: HeadCells, rows: Sequence[TextRow], height: float) -> tuple[float, ...]:
    """Return the borders of columns, moved where a head reaches across one and the columns leave room for it.

    Args:
        xs: The borders, with both ends of the table.
        head: The head.
        rows: The rows of text below it.
        height: Typical height of text in pixels.
    """
    moved = list(xs)
    words = [word for row in rows for word in row.words]
    for column, border in enumerate(xs[1:-1]):
        left, right = (head.extents.get(at) for at in (column, column + 1))
        over = left is not None and left[1] > border + _OVER * height
        under = right is not None and right[0] < border - _OVER * height
        if not over and not under:
            continue
        ends = [word.box[2] for word in words if xs[column] < word.middle < border and word.box[2] <= border]
        begins = [
            word.box[0] for word in words if border < word.middle < xs[column + 2] and word.box[0] >= border
        ]
        low = max(ends + ([left[1]] if left else []), default=border)
        high = min(begins + ([right[0]] if right else []), default=border)
        if low < high:
            moved[column + 1] = (low + high) / 2
    return tuple(moved)


def _between(above: Sequence[float], below: Sequence[float], rules: Rules, height: float) -> float | None:
    """Return where a border between rows lies; None if the one reaches into the other."""
    low, high = max(above), min(below)
    if low - high > _LEVEL * height:
        return None
    ruled = [rule.at for rule in rules.horizontal if low - 0.2 * height < rule.at < high + 0.2 * height]
    return ruled[0] if ruled else (low + high) / 2


def _lines(rows: Sequence[TextRow], xs: Sequence[float], height: float) -> list[_Text]:
    """Return the lines of a head from top to bottom, divided by wide white space and by columns."""
    words = sorted((word for row in rows for word in row.words), key=lambda word: (word.line, word.box[0]))
    groups: list[list[Word]] = []
    for word in words:
        before = groups[-1][-1] if groups else None
        if before is not None and before.line == word.line:
            gap = word.box[0] - before.box[2]
            at_border = any(before.middle < x < word.middle for x in xs[1:-1])
            if gap < (_APART_AT_BORDER if at_border else _APART) * height:
                groups[-1].append(word)
                continue
        groups.append([word])
    return sorted(map(_Text, groups), key=lambda text: (text.level, text.left))


def _place(lines: Sequence[_Text], xs: Sequence[float], rules: Rules, height: float) -> None:
    """Set the columns of lines."""
    borders = xs[1:-1]
    for text in lines:
        text.first = sum(border < text.left + _OVER * height for border in borders)
        text.last = max(text.first, sum(border < text.right - _OVER * height for border in borders))
    for text in lines:
        beside = {
            other.first
            for other in lines
            if other is not text and not other.spans and abs(other.level - text.level) < _LEVEL * height
        }
        width = text.right - text.left
        while text.spans and text.last in beside and text.right - xs[text.last] < _OVERHANG * width:
            text.last -= 1
        while text.spans and text.first in beside and xs[text.first + 1] - text.left < _OVERHANG * width:
            text.first += 1
    for text in lines:
        ruled = _columns_of_rule(_rule_below(text, rules, height), xs)
        beside_it = any(
            other is not text and abs(other.level - text.level) < _LEVEL * height and other.first in ruled
            for other in lines
        )
        if 1 < len(ruled) < len(xs) - 1 and not beside_it:
            text.first, text.last, text.by_rule = ruled[0], ruled[-1], True


def _columns_of_rule(rule: Rule | None, xs: Sequence[float]) -> list[int]:
    """Return the columns along which a rule runs."""
    if rule is None:
        return []
    columns = enumerate(itertools.pairwise(xs))
    return [at for at, (a, b) in columns if min(rule.end, b) - max(rule.start, a) > 0.5 * (b - a)]


def _rule_below(text: _Text, rules: Rules, height: float) -> Rule | None:
    """Return the rule close below a text."""
    near = [
        rule
        for rule in rules.horizontal
        if text.level < rule.at < text.bottom + height and rule.start < text.middle < rule.end
    ]
    return min(near, key=lambda rule: rule.at, default=None)


def _joined(lines: Sequence[_Text], xs: Sequence[float], rules: Rules, height: float) -> list[_Text] | None:
    """Return the heads that lines make up, from top to bottom; None if a wide one is below others."""
    heads: list[_Text] = []
    waiting = list(lines)
    while waiting:
        text = waiting.pop(0)
        above = [head for head in heads if head.shares_columns(text)]
        if not above:
            heads.append(text)
            continue
        last = max(above, key=lambda head: head.bottom)
        ruled = any(
            last.level < rule.at < text.level and rule.start < text.middle < rule.end
            for rule in rules.horizontal
        )
        close = text.top - last.bottom < _LEADING * height and not ruled
        if not text.spans and not last.spans:
            if ruled:
                return None
            last.add(text)
        elif text.spans and last.spans:
            if close and not (text.by_rule and last.by_rule):
                last.add(text)
            else:
                heads.append(text)
        elif last.spans:
            if close and _is_last_line(text, last, lines, height):
                last.add(text)
            else:
                heads.append(text)
        else:
            parts = _divided(text, xs)
            if not close or len(parts) < 2:
                return None
            waiting = parts + waiting
    return heads


def _is_last_line(text: _Text, head: _Text, lines: Sequence[_Text], height: float) -> bool:
    """Return whether a text is the last line of a head over several columns: alone, in its middle."""
    beside = [
        other
        for other in lines
        if other is not text
        and abs(other.level - text.level) < _LEVEL * height
        and head.shares_columns(other)
    ]
    return not beside and abs(text.middle - head.middle) < height


def _divided(text: _Text, xs: Sequence[float]) -> list[_Text]:
    """Return the parts of a line that stand in different columns."""
    parts: dict[int, list[Word]] = {}
    for word in text.words:
        parts.setdefault(sum(word.middle > x for x in xs[1:-1]), []).append(word)
    return [_Text(words, column, column) for column, words in sorted(parts.items())]
