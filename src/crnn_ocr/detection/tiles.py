"""At which size, and in which pieces, a picture is shown to the detector: pure.

Pictures of ordinary shape are scaled so that their longer side is `side` and shown whole. Long ones
(receipts, chat screenshots of 20,000 pixels) would lose their text that way: they are scaled by their
shorter side and shown in overlapping tiles. The tiles' probability maps, not their boxes, are joined, each
up to the middle of the overlap: a line on a seam is found once, whole.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

#: Pictures longer than this many times their short side count as long.
LONG = 2.0


@dataclass(frozen=True, slots=True)
class Span:
    """One tile along one axis, in map pixels.

    Attributes:
        start: First pixel that the tile shows.
        stop: Behind the last pixel that it shows.
        keep_start: First pixel for which the tile is trusted.
        keep_stop: Behind the last pixel for which it is trusted.
    """

    start: int
    stop: int
    keep_start: int
    keep_stop: int


def working_scale(width: int, height: int, side: int) -> float:
    """Map pixels per picture pixel, at most 1.

    Args:
        width: Picture width in pixels.
        height: Picture height in pixels.
        side: Wanted longer side of an ordinary picture, in pixels.
    """
    shorter, longer = sorted((width, height))
    return min(1.0, side / min(longer, LONG * shorter))


def spans(length: int, *, tile: int, overlap: int) -> tuple[Span, ...]:
    """Cut an axis into equal overlapping tiles.

    Args:
        length: Pixels of the axis, at least 1.
        tile: Longest tile, in pixels.
        overlap: Pixels that neighbours share at least; less than half of `tile`.

    Returns:
        Tiles in order; their trusted parts follow one another without gap and cover the axis.
    """
    if length < 1 or not 0 <= overlap < tile // 2:
        raise ValueError(f"cannot cut {length} px into tiles of {tile} px with {overlap} px overlap")
    if length <= tile:
        return (Span(0, length, 0, length),)
    count = -(-(length - overlap) // (tile - overlap))
    size = -(-(length + (count - 1) * overlap) // count)
    starts = [round(i * (length - size) / (count - 1)) for i in range(count)]
    borders = [0]
    borders += [(left + size + right) // 2 for left, right in itertools.pairwise(starts)]
    borders.append(length)
    return tuple(
        Span(start, start + size, keep_start, keep_stop)
        for start, keep_start, keep_stop in zip(starts, borders, borders[1:], strict=False)
    )
