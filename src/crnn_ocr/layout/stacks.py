"""Tell whether characters found one below the other are a column or the cells of a table.

Detectors find widely spaced characters of a short column separately, and find the cells of a table's column
(男, 女, 男) in the same way. Cells are on the same rows as the other cells of the table. The characters of a
column, such as a label beside several rows, have their own pitch, so they meet these rows only by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from crnn_ocr.document import Polygon
from crnn_ocr.layout.frame import Box, upright_boxes

#: Least height of a character, in widths of its box; a dash that was read as 一 is lower.
_HEIGHT = 0.75
# Lengths are in widths of the boxes, which are about 1.3 times as wide as the characters.
#: Most ratio of the widths of two boxes of one column, and most horizontal distance of their middles.
_WIDTH_RATIO, _OFF_COLUMN = 1.5, 0.3
#: Most overlap and most distance of neighbouring boxes of one column.
_OVERLAP, _APART = 0.6, 0.7
#: Largest pitch of characters, and the largest deviation from it, as a share of the pitch.
_PITCH, _UNEVEN = 1.5, 0.3
#: Most distance of middles, in heights, at which a line is beside a character, and at which it is on its row.
_BESIDE, _ON_ROW = 0.75, 0.15
#: Least number of characters that form a column even with nothing beside them.
_ALONE = 3


def find_stacks(polygons: Sequence[Polygon], counts: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Find lines that are pieces of one column.

    Args:
        polygons: The lines' corners in pixels, as for `order.reading_order`.
        counts: Number of upright characters, one below the other, in each line: 1 for a single character, 0
            for other lines.

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
    """Group pieces that are closely below one another, from top to bottom."""
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
        # Only the nearest line on each side; farther ones belong to another part of the page.
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
