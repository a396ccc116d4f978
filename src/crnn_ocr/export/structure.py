"""Find out which blocks of a page belong together: captions and their objects, lists. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from crnn_ocr.document import Block, BlockKind

#: A bullet, or a number with a dot or a bracket, before the text of a list item.
_MARKER = re.compile(r"\s*(?:(?P<bullet>[•·●○◦▪■□◆◇‣*–—-])|(?P<number>\d{1,9})(?P<sign>[.)]))\s+(?=\S)")

#: Depth of lists that all programs show, Word's own limit among them; it bounds the indents of hostile lists.
_DEEPEST = 9


def caption_owners(blocks: Sequence[Block]) -> dict[int, int]:
    """Return which table or figure every caption belongs to, as places among the blocks.

    A caption belongs to the neighbour in reading order; where there is one on either side, to the table below
    it or the figure above it, as books place them. A table or figure gets at most one caption; captions
    without a neighbour are left out.
    """
    owners: dict[int, int] = {}
    owned: set[int] = set()
    # The usual places first, then what is left.
    for step, kinds in ((1, ("table",)), (-1, ("figure",)), (-1, ("table",)), (1, ("figure",))):
        for index, block in enumerate(blocks):
            other = index + step
            if block.kind != "caption" or index in owners or not 0 <= other < len(blocks):
                continue
            if blocks[other].kind in kinds and other not in owned:
                owners[index] = other
                owned.add(other)
    return owners


def run_of(blocks: Sequence[Block], start: int, kind: BlockKind) -> int:
    """Return the end of the run of blocks of one kind that begins at `start`, itself excluded."""
    end = start
    while end < len(blocks) and blocks[end].kind == kind:
        end += 1
    return end


def depths(items: Sequence[Block]) -> list[int]:
    """Return the depths of list items, 1 to 9, so that none is more than one deeper than the one before."""
    found: list[int] = []
    for item in items:
        found.append(max(1, min(item.level, (found[-1] if found else 0) + 1, _DEEPEST)))
    return found


def split_marker(text: str) -> tuple[str, str, str]:
    """Return the marker of a list item's text: its number, its sign, and the rest.

    Returns:
        ("", "•", rest) for a bullet, ("3", ".", rest) for a number, ("", "", text) if there is neither.
    """
    match = _MARKER.match(text)
    if match is None:
        return "", "", text
    rest = text[match.end() :]
    return match["number"] or "", match["sign"] or match["bullet"], rest
