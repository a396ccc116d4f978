"""Tell headers, footers, page numbers and footnotes of one page, where one page is enough to tell."""

from __future__ import annotations

from collections.abc import Sequence

from crnn_ocr.layout.blocks.markers import frames_page_number, is_plain_number, note_marker, page_number
from crnn_ocr.layout.blocks.pieces import Piece, TextLine, around
from crnn_ocr.layout.picture.rules import longest_rule
from crnn_ocr.layout.rows import aligned
from crnn_ocr.pixels import Pixels

#: Share of the page's height at its top and bottom in which headers and footers stand.
EDGE = 0.12
#: Least white space between them and the body, in sizes of the type; and without another sign.
_APART, _FAR_APART = 0.9, 2.0
#: The same beside a page number or a rule.
_SIGNED_APART = 0.3
#: Larger type than this many times the body's is a title; short numbers measure larger than they are.
_LARGE = 1.45
#: Type of this share of the body's size is small.
_SMALL = 0.92
#: Least share of the page's text width of a rule under a header, and of a rule over footnotes.
_HEADER_RULE, _NOTE_RULE = 0.5, 0.08
#: Footnotes begin below this share of the page.
_NOTES_BELOW = 0.45
#: Most distance of a lone number from the middle or the outer edges of the text, as a share of its width.
_PLACED = 0.08


def take_margins(
    image: Pixels, lines: Sequence[TextLine], body: float
) -> tuple[list[Piece], list[Piece], list[TextLine]]:
    """Return the pieces at the top, those at the bottom, and the other lines.

    Only what shows itself is taken: page numbers at the edge, and lines beside one, above or below a rule, or
    small and far away. What is repeated on other pages is told by the whole document.

    Args:
        image: The upright page.
        lines: Its lines from top to bottom.
        body: Size of the body's type in pixels.
    """
    rows = _rows(lines)
    text = around([line.box for line in lines])
    height = image.shape[0]
    taken: set[int] = set()
    top: list[Piece] = []
    bottom: list[Piece] = []
    if len(rows) > 3 and not any(line.box.tall for line in (*rows[0], *rows[-1])):
        top = _edge_pieces(image, rows[0], rows[1], text.left, text.right, body, height)
        bottom = _edge_pieces(image, rows[-1], rows[-2], text.left, text.right, body, height)
        taken = {id(line) for piece in (*top, *bottom) for line in piece.lines}
    return top, bottom, [line for line in lines if id(line) not in taken]


def _edge_pieces(
    image: Pixels,
    row: Sequence[TextLine],
    beside: Sequence[TextLine],
    left: float,
    right: float,
    body: float,
    height: int,
) -> list[Piece]:
    """Return the pieces of the first or last row; none if it seems to belong to the body."""
    box, inner = around([line.box for line in row]), around([line.box for line in beside])
    above = box.middle < inner.middle
    if (box.bottom > EDGE * height) if above else (box.top < (1 - EDGE) * height):
        return []
    white = inner.top - box.bottom if above else box.top - inner.bottom
    if white < _SIGNED_APART * body or any(line.look.size > _LARGE * body for line in row):
        return []
    numbers = [line for line in row if _is_page_number(line, left, right, len(row))]
    ruled = _ruled(row, beside, image, above) >= _HEADER_RULE * (right - left)
    small = all(line.look.size < _SMALL * body for line in row)
    numbered = bool(numbers) or any(frames_page_number(line.text) for line in row)
    if not (numbered or ruled) and white < _APART * body:
        return []
    words = [line for line in row if line not in numbers]
    pieces = [Piece([line], "page_number") for line in numbers]
    if words and (numbered or ruled or (small and white > _FAR_APART * body)):
        pieces.insert(0, Piece(words, "header" if above else "footer", grid=len(words) > 1))
    return pieces


def _is_page_number(line: TextLine, left: float, right: float, count: int) -> bool:
    """Return whether a line is a page number; a plain number must stand where page numbers do."""
    if page_number(line.text) is None:
        return False
    if not is_plain_number(line.text) or (len(line.text) > 2 and not line.text.isalnum()):
        return True
    width = right - left
    places = (
        abs(line.box.left + line.box.right - left - right) / 2,
        abs(line.box.left - left),
        abs(line.box.right - right),
    )
    return count <= 3 and min(places) < _PLACED * width


def _ruled(row: Sequence[TextLine], beside: Sequence[TextLine], image: Pixels, above: bool) -> float:
    """Return the length of the longest rule between a row and the next one."""
    upper, lower = (row, beside) if above else (beside, row)
    corners = [point for line in (*row, *beside) for point in line.line.polygon]
    return longest_rule(
        image,
        min(x for x, _ in corners),
        max(y for line in upper for _, y in line.line.polygon) + 1,
        max(x for x, _ in corners),
        min(y for line in lower for _, y in line.line.polygon) - 1,
    )


def _rows(lines: Sequence[TextLine]) -> list[list[TextLine]]:
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: (line.box.middle, line.box.left)):
        if rows and aligned(rows[-1][0].box, line.box):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.box.left) for row in rows]


def mark_footnotes(image: Pixels, pieces: Sequence[Piece], body: float) -> None:
    """Set the kind of the pieces at a column's foot that are footnotes.

    They are in small type, nothing but more of them stands below, and the first of them begins with a mark or
    follows a rule; without either, small type at the foot may be anything.
    """
    height = image.shape[0]
    run: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: (-piece.box.top, piece.box.left)):
        if piece.kind not in ("paragraph", "list_item") or piece.grid or piece.tall:
            continue
        if piece.box.top < _NOTES_BELOW * height or piece.size >= _SMALL * body:
            continue
        below = [other for other in pieces if other is not piece and _is_below(piece, other)]
        if any(not any(other is note for note in run) for other in below):
            continue
        run.append(piece)
        if note_marker(piece.text) or _rule_above(image, piece, pieces):
            for note in (piece, *(other for other in below if other.kind in ("paragraph", "list_item"))):
                note.kind, note.level = "footnote", 0


def _is_below(piece: Piece, other: Piece) -> bool:
    """Return whether a piece of the body is below another one in the same column."""
    return (
        other.kind not in ("footer", "page_number")
        and other.box.top >= piece.box.bottom - piece.size
        and min(other.box.right, piece.box.right) > max(other.box.left, piece.box.left)
    )


def _rule_above(image: Pixels, piece: Piece, pieces: Sequence[Piece]) -> bool:
    above = [
        other
        for other in pieces
        if other.box.bottom <= piece.box.top + piece.size
        and min(other.box.right, piece.box.right) > max(other.box.left, piece.box.left)
        and other is not piece
    ]
    if not above:
        return False
    nearest = max(above, key=lambda other: other.box.bottom)
    width = piece.box.right - piece.box.left
    tops = [y for _, y in piece.lines[0].line.polygon]
    lefts = [x for line in piece.lines for x, _ in line.line.polygon]
    rule = longest_rule(
        image,
        min(lefts),
        max(y for _, y in nearest.lines[-1].line.polygon) + 1,
        max(lefts),
        min(tops) - 1,
    )
    return rule >= max(_NOTE_RULE * width, 2 * piece.size)
