"""Finds the nets of rules on a page: rules that cross, with text in the places between them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from crnn_ocr.tables.grid import Box
from crnn_ocr.tables.grids.ruled import covered
from crnn_ocr.tables.rules import Rule, Rules
from crnn_ocr.tables.words import Word

#: Share of each of its four sides that rules cover if a net is closed.
_CLOSED = 0.85
#: Share of its width that the rules between the rows of a closed net run along.
_LONG = 0.6
#: Least number of columns of a closed net: beside a frame with amounts stand the words that belong to them.
_COLUMNS = 2
#: Length in heights of text below which the end of a vertical rule beyond the first or last rule is no row.
_END = 1.25
#: Least share of the width and of the height of an area that a net takes if it frames the area.
_FRAME = 0.8


@dataclass(frozen=True, slots=True)
class Net:
    """Rules that are connected.

    Attributes:
        box: The area around them.
        closed: Whether rules run along all four sides, and divide rows and columns between. Then nothing
            outside belongs to the table.
    """

    box: Box
    closed: bool


def find_nets(rules: Rules, words: Sequence[Word], height: float) -> list[Net]:
    """Return the nets of a page, with at least two by two places and text in several of them.

    One may lie within another: a table in a frame around the page.

    Args:
        rules: The rules of the page.
        words: Its words.
        height: Typical height of text in pixels.
    """
    nets = []
    for flat, upright in _connected(rules, height):
        if len(flat) < 2 or not upright or len(flat) + len(upright) < 5:
            continue
        box = _without_ends(_extent(flat, upright), flat, height)
        if len(words_in(words, box)) >= 3:
            nets.append(Net(box, _is_closed(flat, upright, box, height)))
    return sorted(nets, key=lambda net: net.box)


def without_frame(rules: Rules, box: Box, height: float) -> Rules:
    """Return the rules inside an area, but for those of nets as large as it: they frame what stands in it."""
    flat: list[Rule] = []
    upright: list[Rule] = []
    for across, down in _connected(rules, height):
        extent = _extent(across, down)
        sides = [(extent[2] - extent[0]) / (box[2] - box[0]), (extent[3] - extent[1]) / (box[3] - box[1])]
        if overlap(extent, box) and min(sides) < _FRAME:
            flat += across
            upright += down
    return Rules(tuple(sorted(flat, key=_place)), tuple(sorted(upright, key=_place)))


def _without_ends(box: Box, flat: Sequence[Rule], height: float) -> Box:
    """Return the area of a net without short ends of vertical rules above its first and below its last rule.

    They are strokes of letters above a rule, or rules drawn too long, and would take a line of text in.
    """
    left, top, right, bottom = box
    long = [rule.at for rule in flat if covered(flat, rule.at, left, right, apart=0.6 * height) >= _CLOSED]
    if len(long) < 2:
        return box
    first, last = min(long), max(long)
    top = first if first - top < _END * height else top
    bottom = last if bottom - last < _END * height else bottom
    return left, top, right, bottom


def _place(rule: Rule) -> tuple[float, float, float]:
    return rule.at, rule.start, rule.end


def _extent(flat: Sequence[Rule], upright: Sequence[Rule]) -> Box:
    return (
        min([rule.start for rule in flat] + [rule.at for rule in upright]),
        min([rule.at for rule in flat] + [rule.start for rule in upright]),
        max([rule.end for rule in flat] + [rule.at for rule in upright]),
        max([rule.at for rule in flat] + [rule.end for rule in upright]),
    )


def _connected(rules: Rules, height: float) -> list[tuple[list[Rule], list[Rule]]]:
    """Return the horizontal and vertical rules of each net; rules that nearly meet are connected."""
    lines = [*rules.horizontal, *rules.vertical]
    parent = list(range(len(lines)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    slack = 0.6 * height
    count = len(rules.horizontal)
    for i, across in enumerate(rules.horizontal):
        for j, down in enumerate(rules.vertical):
            if (
                across.start - slack <= down.at <= across.end + slack
                and down.start - slack <= across.at <= down.end + slack
            ):
                parent[root(count + j)] = root(i)
    nets: dict[int, tuple[list[Rule], list[Rule]]] = {}
    for index, rule in enumerate(lines):
        nets.setdefault(root(index), ([], []))[index >= count].append(rule)
    return list(nets.values())


def _is_closed(flat: Sequence[Rule], upright: Sequence[Rule], box: Box, height: float) -> bool:
    left, top, right, bottom = box
    near = 0.6 * height
    sides = [covered(flat, at, left, right, apart=near) for at in (top, bottom)]
    sides += [covered(upright, at, top, bottom, apart=near) for at in (left, right)]
    if min(sides) < _CLOSED or _levels(upright, near) < _COLUMNS + 1:
        return False
    return (
        _levels([rule for rule in flat if covered(flat, rule.at, left, right, apart=near) >= _LONG], near) > 2
    )


def _levels(rules: Sequence[Rule], near: float) -> int:
    """Return the number of rules, those closer together than `near` counted once."""
    places = sorted(rule.at for rule in rules)
    return sum(at - before > near for before, at in itertools.pairwise([float("-inf"), *places]))


def overlap(a: Box, b: Box) -> bool:
    """Return whether two areas share more than an edge."""
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


def around(a: Box, b: Box) -> Box:
    """Return the area around two."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def words_in(words: Sequence[Word], box: Box) -> list[Word]:
    """Return the words whose middles lie in an area."""
    return [word for word in words if holds(box, word)]


def holds(box: Box, word: Word) -> bool:
    """Return whether the middle of a word lies in an area."""
    return box[0] < word.middle < box[2] and box[1] < word.level < box[3]
