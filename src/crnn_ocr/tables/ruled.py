"""Reads the grid of a table from its rules."""

from __future__ import annotations

from collections.abc import Sequence

from crnn_ocr.tables.assemble import Place, assemble
from crnn_ocr.tables.grid import Box, Grid
from crnn_ocr.tables.rules import Rule, Rules

#: Share of the side of a place that a rule must cover to divide it from its neighbour. Rules end short of
#: crossings, and a text that touches one hides a part of it.
COVERED = 0.6


def levels(rules: Sequence[Rule], *, apart: float, first: float, last: float) -> list[float]:
    """Return the positions of borders: those of rules, and the ends of the table where it has no outer rule.

    Args:
        rules: Rules of one direction.
        apart: Positions closer than this are one; rules are double or bent.
        first: Where the table begins across the rules.
        last: Where it ends.
    """
    groups: list[list[Rule]] = []
    for rule in sorted(rules, key=lambda rule: rule.at):
        if groups and rule.at - groups[-1][-1].at <= apart:
            groups[-1].append(rule)
        else:
            groups.append([rule])
    found = [
        sum(rule.at * rule.length for rule in group) / sum(rule.length for rule in group) for group in groups
    ]
    if not found or found[0] - first > apart:
        found.insert(0, first)
    if last - found[-1] > apart:
        found.append(last)
    return found if len(found) > 1 else [first, last]


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


def ruled_grid(rules: Rules, box: Box, height: float) -> Grid | None:
    """Return the grid that the rules of a table draw, or None without at least two places.

    Args:
        rules: Its rules.
        box: Where it is.
        height: Typical height of its text in pixels.
    """
    apart = 0.45 * height
    ys = levels(rules.horizontal, apart=apart, first=box[1], last=box[3])
    xs = levels(rules.vertical, apart=apart, first=box[0], last=box[2])
    rows, cols = len(ys) - 1, len(xs) - 1
    if rows * cols < 2:
        return None
    together: list[tuple[Place, Place]] = []
    for r in range(rows):
        for c in range(cols):
            if c + 1 < cols:
                share = covered(rules.vertical, xs[c + 1], ys[r], ys[r + 1], apart=apart)
                if share < COVERED:
                    together.append(((r, c), (r, c + 1)))
            if r + 1 < rows:
                share = covered(rules.horizontal, ys[r + 1], xs[c], xs[c + 1], apart=apart)
                if share < COVERED:
                    together.append(((r, c), (r + 1, c)))
    return assemble(ys, xs, together, "rules")
