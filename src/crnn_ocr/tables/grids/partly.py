"""Reads the grid of a table that has rules in one direction, or none: the rest comes from white space."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from crnn_ocr.tables.grid import Box, Grid
from crnn_ocr.tables.grids.assemble import Place, assemble
from crnn_ocr.tables.grids.gutters import Gutter, find_gutters
from crnn_ocr.tables.grids.head_cells import HeadCells, fitted, head_cells
from crnn_ocr.tables.grids.row_joining import crosses, joined_rows
from crnn_ocr.tables.grids.ruled import covered
from crnn_ocr.tables.grids.text_rows import TextRow, text_rows
from crnn_ocr.tables.rules import Rule, Rules
from crnn_ocr.tables.words import Word

#: Names of the methods: rows by rules and columns by white space, and both by white space.
STRIPS, GUTTERS = "strips", "gutters"
#: Share of the width of a table from which a horizontal rule divides rows as a whole.
_FULL = 0.7
#: Number of rows from which rules divide rows; fewer rules mark the head and the end of a table.
_RULED_ROWS = 4


def partly_ruled_grid(
    words: Sequence[Word],
    rules: Rules,
    box: Box,
    height: float,
    *,
    by_rules: bool,
    by_head: bool = False,
) -> Grid | None:
    """Return the grid of a table whose columns are divided by white space and by what rules there are.

    Args:
        words: The words in it.
        rules: The rules in it.
        box: Where it is.
        height: Typical height of its text in pixels.
        by_rules: Whether horizontal rules alone divide its rows; otherwise rows of text do, too.
        by_head: Whether the head is read column by column; otherwise its rows of text divide it. None is
            returned if it cannot be.
    """
    rows = text_rows(words, height)
    if not rows:
        return None
    left = min(box[0], min(word.box[0] for word in words))
    right = max(box[2], max(word.box[2] for word in words))
    full = _full_rules(rules.horizontal, left, right, rows)
    ends = [at for at in full if covered(rules.horizontal, at, left, left + 3 * height, apart=3.0) >= _FULL]
    heads = _head_rows(rows, ends)
    middles = _column_borders(find_gutters(rows, height, heads), rules, box, height)
    xs = [left, *middles, right]
    if by_head:
        head = head_cells(rows[:heads], xs, rules, height) if heads else None
        return None if head is None else _below_head(head, rows, heads, xs, rules, full, box, height)
    if by_rules:
        groups = _strips(rows, full)
        if len(groups) < _RULED_ROWS and len(groups) < len(rows):
            return None  # rules of a head and an end
    else:
        groups = _grouped(rows, heads, middles, rules, full, left, right, height)
    if len(groups) * (len(middles) + 1) < 2:
        return None
    ys = _row_borders(groups, full, box)
    together = _spans(groups, heads, middles, rules, ys, xs, height)
    return assemble(ys, xs, together, STRIPS if by_rules else GUTTERS)


def _below_head(
    head: HeadCells,
    rows: Sequence[TextRow],
    heads: int,
    xs: Sequence[float],
    rules: Rules,
    full: Sequence[float],
    box: Box,
    height: float,
) -> Grid:
    """Return the grid of a table whose head is known: its other rows are those of text."""
    xs = fitted(xs, head, rows[heads:], height)
    middles = xs[1:-1]
    groups = joined_rows(rows[heads:], middles, full, height)
    top = min(box[1], rows[0].top)
    between = [at for at in full if rows[heads - 1].middle < at < rows[heads].middle]
    bottom = between[-1] if between else (rows[heads - 1].bottom + rows[heads].top) / 2
    body = _row_borders(groups, full, (box[0], bottom, box[2], box[3]))
    together = list(head.together)
    for one, other in _spans(groups, 0, middles, rules, body, xs, height):
        together.append(((one[0] + head.rows, one[1]), (other[0] + head.rows, other[1])))
    return assemble([top, *head.borders, bottom, *body[1:]], xs, together, GUTTERS)


def _full_rules(
    horizontal: Sequence[Rule], left: float, right: float, rows: Sequence[TextRow]
) -> list[float]:
    """Return the positions of rules that divide all columns and have text above and below."""
    found: list[float] = []
    for rule in horizontal:
        share = covered(horizontal, rule.at, left, right, apart=3.0)
        inside = rows[0].middle < rule.at < rows[-1].middle
        if inside and share >= _FULL and (not found or rule.at - found[-1] > 3.0):
            found.append(rule.at)
    return found


def _head_rows(rows: Sequence[TextRow], full: Sequence[float]) -> int:
    """Return the number of rows of text in the head of a table: those above a rule with many rows below it.

    Few rules are those above, below the head and at the end of a table, and there may be a title above the
    first; so the second one ends the head if not many rows are above it.
    """
    above = [sum(row.middle < at for row in rows) for at in full]
    few = [count for count in above if 0 < count <= max(4, len(rows) // 3) and count < len(rows)]
    if not few:
        return 0
    return few[1] if len(few) > 1 and len(full) <= 4 and few[0] <= 1 else few[0]


def _column_borders(gutters: Sequence[Gutter], rules: Rules, box: Box, height: float) -> list[float]:
    """Return the borders of columns: the long vertical rules, and the middles of gutters without one."""
    long = [
        rule.at
        for rule in rules.vertical
        if rule.length >= 0.5 * (box[3] - box[1]) and min(rule.at - box[0], box[2] - rule.at) >= height
    ]
    slack = 0.4 * height
    free = [
        gutter.middle
        for gutter in gutters
        if not any(gutter.left - slack < at < gutter.right + slack for at in long)
    ]
    return sorted([*long, *free])


def _strips(rows: Sequence[TextRow], full: Sequence[float]) -> list[list[TextRow]]:
    """Return the rows of text between rules."""
    groups: list[list[TextRow]] = []
    for row in rows:
        if groups and not any(groups[-1][-1].middle < at < row.middle for at in full):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _grouped(
    rows: Sequence[TextRow],
    heads: int,
    middles: Sequence[float],
    rules: Rules,
    full: Sequence[float],
    left: float,
    right: float,
    height: float,
) -> list[list[TextRow]]:
    """Return the rows of text by row of the table: lines of heads are one row unless a text spans columns."""
    head: list[list[TextRow]] = []
    for row in rows[:heads]:
        if head and not _spanning_head(head[-1], row, middles, rules, height):
            head[-1].append(row)
        else:
            head.append([row])
    return head + joined_rows(rows[heads:], middles, full, height)


def _spanning_head(
    above: Sequence[TextRow], row: TextRow, middles: Sequence[float], rules: Rules, height: float
) -> bool:
    """Return whether a row of heads begins below others: a text above spans columns, or a rule is between."""
    top, bottom = above[-1].middle, row.middle
    if any(top < rule.at < bottom and rule.length > 2 * height for rule in rules.horizontal):
        return True
    spans = [middle for middle in middles if any(crosses(line, middle, height) for line in above)]
    return bool(spans) and not any(crosses(row, middle, height) for middle in spans)


def _row_borders(groups: Sequence[Sequence[TextRow]], full: Sequence[float], box: Box) -> list[float]:
    """Return the borders of rows: rules where they are, otherwise the middle of the white space."""
    borders = [min(box[1], groups[0][0].top)]
    for above, below in itertools.pairwise(groups):
        low, high = max(row.bottom for row in above), min(row.top for row in below)
        ruled = [at for at in full if above[-1].middle < at < below[0].middle]
        borders.append(ruled[-1] if ruled else (low + high) / 2)
    borders.append(max(box[3], max(row.bottom for row in groups[-1])))
    return borders


def _spans(
    groups: Sequence[Sequence[TextRow]],
    heads: int,
    middles: Sequence[float],
    rules: Rules,
    ys: Sequence[float],
    xs: Sequence[float],
    height: float,
) -> list[tuple[Place, Place]]:
    """Return the places that a text, or the rule below a head, spans."""
    together: list[tuple[Place, Place]] = []
    counted = 0
    upper = 0
    for r, group in enumerate(groups):
        counted += len(group)
        if counted <= heads:
            upper = r + 1
        drawn = [_is_drawn(rules, middle, ys[r], ys[r + 1], height) for middle in middles]
        filled = {_column(word.middle, middles) for row in group for word in row.words}
        for c, middle in enumerate(middles):
            open_head = counted <= heads and any(drawn) and not drawn[c]
            if (
                (open_head and not {c, c + 1} <= filled)
                or (not drawn[c] and any(crosses(row, middle, height) for row in group))
                or _undrawn(group, middle, rules, ys[r], ys[r + 1], height)
            ):
                together.append(((r, c), (r, c + 1)))
        if filled == {0} and counted > heads and _has_rules_around(group, rules, xs):
            together += [((r, c), (r, c + 1)) for c in range(len(middles))]
    together += _joined_by_rules(groups, upper, middles, rules, xs, height)
    if upper > 1:
        together += _head_spans(groups[:upper], middles, rules, ys, xs, together)
    return together


def _is_drawn(rules: Rules, middle: float, top: float, bottom: float, height: float) -> bool:
    """Return whether a vertical rule near the border of two columns divides them in a row."""
    return covered(rules.vertical, middle, top, bottom, apart=0.8 * height) >= 0.6


def _has_rules_around(group: Sequence[TextRow], rules: Rules, xs: Sequence[float]) -> bool:
    """Return whether rules over all columns lie close above and below a row, a heading of those below it."""
    size = group[-1].bottom - group[0].top
    above = [rule for rule in rules.horizontal if group[0].top - size < rule.at < group[0].middle]
    below = [rule for rule in rules.horizontal if group[-1].middle < rule.at < group[-1].bottom + size]
    return all(_share(side, xs[0], xs[-1]) >= _FULL for side in (above, below))


def _joined_by_rules(
    groups: Sequence[Sequence[TextRow]],
    heads: int,
    middles: Sequence[float],
    rules: Rules,
    xs: Sequence[float],
    height: float,
) -> list[tuple[Place, Place]]:
    """Return the places of neighbouring rows that a rule between the rows leaves out.

    A rule below all columns but the first says that the first cell goes on, if it has no text below.
    """
    more: list[tuple[Place, Place]] = []
    for r in range(heads, len(groups) - 1):
        top, bottom = groups[r][-1].middle, groups[r + 1][0].middle
        between = [rule for rule in rules.horizontal if top < rule.at < bottom and rule.length > 3 * height]
        drawn = [_share(between, xs[c], xs[c + 1]) > 0.6 for c in range(len(xs) - 1)]
        if not any(drawn) or all(drawn):
            continue
        filled = [
            {_column(word.middle, middles) for row in groups[i] for word in row.words} for i in (r, r + 1)
        ]
        for c, ruled in enumerate(drawn):
            if not ruled and c not in filled[1]:
                more.append(((r, c), (r + 1, c)))
    return more


def _undrawn(
    group: Sequence[TextRow], middle: float, rules: Rules, top: float, bottom: float, height: float
) -> bool:
    """Return whether a vertical rule that divides columns leaves a row out, and one text runs across it."""
    drawn = [rule for rule in rules.vertical if abs(rule.at - middle) <= 1.0]
    if not drawn or covered(drawn, middle, top, bottom, apart=1.0) >= 0.4:
        return False
    return any(
        one.box[2] <= middle + height
        and other.box[0] >= middle - height
        and other.box[0] - one.box[2] < height
        for row in group
        for one, other in zip(row.words, row.words[1:], strict=False)
        if one.middle < middle < other.middle
    )


def _head_spans(
    groups: Sequence[Sequence[TextRow]],
    middles: Sequence[float],
    rules: Rules,
    ys: Sequence[float],
    xs: Sequence[float],
    together: Sequence[tuple[Place, Place]],
) -> list[tuple[Place, Place]]:
    """Return the places of heads that belong together by the rules between rows of heads.

    A rule below a row of heads shows how far the head above reaches. A place without a rule below and without
    text of its own belongs to the head below or above it.
    """
    more: list[tuple[Place, Place]] = []
    columns = len(xs) - 1
    for r in range(len(groups) - 1):
        top, bottom = groups[r][-1].middle, groups[r + 1][0].middle
        below = [rule for rule in rules.horizontal if top < rule.at < bottom]
        filled = {_column(word.middle, middles) for row in groups[r] for word in row.words}
        filled_next = {_column(word.middle, middles) for row in groups[r + 1] for word in row.words}
        spanned = {a[1] for a, b in together if a[0] == r and b[0] == r} | {
            b[1] for a, b in together if a[0] == r and b[0] == r
        }
        ruled = [_share(below, xs[c], xs[c + 1]) > 0.5 for c in range(columns)]
        for rule in below:
            inside = [c for c in range(columns) if _share([rule], xs[c], xs[c + 1]) > 0.5]
            if 1 < len(inside) < columns and len(filled & set(inside)) >= 1:
                texts = _texts_above(groups[r], rule)
                if texts == 1:
                    more += [((r, a), (r, b)) for a, b in itertools.pairwise(inside)]
                    spanned |= set(inside)
        for c in range(columns):
            if not ruled[c] and c not in spanned and not (c in filled and c in filled_next):
                more.append(((r, c), (r + 1, c)))
    return more


def _column(x: float, middles: Sequence[float]) -> int:
    return sum(1 for middle in middles if x > middle)


def _share(rules: Sequence[Rule], left: float, right: float) -> float:
    return max((covered(rules, rule.at, left, right, apart=3.0) for rule in rules), default=0.0)


def _texts_above(group: Sequence[TextRow], rule: Rule) -> int:
    """Return the number of texts above a rule that wide white space divides."""
    words = sorted(
        (word for row in group for word in row.words if rule.start <= word.middle <= rule.end),
        key=lambda word: word.box[0],
    )
    texts, reached = 0, float("-inf")
    for word in words:
        if word.box[0] - reached > (word.box[3] - word.box[1]):
            texts += 1
        reached = max(reached, word.box[2])
    return texts
