"""Put the characters of a page into lines, by their places and their order in the page's content.

All functions work in the frame in which the text runs to the right. PDFs say little about lines: characters
come in the order in which a program drew them, one by one or in words, often without blanks, sometimes twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.imaging.pdf.text_pieces import (
    BLANK,
    BLANK_HAN,
    EM,
    SAME_ROW,
    TWICE,
    Bools,
    Effort,
    Floats,
    Piece,
    is_han,
    joined,
    without_second_prints,
)

# Gaps between characters that follow one another in the content, in em. Columns are further apart than the
# widest split. Cells of tables and words of justified text overlap between the two: the words of a row have
# similar gaps, so a gap divides the row if it is twice their median.
_SPLIT, _WIDEST_SPLIT = 0.9, 1.5
_BACK = -0.5
#: Narrowest gap that counts as one between words, in em.
_WORDS = 0.12
#: Columns of upright characters: fewest characters, and the least and largest pitch in widths.
_LEAST_COLUMN, _PITCH = 3, (0.7, 1.35)
#: Least height of a line as a share of its box from ascent to descent; dashes and dots would have none.
_LEAST_HEIGHT = 0.6

_LIGATURES = dict(
    zip(map(chr, range(0xFB00, 0xFB07)), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True)
)
_LIGATURE = re.compile("[\ufb00-\ufb06]")


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Characters without white space, in the order of the content.

    Attributes:
        codes: (n,) code points.
        boxes: (n, 4) left, top, right and bottom of advance, ascent and descent, in pixels of the frame.
        ink: (n, 4) the same of their ink.
        blank: (n,) whether the PDF has white space before them.
        guessed: (n,) whether only PDFium has put white space before them.
    """

    codes: NDArray[np.uint32]
    boxes: Floats
    ink: Floats
    blank: Bools
    guessed: Bools

    def __getitem__(self, chosen: Any) -> Glyphs:
        return Glyphs(
            self.codes[chosen],
            self.boxes[chosen],
            self.ink[chosen],
            self.blank[chosen],
            self.guessed[chosen],
        )


def lines_of(glyphs: Glyphs, effort: Effort | None = None) -> list[Piece]:
    """Return the lines of a page's characters that run in one direction, in the order of the content.

    Args:
        glyphs: The characters.
        effort: Counts the work on the page; by default on these characters alone.

    Raises:
        CrowdedPageError: The page has too many parts of lines, or too many at the same place.
    """
    effort = effort or Effort()
    glyphs = _once(_with_shared_boxes_divided(glyphs))
    if not len(glyphs.codes):
        return []
    pieces = []
    for piece in _pieces(glyphs):
        effort.add_piece()
        pieces.append(piece)
    pieces = _with_columns(without_second_prints(pieces, effort))
    return [_with_ligatures_apart(piece) for piece in joined(pieces, effort)]


def _with_shared_boxes_divided(glyphs: Glyphs) -> Glyphs:
    """Return the characters with places of their own: PDFium gives those of a ligature the same box."""
    if len(glyphs.codes) < 2:
        return glyphs
    # An equal character in exactly the same box is a second print, except in ligatures such as ff and ffi.
    other = (glyphs.codes[1:] != glyphs.codes[:-1]) | (glyphs.codes[1:] == ord("f"))
    same = (glyphs.boxes[1:] == glyphs.boxes[:-1]).all(axis=1) & other
    if not same.any():
        return glyphs
    group = np.cumsum(np.concatenate([[True], ~same])) - 1
    size = np.bincount(group)[group]
    place = np.arange(len(group)) - np.searchsorted(group, group)
    left, width = glyphs.boxes[:, 0], glyphs.boxes[:, 2] - glyphs.boxes[:, 0]
    boxes = glyphs.boxes.copy()
    boxes[:, 0] = left + width * place / size
    boxes[:, 2] = left + width * (place + 1) / size
    return replace(glyphs, boxes=boxes)


def _once(glyphs: Glyphs) -> Glyphs:
    """Return the characters without those that are printed a second time right after the first."""
    if len(glyphs.codes) < 2:
        return glyphs
    size = (glyphs.boxes[:, 2:] - glyphs.boxes[:, :2])[1:]
    offset = np.abs(np.diff(glyphs.boxes[:, :2], axis=0))
    twice = (glyphs.codes[1:] == glyphs.codes[:-1]) & (offset < TWICE * size).all(axis=1)
    return glyphs[np.concatenate([[True], ~twice])] if twice.any() else glyphs


def _pieces(glyphs: Glyphs) -> Iterator[Piece]:
    """Divide the characters where the next one does not continue the line."""
    left, top, right, bottom = glyphs.boxes.T
    height = bottom - top
    em = EM * np.maximum(height[1:], height[:-1])
    overlap = np.minimum(bottom[1:], bottom[:-1]) - np.maximum(top[1:], top[:-1])
    gap = left[1:] - right[:-1]
    apart = (overlap < SAME_ROW * np.minimum(height[1:], height[:-1])) | (gap > _WIDEST_SPLIT * em)
    apart |= gap < _BACK * em
    apart |= _between_cells(apart, gap / np.maximum(em, 1e-6))
    han = is_han(glyphs.codes)
    both = han[1:] & han[:-1]
    blank = glyphs.blank[1:] & ~(both & glyphs.guessed[1:] & (gap < BLANK_HAN * em))
    blank |= gap > np.where(both, BLANK_HAN, BLANK) * em
    blank &= ~apart
    # A soft hyphen is seen at the end of a line only.
    soft = _is_soft(glyphs.codes)
    ends = np.concatenate([apart, [True]])
    codes = np.where(soft, ord("-"), glyphs.codes).astype("<u4")
    keep = ~soft | ends
    places = np.flatnonzero(blank) + 1
    codes = np.insert(codes, places, ord(" "))
    keep = np.insert(keep, places, True)
    starts = np.insert(left, places, right[places - 1])
    stops = np.insert(right, places, np.maximum(left[places], right[places - 1]))
    text = codes.tobytes().decode("utf-32-le", "replace")
    edges = np.stack([starts, np.maximum(starts, stops)], axis=1)
    added = np.cumsum(np.concatenate([[False], blank]))
    cuts = np.concatenate([[0], np.flatnonzero(apart) + 1, [len(glyphs.codes)]])
    firsts = cuts[:-1]
    mids = (np.add.reduceat(top, firsts) + np.add.reduceat(bottom, firsts)) / 2 / np.diff(cuts)
    half = np.add.reduceat(height, firsts) / 2 / np.diff(cuts)
    boxes = np.stack(
        [
            np.minimum.reduceat(left, firsts),
            np.minimum(np.minimum.reduceat(glyphs.ink[:, 1], firsts), mids - _LEAST_HEIGHT * half),
            np.maximum.reduceat(right, firsts),
            np.maximum(np.maximum.reduceat(glyphs.ink[:, 3], firsts), mids + _LEAST_HEIGHT * half),
        ],
        axis=1,
    ).tolist()
    bands = np.stack([mids - half, mids + half], axis=1).tolist()
    begin = (firsts + added[firsts]).tolist()
    finish = [*begin[1:], len(text)]
    whole = bool(keep.all())
    for start, stop, box, band in zip(begin, finish, boxes, bands, strict=True):
        part, own = text[start:stop], edges[start:stop]
        if not whole:
            chosen = keep[start:stop]
            part, own = "".join(char for char, good in zip(part, chosen, strict=True) if good), own[chosen]
        if part:
            yield Piece(part, own, tuple(box), tuple(band))


def _between_cells(apart: Bools, gaps: Floats) -> Bools:
    """Return which gaps of rows are too wide for words.

    Args:
        apart: (n - 1,) where rows end.
        gaps: (n - 1,) gaps in em.
    """
    found = np.zeros(len(gaps), bool)
    wide = (gaps > _SPLIT) & ~apart
    if not wide.any():
        return found
    cuts = np.concatenate([[0], np.flatnonzero(apart) + 1, [len(gaps)]])
    rows = np.searchsorted(cuts, np.flatnonzero(wide), "right") - 1
    for row in sorted(set(rows.tolist())):
        own = slice(cuts[row], cuts[row + 1])
        words = gaps[own][(gaps[own] > _WORDS) & ~apart[own]]
        median = float(np.median(words))
        limit = _SPLIT if median > _SPLIT else min(max(_SPLIT, 2 * median), _WIDEST_SPLIT)
        found[own] = wide[own] & (gaps[own] > limit)
    return found


def _is_soft(codes: NDArray[np.uint32]) -> Bools:
    """Return which characters are soft hyphens; PDFium marks some with 2 or U+FFFE."""
    return np.asarray((codes == 0xAD) | (codes == 2) | (codes == 0xFFFE))


def _with_columns(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the parts, with single Han characters that follow one another downwards joined to columns."""
    found: list[Piece] = []
    chain: list[Piece] = []
    for piece in (*pieces, None):
        if piece is not None and chain and _continues_down(chain[-1], piece):
            chain.append(piece)
            continue
        found += [_column(chain)] if len(chain) >= _LEAST_COLUMN else chain
        chain = [] if piece is None else [piece]
    return found


def _continues_down(above: Piece, below: Piece) -> bool:
    if len(above.text) != 1 or len(below.text) != 1:
        return False
    if not is_han(np.array([ord(above.text), ord(below.text)], np.uint32)).all():
        return False
    size = max(max(piece.em / EM, piece.box[2] - piece.box[0]) for piece in (above, below))
    across = abs((above.box[0] + above.box[2]) - (below.box[0] + below.box[2])) / 2
    # Punctuation stands in the upper right corner of its square.
    return across < 0.5 * size and _PITCH[0] * size < below.middle - above.middle < _PITCH[1] * size


def _column(chain: Sequence[Piece]) -> Piece:
    box = (
        min(piece.box[0] for piece in chain),
        chain[0].box[1],
        max(piece.box[2] for piece in chain),
        max(piece.box[3] for piece in chain),
    )
    cuts = [box[1], *((a.box[3] + b.box[1]) / 2 for a, b in pairwise(chain)), box[3]]
    edges = np.stack([cuts[:-1], np.maximum.accumulate(cuts[1:])], axis=1)
    return Piece("".join(piece.text for piece in chain), edges, box, (box[1], box[3]), column=True)


def _with_ligatures_apart(piece: Piece) -> Piece:
    """Return the line with ligatures written as single letters, which share the ligature's place."""
    if not _LIGATURE.search(piece.text):
        return piece
    text: list[str] = []
    edges: list[tuple[float, float]] = []
    for char, (start, end) in zip(piece.text, piece.edges.tolist(), strict=True):
        letters = _LIGATURES.get(char, char)
        step = (end - start) / len(letters)
        text += letters
        edges += [(start + place * step, start + (place + 1) * step) for place in range(len(letters))]
    piece.text, piece.edges = "".join(text), np.array(edges)
    return piece
