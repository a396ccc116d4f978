"""Tell the items of lists from lines that only begin like one, and how deep they stand."""

from __future__ import annotations

import re
from collections.abc import Sequence

from crnn_ocr.layout.blocks.markers import is_bullet, list_marker
from crnn_ocr.layout.blocks.pieces import Piece, TextLine

#: How many lines further on the next item of the same list is looked for.
_REACH = 14
#: Most distance, in sizes of the type, of the left edges of items of one list.
_FLUSH = 1.0
#: Ratio of type sizes from which two lines are no items of one list. Sizes of one typeface, measured on Latin
#: and on Chinese lines, differ by up to 1.2.
_OTHER_SIZE = 1.25
_HAN_DIGITS = "零一二三四五六七八九十"
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"


def item_lines(texts: Sequence[str], lefts: Sequence[float], sizes: Sequence[float]) -> list[bool]:
    """Return for each line, in reading order, whether it begins an item of a list.

    A bullet is enough. A number or a letter needs the one before or after it near by, at the same indent:
    "A." may be a name, and "1." may be anything.

    Args:
        texts: The lines' texts.
        lefts: Their left edges in pixels.
        sizes: Sizes of their type in pixels.
    """
    markers = [list_marker(text) for text in texts]
    found = [marker is not None and is_bullet(marker) for marker in markers]
    for at, marker in enumerate(markers):
        if marker is None or is_bullet(marker):
            continue
        for other in range(at + 1, min(at + 1 + _REACH, len(texts))):
            mate = markers[other]
            if mate is None or mate.style != marker.style:
                continue
            if abs(lefts[at] - lefts[other]) > _FLUSH * max(sizes[at], sizes[other]):
                continue
            if _follows(texts[at][: marker.end + 2], texts[other][: mate.end + 2], marker.style):
                found[at] = found[other] = True
                break
    return found


def _follows(text: str, following: str, style: str) -> bool:
    """Return whether the marker of `following` is the next one of its kind."""
    if style.startswith("bullet"):
        return True
    one, other = _ordinal(text), _ordinal(following)
    return one is not None and other is not None and other == one + 1


def _ordinal(text: str) -> int | None:
    if digits := re.search(r"\d+", text):
        return int(digits[0])
    if circled := re.search(f"[{_CIRCLED}]", text):
        return _CIRCLED.index(circled[0]) + 1
    if han := re.search(f"[{_HAN_DIGITS}]+", text):
        return _han_ordinal(han[0])
    if letter := re.search(r"[a-zA-Z]", text):
        return ord(letter[0].lower())
    return None


def _han_ordinal(number: str) -> int:
    """Return a Chinese number up to ninety-nine."""
    tens, ten, ones = number.rpartition("十")
    if not ten:
        return _HAN_DIGITS.index(number[-1])
    return (_HAN_DIGITS.index(tens[-1]) if tens else 1) * 10 + (_HAN_DIGITS.index(ones[0]) if ones else 0)


def mark_items(pieces: Sequence[Piece]) -> None:
    """Set kind and depth of the pieces that are items; depths count from 1 in each run of items."""
    run: list[Piece] = []
    for piece in [*pieces, None]:
        if piece is not None and piece.kind == "paragraph" and piece.lines[0].item and not piece.grid:
            if run and not _one_size(run[-1], piece):  # such as a numbered heading above its list
                _set_depths(run)
                run = []
            run.append(piece)
            continue
        # A paragraph between two items is part of the list as people see it, but ends the run here.
        _set_depths(run)
        run = []


def _one_size(one: Piece, other: Piece) -> bool:
    first, second = one.lines[0].look.size, other.lines[0].look.size
    return max(first, second) <= _OTHER_SIZE * min(first, second)


def _set_depths(run: Sequence[Piece]) -> None:
    steps: list[float] = []
    former = 0.0
    for piece in sorted(run, key=lambda piece: piece.lines[0].box.left):
        left = piece.lines[0].box.left
        if not steps or left - former > _FLUSH * piece.lines[0].look.size:
            steps.append(left)
        former = left
    for piece in run:
        line: TextLine = piece.lines[0]
        piece.kind = "list_item"
        piece.level = max(1, sum(line.box.left >= step - 1e-6 for step in steps))
