"""Characters found one below the other: a label that stands beside rows, or the cells of a table's column?

Detectors part the characters of a short column that are wide apart, and find those of a table's column
(男, 女, 男) in the same way. Cells stand on the rows of the other cells. The characters of a label have a
pitch of their own, so that they meet the rows beside them only by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from crnn_ocr.document import Polygon
from crnn_ocr.layout.frame import Box, upright_boxes

#: Characters are so high, in widths of their box, at least: a dash that was read as 一 is not.
_HEIGHT = 0.75
# Lengths are in widths of the boxes, which are about 1.3 times as wide as their characters.
#: The widths of two boxes of one stack differ by this ratio at most, and so far may their middles be apart.
_WIDTH_RATIO, _OFF_COLUMN = 1.5, 0.3
#: Boxes of one stack overlap by so much, and are so far apart, at most.
_OVERLAP, _APART = 0.6, 0.7
#: The largest distance of characters, and by how much of it single ones may differ.
_PITCH, _UNEVEN = 1.5, 0.3
#: A line is beside a character if their middles are so near, in heights, and on one row with it, if so near.
_BESIDE, _ON_ROW = 0.75, 0.15
#: So many characters are a column though nothing is beside them.
_ALONE = 3


def find_stacks(polygons: Sequence[Polygon], counts: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Find the lines of which each is a piece of a column.

    Args:
        polygons: The lines' corners in pixels, as for `order.reading_order`.
        counts: How many upright characters each line has below one another, 1 for a single one; 0 for lines
            that are something else.

    Returns:
        Indices of the pieces of each column, two or more, from top to bottom.
    """
    if sum(count > 0 for count in counts) < 2:
        return ()
    boxes = upright_boxes(polygons)
    pieces = [box for box in boxes if box.height >= _HEIGHT * box.width * counts[box.members[0]] > 0]
    found = []
    for chain in _chains(pieces):
        if len(chain) < 2:
            continue
        own = {id(box) for box in chain}
        others = [box for box in boxes if id(box) not in own and not box.tall]
        if _is_column(chain, counts, others):
            found.append(tuple(box.members[0] for box in chain))
    return tuple(found)


def _chains(pieces: Sequence[Box]) -> list[list[Box]]:
    """Pieces closely below one another, from top to bottom."""
    chains: list[list[Box]] = []
    for box in pieces:
        chain = next((chain for chain in reversed(chains) if _below(chain[-1], box)), None)
        if chain is None:
            chains.append([box])
        else:
            chain.append(box)
    return chains


def _below(upper: Box, box: Box) -> bool:
    narrow, wide = sorted((upper.width, box.width))
    return (
        wide <= _WIDTH_RATIO * narrow
        and abs(upper.left + upper.right - box.left - box.right) <= 2 * _OFF_COLUMN * wide
        and -_OVERLAP * narrow <= box.top - upper.bottom <= _APART * wide
    )


def _is_column(chain: Sequence[Box], counts: Sequence[int], others: Sequence[Box]) -> bool:
    size = median(box.width for box in chain)
    middles = [
        box.top + (i + 0.5) * box.height / counts[box.members[0]]
        for box in chain
        for i in range(counts[box.members[0]])
    ]
    pitches = [below - above for above, below in pairwise(middles)]
    pitch = median(pitches)
    if not 0 < pitch <= _PITCH * size or max(abs(each - pitch) for each in pitches) > _UNEVEN * pitch:
        return False
    left, right = min(box.left for box in chain), max(box.right for box in chain)
    on_row = beside = 0
    for middle in middles:
        near = [box for box in others if abs(box.middle - middle) <= _BESIDE * max(size, box.height)]
        # Of each side the line that is nearest: farther ones are of another part of the page.
        sides = (
            min(
                (box for box in near if box.left >= right - size / 2), key=lambda box: box.left, default=None
            ),
            max(
                (box for box in near if box.right <= left + size / 2), key=lambda box: box.right, default=None
            ),
        )
        offs = [abs(box.middle - middle) / min(size, box.height) for box in sides if box is not None]
        beside += bool(offs)
        on_row += any(off <= _ON_ROW for off in offs)
    return 2 * on_row <= beside if beside else len(middles) >= _ALONE
