"""Tell captions from text that only mentions a figure or a table."""

from __future__ import annotations

from collections.abc import Sequence

from crnn_ocr.layout.blocks.markers import caption_start
from crnn_ocr.layout.blocks.pieces import Piece
from crnn_ocr.layout.frame import Box

#: Most distance of a caption from its figure or table, in sizes of its type.
_NEAR = 3.5
#: Most lines of a caption beside a figure or table, and of one whose figure was not found.
_MOST_LINES, _MOST_ALONE = 8, 3
#: Most lines of one whose number was detected as a line of its own.
_MOST_PARTS = 4
#: Most distance of its middle from its column's middle, in sizes of its type, of a centred line.
_CENTRED = 1.5


def mark_captions(
    pieces: Sequence[Piece], units: Sequence[Box], columns: Sequence[tuple[float, float]]
) -> None:
    """Set the kind of the pieces that are captions.

    Args:
        pieces: The pieces of the page in reading order.
        units: Boxes of its tables and figures, in the frame of the pieces.
        columns: Left and right edge of the column in which each piece stands.
    """
    for piece, (left, right) in zip(pieces, columns, strict=True):
        if piece.kind not in ("paragraph", "heading") or piece.tall:
            continue
        if piece.grid and len(piece.lines) > _MOST_PARTS:
            continue
        start = caption_start(piece.text)
        if start is None:
            continue
        near = any(_distance(piece.box, unit) < _NEAR * piece.size for unit in units)
        middle = abs(piece.box.left + piece.box.right - left - right) / 2 < _CENTRED * piece.size
        centred = middle and piece.box.width < 0.95 * (right - left)
        count = len(piece.lines)
        beside = near and (start.apart or centred) and count <= _MOST_LINES
        alone = start.apart and count <= _MOST_ALONE and not piece.text.endswith(("。", "；"))
        if beside or alone:
            piece.kind, piece.level = "caption", 0


def _distance(one: Box, other: Box) -> float:
    """Return the distance of two boxes that are above, below or beside each other."""
    across = max(one.left - other.right, other.left - one.right)
    down = max(one.top - other.bottom, other.top - one.bottom)
    return max(across, down, 0.0) if min(across, down) < 0 else float("inf")
