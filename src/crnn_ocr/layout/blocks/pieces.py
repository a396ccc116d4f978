"""Cut the lines of a page into pieces that become one block each: paragraphs, items of lists, short lines.

Reading order has already cut where white space or the size of the type says so. Here the marker of a list
item, the weight of the strokes, the number of a heading, and a line that ends a paragraph start a new piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from crnn_ocr.document import BlockKind, Line
from crnn_ocr.layout.blocks.markers import heading_depth
from crnn_ocr.layout.frame import Box
from crnn_ocr.layout.picture.looks import Look
from crnn_ocr.layout.rows import aligned

# Distances below are in sizes of the type, unless something else is said.
#: Ratio of sizes, and of weights, above which a line does not continue the line above it.
_SIZE_RATIO, _WEIGHT_RATIO = 1.3, 1.4
#: The same ratio of sizes with some white space between the lines, and this white space.
_SIZE_RATIO_APART, _SOME_WHITE = 1.15, 0.5
#: White space beyond the page's usual that begins a piece, and the least that does.
_MORE_WHITE, _LEAST_WHITE = 0.5, 0.9
#: Least number of characters for a line's weight to count.
_WEIGHED = 3
#: White space to the right that a paragraph's last line leaves, beyond the room for a word.
_ENDS = 3.0
#: Most distance of left edges that agree.
_FLUSH = 0.8
#: Range of a hanging indent, and of a paragraph's first line.
_HANGING, _INDENT = (0.5, 4.5), (1.2, 3.6)
#: Most white space between lines of one item that reading order has cut.
_CONTINUES = 0.9
#: Signs at which a sentence ends.
SENTENCE_ENDS = tuple("。！？；.!?;：:…”」』")
#: Most length of a numbered heading in ems.
_SHORT = 26.0


@dataclass(frozen=True, slots=True, eq=False)
class TextLine:
    """A line with what was measured of it.

    Attributes:
        line: The line itself.
        box: Its box in the deskewed frame, in pixels.
        look: Its size and weight.
        item: Whether it begins with the marker of a list.
        bullet: Whether this marker stands before it in the picture, but not in its text.
    """

    line: Line
    box: Box
    look: Look
    item: bool = False
    bullet: bool = False

    @property
    def text(self) -> str:
        """Its text without white space at the ends."""
        return self.line.text.strip()


@dataclass(slots=True, eq=False)
class Piece:
    """Lines that become one block.

    Attributes:
        lines: The lines in reading order.
        kind: What it is taken for.
        level: Level of a heading, depth of a list item.
        grid: Whether several lines stand on one row, as in a form.
    """

    lines: list[TextLine]
    kind: BlockKind = "paragraph"
    level: int = 0
    grid: bool = False
    box: Box = field(init=False)

    def __post_init__(self) -> None:
        self.box = around([line.box for line in self.lines])

    @property
    def text(self) -> str:
        """Its lines, one per row."""
        return "\n".join(line.text for line in self.lines)

    @property
    def size(self) -> float:
        """Size of the type of its longest line in pixels."""
        return max(self.lines, key=lambda line: (len(line.text), line.look.size)).look.size

    @property
    def tall(self) -> bool:
        """Whether its text runs from top to bottom."""
        return any(line.box.tall for line in self.lines)


def around(boxes: Sequence[Box]) -> Box:
    """Return the box around boxes."""
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
        (),
    )


def usual_white(blocks: Sequence[Sequence[TextLine]]) -> float:
    """Return the white space between the lines of the page's paragraphs, in sizes of the type."""
    whites = sorted(
        max(0.0, below.box.top - above.box.bottom) / above.look.size
        for block in blocks
        for above, below in pairwise(block)
        if above.look.size and below.box.middle > above.box.bottom
    )
    return whites[len(whites) // 3] if whites else 0.0


def cut(lines: Sequence[TextLine], usual: float) -> list[Piece]:
    """Return the pieces of a block of the reading order, in this order.

    Args:
        lines: The lines of the block.
        usual: White space between the lines of paragraphs, see `usual_white`.
    """
    if any(line.box.tall for line in lines):
        return [Piece(list(lines))]
    rows = _rows(lines)
    if any(len(row) > 1 for row in rows):
        return _with_grids(rows, usual)
    return _cut_lines(lines, usual)


def _with_grids(rows: Sequence[list[TextLine]], usual: float) -> list[Piece]:
    """Return rows with several lines as one piece, and the text between them cut as usual."""
    pieces: list[Piece] = []
    run: list[TextLine] = []
    many = sum(len(row) > 1 for row in rows)
    if 2 * many >= len(rows):
        return [Piece([line for row in rows for line in row], grid=True)]
    grid: list[TextLine] = []
    for row in rows:
        if len(row) > 1:
            pieces += _cut_lines(run, usual)
            run = []
            grid += row
        else:
            if grid:
                pieces.append(Piece(grid, grid=True))
                grid = []
            run += row
    pieces += _cut_lines(run, usual)
    return [*pieces, Piece(grid, grid=True)] if grid else pieces


def _cut_lines(lines: Sequence[TextLine], usual: float) -> list[Piece]:
    if not lines:
        return []
    edge = max(line.box.right for line in lines)
    left = min(line.box.left for line in lines)
    groups = [[lines[0]]]
    for above, below in pairwise(lines):
        white = below.box.top - above.box.bottom
        least = max(_LEAST_WHITE, usual + _MORE_WHITE) * max(above.look.size, below.look.size)
        if white > least or _begins(above, below, left, edge, len(lines)):
            groups.append([])
        groups[-1].append(below)
    return [Piece(group) for group in groups]


def _begins(above: TextLine, below: TextLine, left: float, edge: float, count: int) -> bool:
    """Return whether `below` begins a piece; `left` and `edge` are the block's left and right edges."""
    if below.item or differ(above, below):
        return True
    size = above.look.size
    free = edge - above.box.right
    ended = above.text.endswith(SENTENCE_ENDS)
    if is_numbered_title(above, free) and not above.item:
        return True
    # Titles that follow each other, as 1 and 1.1, need no room beside them.
    if is_numbered_title(above, float("inf")) and is_numbered_title(below, float("inf")):
        return True
    if is_numbered_title(below, edge - below.box.right) and (ended or free > _ENDS * size):
        return True
    if above.item:
        # The lines of an item hang behind its marker, or its first line is full.
        indent = (below.box.left - above.box.left) / size if size else 0.0
        hangs = _HANGING[0] < indent < _HANGING[1] or (above.bullet and abs(indent) < _FLUSH)
        return free > _ENDS * size and not hangs
    indent = below.box.left - left
    if ended and _INDENT[0] * size < indent < _INDENT[1] * size and above.box.left - left < _FLUSH * size:
        return True
    return count > 2 and ended and free > (_ENDS + _first_word(below)) * size


def _first_word(line: TextLine) -> float:
    word = line.text.split(maxsplit=1)[0] if line.text else ""
    return min(len(word) / 2, 6.0)


def differ(above: TextLine, below: TextLine) -> bool:
    """Return whether two lines are of clearly different type."""
    low, high = sorted((above.look.size, below.look.size))
    apart = below.box.top - above.box.bottom > _SOME_WHITE * high
    if high > (_SIZE_RATIO_APART if apart else _SIZE_RATIO) * low:
        return True
    light, heavy = sorted((above.look.weight, below.look.weight))
    return (
        above.look.wide == below.look.wide
        and min(len(above.text), len(below.text)) >= _WEIGHED
        and 0 < light * _WEIGHT_RATIO < heavy
    )


def is_numbered_title(line: TextLine, free: float) -> bool:
    """Return whether a line has a heading's number and ends early without ending a sentence."""
    return (
        heading_depth(line.text) is not None
        and not line.text.endswith((*SENTENCE_ENDS, "，", ",", "、"))
        and free > 2 * line.look.size
        and line.box.width < _SHORT * line.look.size
    )


def _rows(lines: Sequence[TextLine]) -> list[list[TextLine]]:
    rows: list[list[TextLine]] = []
    for line in lines:
        if rows and aligned(rows[-1][-1].box, line.box) and line.box.left > rows[-1][-1].box.left:
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def join_items(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces with the hanging lines of list items joined to them."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and _hangs(joined[-1], piece):
            joined[-1] = Piece([*joined[-1].lines, *piece.lines])
        else:
            joined.append(piece)
    return joined


def _hangs(item: Piece, piece: Piece) -> bool:
    first, last, line = item.lines[0], item.lines[-1], piece.lines[0]
    if not first.item or line.item or piece.grid or piece.tall or item.grid or differ(first, line):
        return False
    size = first.look.size
    indent = (line.box.left - first.box.left) / size if size else 0.0
    continues = len(item.lines) > 1 and abs(line.box.left - last.box.left) < _FLUSH * size
    return (
        (_HANGING[0] < indent < _HANGING[1] or continues or (first.bullet and abs(indent) < _FLUSH))
        and abs(max(each.box.right for each in item.lines) - last.box.right) < _ENDS * size
        and -size < line.box.top - last.box.bottom < _CONTINUES * size
        and not (last.text.endswith(SENTENCE_ENDS) and indent > _HANGING[1] / 2)
        and heading_depth(line.text) is None
    )
