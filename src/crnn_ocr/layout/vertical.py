"""Text that stands: columns of upright characters and lines turned by a quarter, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from crnn_ocr.layout.frame import Box

#: Columns of one text are about equally wide, at most this ratio.
_WIDTH_RATIO = 1.8
#: The white between two columns of one text, at most, in column widths.
_GAP = 1.5
#: The share of the shorter column that lies beside the longer one, at least.
_BESIDE = 0.5
#: A column of one or two characters is as wide as its neighbour, and not flat.
_SHORT_WIDTH_RATIO, _SHORT_HEIGHT = 1.3, 0.8


def join_columns(boxes: Sequence[Box]) -> list[Box]:
    """Make one unit of standing lines beside each other.

    Vertical Chinese and text turned clockwise run from right to left, text turned anticlockwise from left
    to right. A single standing line stays as it is.
    """
    standing = sorted((box for box in boxes if box.tall), key=lambda box: (box.left, box.top))
    groups: list[list[Box]] = []
    for box in standing:
        home = next((group for group in reversed(groups[-8:]) if _beside(group[-1], box)), None)
        if home is None:
            groups.append([box])
        else:
            home.append(box)
    rest = [box for box in boxes if not box.tall] + [group[0] for group in groups if len(group) == 1]
    groups = [group for group in groups if len(group) > 1]
    for group in groups:
        _add_short_columns(group, rest)
    return sorted([*rest, *map(_unit, groups)], key=lambda box: (box.top, box.left, box.bottom, box.right))


def _beside(one: Box, other: Box) -> bool:
    """Whether `other` may be the next column to the right of `one`."""
    narrow, wide = sorted((one.width, other.width))
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return (
        wide <= _WIDTH_RATIO * narrow
        and -narrow / 2 <= other.left - one.right <= _GAP * wide
        and shared >= _BESIDE * min(one.height, other.height)
        and one.downward == other.downward
    )


def _add_short_columns(group: list[Box], rest: list[Box]) -> None:
    """Move boxes that end the text, a column of a character or two, from `rest` to the left of the group."""
    while group[0].downward:
        first = group[0]
        short = next((box for box in rest if not box.tall and _ends(first, box)), None)
        if short is None:
            return
        rest.remove(short)
        group.insert(0, short)


def _ends(first: Box, box: Box) -> bool:
    """Whether a box stands beside the top of the text's last column so far, and is as wide."""
    narrow, wide = sorted((first.width, box.width))
    return (
        wide <= _SHORT_WIDTH_RATIO * narrow
        and -narrow / 2 <= first.left - box.right <= _GAP * wide
        and abs(box.top - first.top) < wide
        and box.height > _SHORT_HEIGHT * box.width
    )


def _unit(group: Sequence[Box]) -> Box:
    ordered = list(reversed(group)) if group[0].downward else list(group)
    return Box(
        min(box.left for box in group),
        min(box.top for box in group),
        max(box.right for box in group),
        max(box.bottom for box in group),
        tuple(index for box in ordered for index in box.members),
        group[0].downward,
    )
