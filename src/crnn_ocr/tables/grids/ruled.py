"""Reads the grid of a table from its rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crnn_ocr.tables.grid import Box, Grid
from crnn_ocr.tables.grids.assemble import Place, assemble
from crnn_ocr.tables.rules import Rule, Rules
from crnn_ocr.tables.words import Word

#: Share of the side of a place that a rule must cover to divide it from its neighbour. Rules end short of
#: crossings, and a text that touches one hides a part of it.
COVERED = 0.6
#: Name of the method.
RULED = "rules"


@dataclass(frozen=True, slots=True)
class Border:
    """A border between rows or columns.

    Attributes:
        low: The position of the first rule that draws it, across the rules.
        high: That of the last one: a double rule has two, and the edge of a band may lie beside a rule.
        at: Where it is taken to be.
    """

    low: float
    high: float
    at: float


def borders(
    rules: Sequence[Rule],
    texts: Sequence[tuple[float, float]],
    *,
    apart: float,
    slit: float,
    first: float,
    last: float,
) -> list[Border]:
    """Return the borders that rules draw, and the ends of the table where it has no outer rule.

    Args:
        rules: Rules of one direction.
        texts: Where words begin and end across the rules.
        apart: Positions closer than this are one; rules are double or bent.
        slit: Rules this close that have no text between them are one border, too.
        first: Where the table begins across the rules.
        last: Where it ends.
    """
    groups: list[list[Rule]] = []
    for rule in sorted(rules, key=lambda rule: rule.at):
        near = bool(groups) and rule.at - groups[-1][-1].at <= apart
        slim = bool(groups) and rule.at - groups[-1][0].at <= slit
        if near or (slim and not any(groups[-1][0].at - apart < a and b < rule.at + apart for a, b in texts)):
            groups[-1].append(rule)
        else:
            groups.append([rule])
    found = [
        Border(group[0].at, group[-1].at, max(group, key=lambda rule: (rule.length, -rule.at)).at)
        for group in groups
    ]
    if not found or found[0].low - first > apart:
        found.insert(0, Border(first, first, first))
    if last - found[-1].high > apart or len(found) == 1:
        found.append(Border(last, last, last))
    return found


def covered(rules: Sequence[Rule], at: float, start: float, end: float, *, apart: float) -> float:
    """Return the share of a border from `start` to `end` that rules within `apart` of it cover."""
    parts = sorted(
        (max(rule.start, start), min(rule.end, end))
        for rule in rules
        if abs(rule.at - at) <= apart and rule.end > start and rule.start < end
    )
    total, reached = 0.0, start
    for left, right in parts:
        total += max(0.0, right - max(left, reached))
        reached = max(reached, right)
    return total / (end - start) if end > start else 0.0


def ruled_grid(words: Sequence[Word], rules: Rules, box: Box, height: float) -> Grid | None:
    """Return the grid that the rules of a table draw, or None without at least two places.

    Args:
        words: The words in it.
        rules: Its rules.
        box: Where it is.
        height: Typical height of its text in pixels.
    """
    apart = 0.45 * height
    ys = borders(
        rules.horizontal,
        [(word.box[1], word.box[3]) for word in words],
        apart=apart,
        slit=0.9 * height,
        first=box[1],
        last=box[3],
    )
    xs = borders(
        rules.vertical,
        [(word.box[0], word.box[2]) for word in words],
        apart=apart,
        slit=1.8 * height,
        first=box[0],
        last=box[2],
    )
    rows, cols = len(ys) - 1, len(xs) - 1
    if rows * cols < 2:
        return None
    together: list[tuple[Place, Place]] = []
    for r in range(rows):
        for c in range(cols):
            sides = (ys[r].at, ys[r + 1].at), (xs[c].at, xs[c + 1].at)
            if c + 1 < cols and _drawn(rules.vertical, xs[c + 1], sides[0], apart) < COVERED:
                together.append(((r, c), (r, c + 1)))
            if r + 1 < rows and _drawn(rules.horizontal, ys[r + 1], sides[1], apart) < COVERED:
                together.append(((r, c), (r + 1, c)))
    filled = {
        (
            sum(1 for border in ys[1:-1] if word.level > border.at),
            sum(1 for border in xs[1:-1] if word.middle > border.at),
        )
        for word in words
    }
    together += _idle_borders(rows, cols, together, filled)
    return assemble([border.at for border in ys], [border.at for border in xs], together, RULED)


def _idle_borders(
    rows: int, cols: int, together: Sequence[tuple[Place, Place]], filled: set[Place]
) -> list[tuple[Place, Place]]:
    """Return the places that a stray rule divides: it has no text beside it and leaves out other places."""
    known = set(together)
    more: list[tuple[Place, Place]] = []
    down = [[((r, c), (r + 1, c)) for c in range(cols)] for r in range(rows - 1)]
    across = [[((r, c), (r, c + 1)) for r in range(rows)] for c in range(cols - 1)]
    for border in down + across:
        divided = [pair for pair in border if pair not in known]
        if len(divided) < len(border) and not any(place in filled for pair in divided for place in pair):
            more += divided
    return more


def _drawn(rules: Sequence[Rule], border: Border, side: tuple[float, float], apart: float) -> float:
    """Return the share of a border, along the side of a place, that rules draw."""
    width = (border.high - border.low) / 2 + apart
    return covered(rules, (border.low + border.high) / 2, *side, apart=width)
