"""Reads the cells of the head of a table: heads of several lines side by side, and heads over several columns.

Heads of neighbouring columns have different numbers of lines, which stand at the bottom, at the top or in the
middle of the head; so their lines do not make rows. A head is a column's texts one below the other; one over
several columns stands above the heads of these.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    """

    words: list[Word]
    first: int = 0
    last: int = 0
    by_rule: bool = False
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
    if not wide or len(single) + len(wide) < len(heads):
        return None
    level_of: dict[int, int] = {}
    for index, head in enumerate(wide):
        above = [level_of[i] for i in range(index) if wide[i].shares_columns(head)]
        level_of[index] = max(above, default=-1) + 1
    levels = max(level_of.values()) + 1
    columns = len(xs) - 1
    start = [0] * columns
    for index, head in enumerate(wide):
        for column in range(head.first, head.last + 1):
            start[column] = max(start[column], level_of[index] + 1)
    if any(
        head.level < other.top and head.shares_columns(other) for head in single.values() for other in wide
    ):
        return None
    count = levels + 1 if single else levels
    borders = []
    for row in range(1, count):
        above = [head.bottom for index, head in enumerate(wide) if level_of[index] < row]
        below = [head.top for index, head in enumerate(wide) if level_of[index] >= row]
        below += [head.top for column, head in single.items() if start[column] == row]
        at = _between(above, below, rules, height)
        if at is None or (borders and at <= borders[-1]):
            return None
        borders.append(at)
    together: list[tuple[Place, Place]] = []
    for index, head in enumerate(wide):
        row = level_of[index]
        together += [((row, head.first), (row, column)) for column in range(head.first + 1, head.last + 1)]
    for column in single:
        together += [((start[column], column), (row, column)) for row in range(start[column] + 1, count)]
    extents = {column: (head.left, head.right) for column, head in single.items()}
    return HeadCells(tuple(borders), tuple(together), extents)


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
    low, high = max(above), min(below, default=max(above) + height)
    if low - high > _LEVEL * height:
        return None
    ruled = [rule.at for rule in rules.horizontal if low - 0.2 * height < rule.at < high + 0.2 * height]
    return ruled[0] if ruled else (low + high) / 2


def _lines(rows: Sequence[TextRow], xs: Sequence[float], height: float) -> list[_Text]:
    """Return the lines of a head from top to bottom, divided where wide white space or columns divide them."""
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
        rule = _rule_below(text, lines, rules, height)
        if rule is not None:
            inside = [
                column
                for column in range(len(xs) - 1)
                if min(rule.end, xs[column + 1]) - max(rule.start, xs[column])
                > 0.5 * (xs[column + 1] - xs[column])
            ]
            if (
                len(inside) > 1
                and len(inside) < len(xs) - 1
                and not any(
                    other is not text
                    and abs(other.level - text.level) < _LEVEL * height
                    and inside[0] <= other.first <= inside[-1]
                    for other in lines
                )
            ):
                text.first, text.last, text.by_rule = inside[0], inside[-1], True


def _rule_below(text: _Text, lines: Sequence[_Text], rules: Rules, height: float) -> Rule | None:
    """Return the rule close below a text."""
    near = [
        rule
        for rule in rules.horizontal
        if text.level < rule.at < text.bottom + height and rule.start < text.middle < rule.end
    ]
    return min(near, key=lambda rule: rule.at, default=None)


def _joined(lines: Sequence[_Text], xs: Sequence[float], rules: Rules, height: float) -> list[_Text] | None:
    """Return the heads that lines make up, from top to bottom; None if one over columns stands below others."""
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
            alike = (last.first <= text.first and text.last <= last.last) or text.spans
            if close and alike and not (text.by_rule and last.by_rule):
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
    """Return whether a text is the last line of a head over several columns: alone and in the middle of it."""
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
