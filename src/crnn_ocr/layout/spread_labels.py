"""Find labels whose characters are spread to the width of their neighbours: `项    目：`, `联  系  人：`.

Forms set short labels as wide as long ones, and a detector finds the characters of such a label separately.
They belong to one line. But table cells with one character each, or the days in the head of a calendar, look
the same. So the characters are joined only if a colon ends the label, or if a longer label above or below has
the same edges.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from crnn_ocr.document import Polygon
from crnn_ocr.layout.frame import Box, upright_boxes

_HAN = r"[\u3400-\u9fff]"
#: Part of a spread label, its last part with a colon, and a label that is not spread.
_PART = re.compile(rf"{_HAN}(?: {_HAN})*")
_END = re.compile(rf"{_HAN}(?: {_HAN})*[：:]")
_WHOLE = re.compile(rf"({_HAN}{{3,8}})[：:]?")
#: Single characters that are cells of their own: numbers, days of the week, answers.
_ALONE = frozenset("一二三四五六七八九十是否有无男女优良中差左右上下东南西北甲乙丙丁对错大小")
#: List items and speakers, which stand before a colon but do not end a spread label.
_NAMED = frozenset("甲乙丙丁")
#: Most pieces of a spread label.
_MOST = 4
#: Most white space between two pieces, in heights of the lower one: a label of two characters as wide as one
#: of six.
_GAP = 4.0
#: Most overlap of two pieces, in the same unit, because the detector's boxes of single characters are wide.
_OVERLAP = 1.0
#: Most distance of the pieces' middles, in heights of the left one, and most ratio of their heights.
_OFF_MIDDLE, _HEIGHT_RATIO = 0.35, 1.6
#: Most distance of the edges of labels one above the other, and of the labels themselves, in line heights.
_OFF_EDGE, _NEAR = 0.5, 6.0


def find_spread_labels(polygons: Sequence[Polygon], texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Return which regions form one line because they are one spread label.

    Args:
        polygons: Corners of the regions in pixels, clockwise from the text's own top left.
        texts: The texts of the regions.

    Returns:
        The indices of the regions of each spread label from left to right, two at least; no index occurs
        twice.
    """
    if not any(_PART.fullmatch(text) for text in texts):
        return []
    boxes = sorted(upright_boxes(polygons), key=lambda box: (box.middle, box.left))
    boxes = [box for box in boxes if texts[box.members[0]]]
    rows = {}
    for box in boxes:
        if _is_part(box, texts):
            following = _following(box, boxes)
            if following is not None and (_is_part(following, texts) or _END.match(_text(following, texts))):
                rows[box] = following
    wholes = [box for box in boxes if _WHOLE.fullmatch(_text(box, texts))]
    found: list[tuple[int, ...]] = []
    used: set[Box] = set()
    for first in sorted(rows.keys() - set(rows.values()), key=lambda box: box.members):
        chain = [first]
        while chain[-1] in rows and len(chain) <= _MOST:
            chain.append(rows[chain[-1]])
        if len(chain) <= _MOST and used.isdisjoint(chain) and _is_label(chain, wholes, texts):
            found.append(tuple(piece.members[0] for piece in chain))
            used.update(chain)
    return found


def _following(box: Box, boxes: Sequence[Box]) -> Box | None:
    """Return the next box to the right on the same row; `boxes` are sorted by their middles."""
    off = _OFF_MIDDLE * box.height
    low = bisect_left(boxes, box.middle - off, key=lambda other: other.middle)
    high = bisect_right(boxes, box.middle + off, key=lambda other: other.middle)
    beside = [other for other in boxes[low:high] if other.left > box.left and _centre(other) > _centre(box)]
    following = min(beside, key=lambda other: (other.left, other.top), default=None)
    return following if following is not None and _fit(box, following) else None


def _fit(one: Box, other: Box) -> bool:
    """Return whether two boxes on a row are close and similar enough in height to be pieces of a label."""
    low, high = sorted((one.height, other.height))
    return high < _HEIGHT_RATIO * low and -_OVERLAP * low < other.left - one.right < _GAP * low


def _is_label(chain: Sequence[Box], wholes: Sequence[Box], texts: Sequence[str]) -> bool:
    """Return whether a colon ends the label, or a longer label above or below has the same edges."""
    said = [_text(box, texts) for box in chain]
    if not _ALONE.isdisjoint(said):
        return False
    if _END.match(said[-1]):
        return said[-1][0] not in _NAMED
    return any(_same_edges(chain, whole) for whole in wholes)


def _same_edges(chain: Sequence[Box], other: Box) -> bool:
    height = min(box.height for box in (*chain, other))
    white = max(other.top - chain[0].bottom, chain[0].top - other.bottom)
    return (
        abs(other.middle - chain[0].middle) > height / 2
        and white < _NEAR * height
        and abs(chain[0].left - other.left) < _OFF_EDGE * height
        and abs(chain[-1].right - other.right) < _OFF_EDGE * height
    )


def _centre(box: Box) -> float:
    return (box.left + box.right) / 2


def _is_part(box: Box, texts: Sequence[str]) -> bool:
    return _PART.fullmatch(_text(box, texts)) is not None


def _text(box: Box, texts: Sequence[str]) -> str:
    return texts[box.members[0]]
