"""Choose the scale and the tiles in which a picture is shown to the detector (pure functions).

Pictures of ordinary shape are scaled so that their longer side is `side`, and shown whole. Long pictures
(receipts, chat screenshots of 20,000 pixels) would lose their text that way, so they are scaled by their
shorter side and shown in overlapping tiles. The tiles' probability maps are joined instead of their boxes,
each up to the middle of the overlap. So a line on a seam is found once and whole.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

#: Ratio of the sides above which a picture counts as long.
LONG = 2.0


@dataclass(frozen=True, slots=True)
class Span:
    """The extent of one tile along one axis, in map pixels.

    Attributes:
        start: First pixel that the tile shows.
        stop: One past the last pixel that it shows.
        keep_start: First pixel for which the tile's result is used.
        keep_stop: One past the last pixel for which it is used.
    """

    start: int
    stop: int
    keep_start: int
    keep_stop: int


def working_scale(width: int, height: int, side: int) -> float:
    """Return the number of map pixels per picture pixel, at most 1.

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
        overlap: Least number of pixels that neighbours share; less than half of `tile`.

    Returns:
        Tiles in order; the parts that are used follow one another without gaps and cover the axis.

    Raises:
        ValueError: `length`, `tile` or `overlap` is out of range.
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
