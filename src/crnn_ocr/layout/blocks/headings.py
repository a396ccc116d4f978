"""Tell headings from paragraphs by points: size, weight, number, place, and what they say.

No single sign is enough on a page with text; on receipts, forms and screenshots, where short lines of all
sizes stand everywhere, only the largest line at the top can be one. A wrong heading costs more than a missed
one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from crnn_ocr.layout.blocks.markers import heading_depth, is_chapter
from crnn_ocr.layout.blocks.pieces import Piece, TextLine
from crnn_ocr.recognition.network.charset import is_han

# The points were set by looking at 90 pages: papers, books, reports, forms, receipts and screenshots.
#: Points of a piece from which it is a heading.
_ENOUGH = 2.5
#: Points by least ratio of the size to the body's, and of the weight to the body's.
_SIZES = ((1.5, 3.0), (1.25, 2.0), (1.12, 1.0), (0.9, 0.0), (0.0, -2.0))
_WEIGHTS = ((1.45, 2.0), (1.22, 1.2), (0.0, 0.0))
#: Points for a number: of a chapter, of several parts, of another kind.
_CHAPTER, _DECIMAL, _NUMBER = 2.5, 2.0, 1.5
#: Points for white space above, being centred, capitals, and text below.
_WHITE, _CENTRED, _CAPITALS, _FOLLOWED = 0.5, 0.5, 0.7, 0.5
#: Points for the end of a sentence, a comma, a colon, the field of a form, being long, and lacking words.
_SENTENCE, _CLAUSE, _COLON, _FIELD, _LONG, _NO_WORDS = -2.0, -1.0, -1.0, -2.0, -2.5, -4.0
#: Points for a number that belongs to a list.
_ITEM = -1.5
#: Most lines, and most characters of one script, of a heading.
_MOST_LINES, _MOST_HAN, _MOST_LATIN = 3, 40, 130
#: Least white space above, in sizes of the type.
_APART = 0.8
#: Least share of a page's characters that stand in text for it to be a page with text; and for its lines.
_TEXT_SHARE, _TEXT_LINES, _TEXT_LENGTH = 0.3, 2, 12.0
#: Least ratio of the size of a heading on another page, and the share of the page's height it stands in.
_LONE, _LONE_WITHIN = 1.6, 0.35
#: Most share of the pieces that are headings; beyond it the page is something else.
_MOST_SHARE = 0.45
_FIELD_NAME = re.compile(r"[^：:]{1,10}[：:]\s*\S")
_VALUE = re.compile(r"[\W\d_年月日元号点时分]*")


@dataclass(frozen=True, slots=True)
class Body:
    """The type of a page's text.

    Attributes:
        size: Its size in pixels.
        wide: Weight of its Chinese lines; 0 if unknown.
        narrow: Weight of its other lines; 0 if unknown.
    """

    size: float
    wide: float
    narrow: float

    def weight_ratio(self, line: TextLine) -> float:
        """Return how much heavier a line is than the body's lines of its script; 1 if that is unknown."""
        usual = self.wide if line.look.wide else self.narrow
        return line.look.weight / usual if usual and line.look.weight else 1.0


def body_of(lines: Sequence[TextLine]) -> Body:
    """Return the type that most characters of the page are set in."""
    weighed = [line for line in lines if line.look.weight]
    return Body(
        _usual([(line.look.size, len(line.text)) for line in lines]),
        _usual([(line.look.weight, len(line.text)) for line in weighed if line.look.wide]),
        _usual([(line.look.weight, len(line.text)) for line in weighed if not line.look.wide]),
    )


def _usual(values: Sequence[tuple[float, int]]) -> float:
    """Return the median of weighted values; 0 if there are none."""
    half, seen = sum(count for _, count in values) / 2, 0.0
    for value, count in sorted(values):
        seen += count
        if seen >= half:
            return value
    return 0.0


def has_text(pieces: Sequence[Piece]) -> bool:
    """Return whether a page has running text, as documents do and receipts and screenshots do not."""
    total = sum(len(line.text) for piece in pieces for line in piece.lines)
    text = sum(len(line.text) for piece in pieces if _is_text(piece) for line in piece.lines)
    return total > 0 and text >= _TEXT_SHARE * total


def _is_text(piece: Piece) -> bool:
    if piece.grid or piece.tall:
        return False
    size = piece.size
    long = sum(line.box.width >= _TEXT_LENGTH * size for line in piece.lines)
    if piece.kind == "list_item":
        return long >= 1
    return len(piece.lines) >= _TEXT_LINES and 2 * long >= len(piece.lines)


def mark_headings(
    pieces: Sequence[Piece], columns: Sequence[tuple[float, float]], body: Body, height: float
) -> None:
    """Set the kind of the pieces that are headings.

    Args:
        pieces: The pieces of the page in reading order.
        columns: Left and right edge of the column in which each piece stands.
        body: The type of the page's text.
        height: Height of the page in pixels.
    """
    if not body.size:
        return
    if not has_text(pieces):
        _mark_title(pieces, body, height)
        return
    found: list[tuple[float, Piece]] = []
    for at, piece in enumerate(pieces):
        if piece.kind not in ("paragraph", "list_item") or piece.grid or piece.tall:
            continue
        points = _points(pieces, at, columns[at], body)
        if points >= _ENOUGH:
            found.append((points, piece))
    most = max(1, round(_MOST_SHARE * len(pieces)))
    if len(found) > most:
        least = sorted((points for points, _ in found), reverse=True)[most - 1]
        found = [(points, piece) for points, piece in found if points > max(least, _ENOUGH + 1)]
    for _, piece in found:
        piece.kind = "heading"


def _mark_title(pieces: Sequence[Piece], body: Body, height: float) -> None:
    """Mark the largest piece of a page without text if it stands alone at the top."""
    large = [
        piece
        for piece in pieces
        if piece.kind == "paragraph"
        and not piece.grid
        and not piece.tall
        and len(piece.lines) <= 2
        and piece.size >= _LONE * body.size
        and _words(piece.text)
    ]
    if len(large) != 1 or len(pieces) < 3:
        return
    (piece,) = large
    if piece.box.bottom < _LONE_WITHIN * height and not piece.text.endswith(("。", "，", "：", ":")):
        piece.kind = "heading"


def _points(pieces: Sequence[Piece], at: int, column: tuple[float, float], body: Body) -> float:
    piece = pieces[at]
    text, size = piece.text, piece.size
    before = pieces[at - 1] if at else None
    after = pieces[at + 1] if at + 1 < len(pieces) else None
    if len(piece.lines) > _MOST_LINES:
        return -_ENOUGH
    points = _step(size / body.size, _SIZES) + _step(median(map(body.weight_ratio, piece.lines)), _WEIGHTS)
    points += _number_points(text, piece, after)
    white = _white(before, piece)
    if white is None or white > _APART * max(size, body.size):
        points += _WHITE
    left, right = column
    middle = abs(piece.box.left + piece.box.right - left - right) / 2
    if middle < size and piece.box.left - left > 2 * size:
        points += _CENTRED
    if after is None:
        points -= _FOLLOWED
    elif _is_text(after) or after.kind == "list_item" or len(after.text) > 1.5 * len(text):
        points += _FOLLOWED
    return points + _word_points(text)


def _number_points(text: str, piece: Piece, after: Piece | None) -> float:
    # A title with the next number stands above a text of its own; an item, above the next item.
    titled = after is not None and after.kind == "paragraph" and _is_text(after) and len(piece.lines) == 1
    item = _ITEM if piece.lines[0].item and not titled else 0.0
    depth = heading_depth(text)
    if depth is None:
        return item
    points = _CHAPTER if is_chapter(text) else _DECIMAL if re.match(r"\s*\d+[.．]\d", text) else _NUMBER
    if re.match(r"\s*[（(]?[一二三四五六七八九十]", text) and len(text) <= 25:
        points = _DECIMAL
    return points + item


def _word_points(text: str) -> float:
    points = 0.0
    flat = text.replace("\n", "")
    if flat.endswith(("。", "；", ";", "，", ",", "、")) or (flat.endswith(".") and len(flat) > 30):
        points += _SENTENCE
    elif flat.endswith((":", "：")):
        points += _COLON
    elif _FIELD_NAME.match(flat) and not re.match(r"\s*(?:第|[\d.]+\s|(?i:chapter|part|step|section))", flat):
        points += _FIELD
    if "@" in flat or "://" in flat:
        points += _FIELD
    if sum(flat.count(sign) for sign in "，,；;。") >= 2 or "。" in flat[:-1]:
        points += _CLAUSE
    han = sum(map(is_han, flat))
    if han > _MOST_HAN or (not han and len(flat) > _MOST_LATIN):
        points += _LONG
    if not _words(flat):
        points += _NO_WORDS
    letters = [char for char in flat if char.isalpha() and not is_han(char)]
    if len(letters) >= 4 and not han and all(map(str.isupper, letters)):
        points += _CAPITALS
    return points


def _words(text: str) -> bool:
    """Return whether a text has words, and is not only a number, a date or an amount."""
    return sum(map(str.isalpha, text)) >= 2 and _VALUE.fullmatch(text) is None


def _step(value: float, steps: Sequence[tuple[float, float]]) -> float:
    return next(points for least, points in steps if value >= least)


def _white(above: Piece | None, piece: Piece) -> float | None:
    """Return the white space above a piece in pixels; None if it is the first of its column."""
    if above is None or above.box.top > piece.box.top:
        return None
    return piece.box.top - above.box.bottom
