"""Join parts of lines that do not follow one another in the content, and drop those printed a second time.

A page may hold a hundred thousand characters, each at a place of its own and in any order, so parts are
compared with those near them only. A page made to bring too many of them near one another is given up.
"""

from __future__ import annotations

import heapq
import math
from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Height of the em as a share of the box from ascent to descent: fonts have 1.0 to 1.45 em between the two.
EM = 0.8
#: Gap from which there is a blank although the PDF has none: between two Han characters, and otherwise.
BLANK_HAN, BLANK = 0.6, 0.3
#: Share of the lower of two boxes that the higher one must cover to stand on the same line.
SAME_ROW = 0.5
#: A second print of a character is offset by less than this share of its size.
TWICE = 0.3
#: Widest gap at which parts that do not follow one another in the content belong to one line, in em.
_JOIN = 0.45
#: Parts of a line have at most this ratio between their em.
_LARGEST_RATIO = 2
#: Parts of lines that a page may have, and how often they may be compared. Measured: 15,000 digits on a page,
#: each a part, took 21,000 comparisons; 30,000 characters at random places took 80,000, and 1.4 s.
MOST_PIECES, MOST_COMPARED = 30_000, 1_000_000
#: Steps between two looks at the ticket.
_STEPS = 5_000


class CrowdedPageError(Exception):
    """A page has too many parts of lines, or too many of them at the same place."""


class Effort:
    """Counts the work on the text of one page, and ends it where it is too much.

    Attributes:
        compared: How often parts of lines have been compared.
    """

    def __init__(self, check: Callable[[], None] | None = None) -> None:
        """Begin with nothing done.

        Args:
            check: Raises an error if the text is no longer needed; called between steps.
        """
        self._check = check
        self._pieces = self.compared = self._steps = 0

    def add_piece(self) -> None:
        """Count a part of a line.

        Raises:
            CrowdedPageError: The page has too many.
        """
        self._pieces += 1
        if self._pieces > MOST_PIECES:
            raise CrowdedPageError
        self._step(1)

    def compare(self, count: int) -> None:
        """Count comparisons.

        Raises:
            CrowdedPageError: The page takes too many.
        """
        self.compared += count
        if self.compared > MOST_COMPARED:
            raise CrowdedPageError
        self._step(count)

    def _step(self, count: int) -> None:
        self._steps += count
        if self._steps >= _STEPS:
            self._steps = 0
            if self._check is not None:
                self._check()


@dataclass(slots=True)
class Piece:
    """A line, or a part of one.

    Attributes:
        text: Its characters; blanks between words are among them.
        edges: (n, 2) start and end of every character along the line, in pixels.
        box: Left, top, right and bottom of its ink, in pixels.
        band: Top and bottom of its ascent and descent, in pixels.
        column: Whether its characters are one below the other.
    """

    text: str
    edges: Floats
    box: tuple[float, float, float, float]
    band: tuple[float, float]
    column: bool = False

    @property
    def em(self) -> float:
        """Its em in pixels."""
        return EM * (self.band[1] - self.band[0])

    @property
    def middle(self) -> float:
        """Height of its middle in pixels."""
        return (self.band[0] + self.band[1]) / 2

    def shares(self) -> array[float]:
        """Return start and end of every character as shares of the box."""
        start, end = (self.box[1], self.box[3]) if self.column else (self.box[0], self.box[2])
        shares = (self.edges - start) / max(end - start, 1e-6)
        return array("f", np.clip(shares, 0, 1).astype(np.float32).tobytes())


def is_han(codes: NDArray[np.uint32]) -> Bools:
    """Return which characters are written without blanks: Han, kana, and their punctuation."""
    return np.asarray(
        ((codes >= 0x2E80) & (codes < 0xA000))
        | ((codes >= 0xF900) & (codes < 0xFB00))
        | ((codes >= 0xFF00) & (codes < 0xFFF0))
        | ((codes >= 0x20000) & (codes < 0x32000))
    )


# ---- second prints -----------------------------------------------------------------------------------


def without_second_prints(pieces: Sequence[Piece], effort: Effort) -> list[Piece]:
    """Return the parts without those that are printed once more over an equal one, to look bold.

    Raises:
        CrowdedPageError: Too many equal ones are near one another.
    """
    nears = [TWICE * piece.em for piece in pieces]
    # Parts of a text are in one grid for each power of two of their sizes: what is near a part, as its own
    # size tells, is in at most nine cells of the grid of that size.
    sizes: dict[str, set[float]] = {}
    for piece, near in zip(pieces, nears, strict=True):
        if near > 0:
            sizes.setdefault(piece.text, set()).add(_cell_size(near))
    seen: dict[tuple[str, float, int, int], list[Piece]] = {}
    kept = []
    for piece, near in zip(pieces, nears, strict=True):
        if near > 0 and any(
            all(abs(a - b) < near for a, b in zip(piece.box, other.box, strict=True))
            for other in _near(seen, piece, near, effort)
        ):
            continue
        kept.append(piece)
        own = sizes.get(piece.text, ())
        effort.compare(len(own))
        for size in own:
            cell = piece.text, size, math.floor(piece.box[0] / size), math.floor(piece.box[1] / size)
            seen.setdefault(cell, []).append(piece)
    return kept


def _cell_size(near: float) -> float:
    """Return the power of two that is above twice a distance, and at most four times it."""
    return math.ldexp(1.0, math.frexp(near)[1] + 1)


def _near(
    seen: dict[tuple[str, float, int, int], list[Piece]], piece: Piece, near: float, effort: Effort
) -> Iterator[Piece]:
    """Yield the parts with the same text in the cells around one."""
    size = _cell_size(near)
    left, top = piece.box[:2]
    for across in range(math.floor((left - near) / size), math.floor((left + near) / size) + 1):
        for down in range(math.floor((top - near) / size), math.floor((top + near) / size) + 1):
            for other in seen.get((piece.text, size, across, down), ()):
                effort.compare(1)
                yield other


# ---- parts of one line -------------------------------------------------------------------------------


class _OpenLine:
    """A line to which parts may still be added at its end."""

    __slots__ = ("_box", "_edges", "_texts", "band", "em", "last", "length", "middle", "right")

    def __init__(self, piece: Piece) -> None:
        self._texts, self._edges, self._box = [piece.text], [piece.edges], piece.box
        self.length, self.last, self.right = len(piece.text), piece.text[-1], piece.box[2]
        self.band, self.em, self.middle = piece.band, piece.em, piece.middle

    @property
    def expires(self) -> float:
        """From where on no part can continue it; a little more, against rounding."""
        return self.right + _JOIN * self.em + 1e-9 * (1 + abs(self.right))

    def is_continued_by(self, piece: Piece, piece_em: float) -> bool:
        em = min(self.em, piece_em)
        gap = piece.box[0] - self.right
        if not -TWICE * em <= gap <= _JOIN * em or max(self.em, piece_em) > _LARGEST_RATIO * em:
            return False
        overlap = min(self.band[1], piece.band[1]) - max(self.band[0], piece.band[0])
        return overlap > SAME_ROW * em / EM

    def add(self, piece: Piece) -> None:
        # The longer part tells where the line is: the other one may be a superscript.
        longer = len(piece.text) > self.length
        gap = piece.box[0] - self.right
        han = is_han(np.array([ord(self.last), ord(piece.text[0])], np.uint32)).all()
        if gap > (BLANK_HAN if han else 0.5 * BLANK) * min(self.em, piece.em):
            self._texts.append(" ")
            self._edges.append(np.array([(self.right, piece.box[0])]))
            self.length += 1
        self._texts.append(piece.text)
        self._edges.append(piece.edges)
        self._box = (
            self._box[0],
            min(self._box[1], piece.box[1]),
            max(self._box[2], piece.box[2]),
            max(self._box[3], piece.box[3]),
        )
        if longer:
            self.band, self.em, self.middle = piece.band, piece.em, piece.middle
        self.length += len(piece.text)
        self.last, self.right = piece.text[-1], self._box[2]

    def piece(self) -> Piece:
        if len(self._texts) == 1:
            return Piece(self._texts[0], self._edges[0], self._box, self.band)
        return Piece("".join(self._texts), np.concatenate(self._edges), self._box, self.band)


def joined(pieces: Sequence[Piece], effort: Effort) -> list[Piece]:
    """Join parts of one line that do not follow one another in the content.

    Parts are looked at from left to right; each one continues the nearest line that ends just before it.

    Raises:
        CrowdedPageError: Too many are at the same place.
    """
    order = sorted(
        (index for index, piece in enumerate(pieces) if not piece.column), key=lambda i: pieces[i].box[0]
    )
    lines: dict[int, _OpenLine] = {}
    open_lines: list[tuple[float, int]] = []  # middle of each line, and its place in the content
    expiring: list[tuple[float, int]] = []  # a heap
    for index in order:
        piece = pieces[index]
        left, em, middle = piece.box[0], piece.em, piece.middle
        while expiring and expiring[0][0] < left:
            other = heapq.heappop(expiring)[1]
            line = lines[other]
            if line.expires < left:
                del open_lines[bisect_left(open_lines, (line.middle, other))]
            else:  # parts have been added since
                heapq.heappush(expiring, (line.expires, other))
        # A line of up to twice the height that shares half of the part's height is not further away.
        reach = 1.01 * em / EM
        best: int | None = None
        place = bisect_left(open_lines, (middle - reach, -1))
        while place < len(open_lines) and open_lines[place][0] <= middle + reach:
            other = open_lines[place][1]
            effort.compare(1)
            if lines[other].is_continued_by(piece, em) and (
                best is None or lines[best].right < lines[other].right
            ):
                best = other
            place += 1
        if best is None:
            line, best = _OpenLine(piece), index
            lines[index] = line
            heapq.heappush(expiring, (line.expires, index))
        else:
            line = lines[best]
            del open_lines[bisect_left(open_lines, (line.middle, best))]
            line.add(piece)
        insort(open_lines, (line.middle, best))
    found = {index: line.piece() for index, line in lines.items()}
    found |= {index: piece for index, piece in enumerate(pieces) if piece.column}
    return [found[index] for index in sorted(found)]
