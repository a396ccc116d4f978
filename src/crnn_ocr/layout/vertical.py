"""Join columns of upright characters, or lines turned by a quarter, that are side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from crnn_ocr.layout.frame import Box

#: Most ratio of the widths of two columns of one text.
_WIDTH_RATIO = 1.8
#: Most white space between two columns of one text, in column widths.
_GAP = 1.5
#: Least share of the shorter column that is beside the longer one.
_BESIDE = 0.5
#: Least white space between two tiers of columns, in column widths.
_TIER = 0.8
#: Most columns that are searched for tiers, and most groups that are searched for neighbours. They bound
#: time, and no page has so many.
_MOST_IN_TIERS, _MOST_GROUPS = 200, 30
#: For a column of one or two characters: most ratio of its width to its neighbour's, and least height in
#: widths.
_SHORT_WIDTH_RATIO, _SHORT_HEIGHT = 1.3, 0.8


def join_columns(boxes: Sequence[Box]) -> list[Box]:
    """Join tall boxes that are beside each other into one unit.

    Columns of vertical Chinese and of text turned clockwise are read from right to left, text turned
    anticlockwise is read from left to right. A single tall box stays as it is.

    Args:
        boxes: All boxes of the page.

    Returns:
        The boxes with each group replaced by one, sorted from top to bottom, then from left to right.
    """
    standing = sorted((box for box in boxes if box.tall), key=lambda box: (box.left, box.top))
    groups: list[list[Box]] = []
    for box in standing:
        home = next((group for group in reversed(groups[-8:]) if _beside(group[-1], box)), None)
        if home is None:
            groups.append([box])
        else:
            home.append(box)
    rest = [box for box in boxes if not box.tall]
    if 1 < len(groups) <= _MOST_GROUPS and _is_vertical(standing, rest):
        groups = _joined_across(groups, rest)
    rest += [group[0] for group in groups if len(group) == 1]
    groups = [group for group in groups if len(group) > 1]
    for group in groups:
        _add_short_columns(group, rest)
    return sorted([*rest, *map(_unit, groups)], key=lambda box: (box.top, box.left, box.bottom, box.right))


def _beside(one: Box, other: Box) -> bool:
    """Return whether `other` may be the next column to the right of `one`."""
    narrow, wide = sorted((one.width, other.width))
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return (
        wide <= _WIDTH_RATIO * narrow
        and -narrow / 2 <= other.left - one.right <= _GAP * wide
        and shared >= _BESIDE * min(one.height, other.height)
        and one.downward == other.downward
    )


def _is_vertical(standing: Sequence[Box], rest: Sequence[Box]) -> bool:
    """Return whether columns that are read downwards cover most of the page's text area."""
    return sum(box.width * box.height for box in standing if box.downward) > sum(
        box.width * box.height for box in rest
    ) + sum(box.width * box.height for box in standing if not box.downward)


def _joined_across(groups: Sequence[list[Box]], rest: Sequence[Box]) -> list[list[Box]]:
    """Join groups that are side by side; the boxes of each result are sorted from left to right."""
    joined: list[list[Box]] = []
    for group in sorted(groups, key=lambda group: group[0].left):
        homes = [home for home in joined if _across(_around(home), _around(group), rest)]
        joined = [home for home in joined if not any(home is other for other in homes)]
        joined.append(sorted([box for home in [*homes, group] for box in home], key=_from_left))
    return joined


def _across(one: Box, other: Box, rest: Sequence[Box]) -> bool:
    """Return whether `other` is to the right of `one` with only paper between them."""
    top, bottom = max(one.top, other.top), min(one.bottom, other.bottom)
    return (
        one.downward
        and other.downward
        and bottom - top >= _BESIDE * min(one.height, other.height)
        and not any(
            one.right < box.left + box.right - one.right
            and box.left + box.right < one.right + other.left
            and top < box.middle < bottom
            for box in rest
        )
    )


def _add_short_columns(group: list[Box], rest: list[Box]) -> None:
    """Move short last columns, of one or two characters, from `rest` to the left of the group."""
    while group[0].downward:
        first = group[0]
        short = next((box for box in rest if not box.tall and _ends(first, box)), None)
        if short is None:
            return
        rest.remove(short)
        group.insert(0, short)


def _ends(first: Box, box: Box) -> bool:
    """Return whether a box is beside the top of the text's last column and about as wide."""
    narrow, wide = sorted((first.width, box.width))
    return (
        wide <= _SHORT_WIDTH_RATIO * narrow
        and -narrow / 2 <= first.left - box.right <= _GAP * wide
        and abs(box.top - first.top) < wide
        and box.height > _SHORT_HEIGHT * box.width
    )


def _unit(group: Sequence[Box]) -> Box:
    ordered = _right_to_left(group) if group[0].downward else group
    return replace(_around(group), members=tuple(index for box in ordered for index in box.members))


def _around(group: Sequence[Box]) -> Box:
    """Return the bounding box of a group, without members."""
    return Box(
        min(box.left for box in group),
        min(box.top for box in group),
        max(box.right for box in group),
        max(box.bottom for box in group),
        (),
        group[0].downward,
    )


def _right_to_left(group: Sequence[Box]) -> list[Box]:
    """Sort columns into reading order: by tiers if white space separates all of them, else from the right."""
    ordered: list[Box] = []
    rest = sorted(group, key=lambda box: (box.top, box.left))
    while rest:
        if len(rest) > _MOST_IN_TIERS:
            return [*ordered, *sorted(rest, key=lambda box: (-box.left - box.right, box.top))]
        tiers = _tiers(rest)
        if len(tiers) > 1:
            return [*ordered, *(box for tier in tiers for box in _right_to_left(tier))]
        rightmost = max(rest, key=lambda box: (box.left + box.right, -box.top))
        # Boxes above or below it are pieces of the same column.
        column = [
            box
            for box in rest
            if rightmost.left + rightmost.right - box.left - box.right <= min(rightmost.width, box.width)
        ]
        ordered += column
        rest = [box for box in rest if not any(box is other for other in column)]
    return ordered


def _tiers(boxes: Sequence[Box]) -> list[list[Box]]:
    """Cut boxes, sorted from the top, where white space higher than a blank cell runs through."""
    white = _TIER * median(box.width for box in boxes)
    tiers: list[list[Box]] = []
    edge = -float("inf")
    for box in boxes:
        if tiers and box.top - edge <= white:
            tiers[-1].append(box)
        else:
            tiers.append([box])
        edge = max(edge, box.bottom)
    return tiers


def _from_left(box: Box) -> tuple[float, float]:
    return box.left, box.top
