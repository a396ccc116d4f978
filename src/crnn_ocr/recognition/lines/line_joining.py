"""Join regions that are one line: their polygons, texts and characters (pure functions)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from crnn_ocr.document import Point
from crnn_ocr.recognition.lines.regions import ReadRegion
from crnn_ocr.recognition.network.recognizer import ReadChar, Reading


def join_lines(found: Sequence[ReadRegion], groups: Sequence[Sequence[int]]) -> list[ReadRegion]:
    """Join each group of regions to one line.

    Args:
        found: Regions that were read.
        groups: Indices of the regions of each line, in the order of its text; no index occurs twice.

    Returns:
        The regions in their order; a joined region takes the place of the first of its group.
    """
    lines = {group[0]: join_regions([found[i] for i in group]) for group in groups}
    within = {i for group in groups for i in group[1:]}
    return [lines.get(i, entry) for i, entry in enumerate(found) if i not in within]


def join_regions(parts: Sequence[ReadRegion]) -> ReadRegion:
    """Join regions on one row to a line, with blanks between them.

    The line has the direction of the longest region. Its confidence is the product of theirs, because it is
    right only if all of them are.

    Args:
        parts: Regions from left to right, all of them read as they stand.
    """
    (ax, ay), (bx, by), _, _ = max((part.polygon for part in parts), key=lambda p: math.dist(p[0], p[1]))
    length = math.dist((ax, ay), (bx, by)) or 1.0
    cosine, sine = (bx - ax) / length, (by - ay) / length
    corners = [(x * cosine + y * sine, y * cosine - x * sine) for part in parts for x, y in part.polygon]
    left, right = min(x for x, _ in corners), max(x for x, _ in corners)
    top, bottom = min(y for _, y in corners), max(y for _, y in corners)

    def back(x: float, y: float) -> Point:
        return x * cosine - y * sine, x * sine + y * cosine

    chars: list[ReadChar] = []
    for part, at in zip(parts, range(0, len(corners), 4), strict=True):
        (a, _), (b, _), (c, _), (d, _) = corners[at : at + 4]
        start, width = (a + d) / 2, (b + c - a - d) / 2
        placed = [
            replace(char, start=start + char.start * width, end=start + char.end * width)
            for char in part.reading.chars
        ]
        if len(placed) == 1:  # the region of a single character may be much wider than the character
            placed = [replace(placed[0], end=min(placed[0].end, start + bottom - top))]
        if chars and placed:
            chars.append(_blank(chars, placed))
        chars += placed
    span = (right - left) or 1.0
    fractions = tuple(
        replace(char, start=(char.start - left) / span, end=(char.end - left) / span) for char in chars
    )
    reading = Reading(
        " ".join(part.reading.text for part in parts),
        math.prod(part.reading.confidence for part in parts),
        fractions,
    )
    return ReadRegion((back(left, top), back(right, top), back(right, bottom), back(left, bottom)), reading)


def _blank(before: list[ReadChar], after: Sequence[ReadChar]) -> ReadChar:
    """Return the blank between two parts; if they overlap, shorten the character before it."""
    last, following = before[-1], after[0]
    end = max(last.start, min(last.end, following.start))
    before[-1] = last = replace(last, end=end)
    return ReadChar(
        " ",
        min(last.confidence, following.confidence),
        end,
        max(end, following.start),
        min(last.share, following.share),
    )
