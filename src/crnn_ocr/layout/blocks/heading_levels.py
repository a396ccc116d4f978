"""Decide the levels of headings from their size, weight and numbers; for a page and for a document alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from crnn_ocr.layout.blocks.markers import numbering_style

#: Sizes that differ by less than this ratio are the same: boxes of detected lines vary that much.
_SAME_SIZE = 1.12
#: Weights that differ by less than this ratio are the same.
_SAME_WEIGHT = 1.25
#: Largest level.
MOST_LEVELS = 6
#: Kinds of numbers from the highest level down, as Chinese and English documents nest them.
_NESTING = (
    "chapter",
    "section 1",
    "han and comma",
    "decimal 1",
    "han in brackets",
    "section 2",
    "decimal 2",
    "section 3",
    "decimal 3",
    "decimal 4",
    "decimal 5",
)


@dataclass(frozen=True, slots=True)
class HeadingLook:
    """What tells a heading's level.

    Attributes:
        text: Its text.
        size: Size of its type relative to the body's.
        weight: Weight of its strokes relative to the body's; 1 if unknown.
    """

    text: str
    size: float
    weight: float = 1.0


@dataclass(slots=True)
class _Class:
    """Headings that have one level."""

    style: str | None
    members: list[int]
    size: float
    weight: float


def heading_levels(headings: Sequence[HeadingLook]) -> list[int]:
    """Return the level of each heading, from 1.

    Headings with numbers of one kind have one level, whatever sizes were measured; others are grouped by size
    and weight. Larger groups of type stand higher; among equals, the kind of number decides.
    """
    classes = sorted(_classes(headings), key=lambda each: (-each.size, _rank(each.style), -each.weight))
    _nest(classes)
    levels = [1] * len(headings)
    level = 0
    above: _Class | None = None
    for each in classes:
        if above is None or not _same_level(above, each):
            level += 1
            above = each
        for member in each.members:
            levels[member] = min(level, MOST_LEVELS)
    return levels


def _classes(headings: Sequence[HeadingLook]) -> list[_Class]:
    by_style: dict[str, list[int]] = {}
    plain: list[int] = []
    for at, heading in enumerate(headings):
        style = numbering_style(heading.text)
        if style is None:
            plain.append(at)
        else:
            by_style.setdefault(style, []).append(at)
    found = [_class(style, members, headings) for style, members in by_style.items()]
    groups: list[list[int]] = []
    for at in sorted(plain, key=lambda at: (-headings[at].size, -headings[at].weight, at)):
        home = next((group for group in groups if _alike(headings[group[0]], headings[at])), None)
        if home is None:
            groups.append([at])
        else:
            home.append(at)
    return found + [_class(None, group, headings) for group in groups]


def _alike(one: HeadingLook, other: HeadingLook) -> bool:
    light, heavy = sorted((one.weight, other.weight))
    return one.size <= _SAME_SIZE * other.size and heavy <= _SAME_WEIGHT * light


def _class(style: str | None, members: list[int], headings: Sequence[HeadingLook]) -> _Class:
    return _Class(
        style,
        members,
        median(headings[at].size for at in members),
        median(headings[at].weight for at in members),
    )


def _rank(style: str | None) -> int:
    """Return the place of a kind of number in the usual nesting."""
    if style is None:
        return 0
    if style.startswith("chapter"):
        return 1 if style.endswith("节") else 0
    return next((2 + at for at, each in enumerate(_NESTING) if style == each), 2 + len(_NESTING))


def _nest(classes: list[_Class]) -> None:
    """Move numbered classes so that they follow each other as their numbers nest."""
    places = [at for at, each in enumerate(classes) if each.style is not None]
    nested = sorted((classes[at] for at in places), key=lambda each: (_rank(each.style), -each.size))
    for at, each in zip(places, nested, strict=True):
        classes[at] = each


def _same_level(above: _Class, below: _Class) -> bool:
    """Return whether two classes, one of them without numbers, look alike."""
    if above.style is not None and below.style is not None:
        return False
    small, large = sorted((above.size, below.size))
    light, heavy = sorted((above.weight, below.weight))
    if large > _SAME_SIZE * small or heavy > _SAME_WEIGHT * light:
        return False
    # "Abstract" stands beside "1 Introduction", not beside "2.1 Data".
    return _depth(above) == _depth(below)


def _depth(each: _Class) -> int:
    if each.style is None or each.style.startswith(("chapter", "han and comma")):
        return 1
    tail = each.style[-1]
    return int(tail) if tail.isdecimal() else 2
