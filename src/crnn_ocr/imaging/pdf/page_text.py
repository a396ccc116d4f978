"""Defines the text that a page of a PDF holds, as the engine takes it."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, overload

from crnn_ocr.document import Char, Line, Point, Polygon
from crnn_ocr.imaging.polygons import Turn

#: Clockwise rotation in degrees.
#: Left, top, right and bottom in pixels.
Box = tuple[float, float, float, float]
#: When the text of a page is taken: where it is good, never, or always. It is the option `ocr`.
UseOfText = Literal["auto", "force", "never"]


class TextChars(Sequence[Char]):
    """The characters of a line, which are made when they are asked for.

    A page of 3,000 characters takes 25 KB like this, and 1.5 MB as `Char` objects. It equals the tuple of
    its characters.
    """

    __slots__ = ("_across", "_edges", "_polygon", "_text")

    def __init__(self, text: str, edges: array[float], polygon: Polygon, *, column: bool = False) -> None:
        """Describe the characters.

        Args:
            text: One code point per character.
            edges: Start and end of each character as fractions of the line.
            polygon: The line's corners.
            column: Whether the characters are upright, one below the other.
        """
        if len(edges) != 2 * len(text):
            raise ValueError("every character needs a start and an end")
        self._text = text
        self._edges = edges
        self._polygon = polygon
        self._across = not column

    def __len__(self) -> int:
        return len(self._text)

    @overload
    def __getitem__(self, index: int) -> Char: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Char, ...]: ...

    def __getitem__(self, index: int | slice) -> Char | tuple[Char, ...]:
        if isinstance(index, slice):
            return tuple(self[place] for place in range(*index.indices(len(self))))
        text = self._text[index]
        index %= len(self._text)
        start, end = self._edges[2 * index], self._edges[2 * index + 1]
        return Char(text, 1.0, self._part(start, end))

    def __iter__(self) -> Iterator[Char]:
        return (self[place] for place in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, TextChars | tuple):
            return tuple(self) == tuple(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (tuple(self),)

    def moved(self, polygon: Polygon) -> TextChars:
        """Return the same characters of a line with other corners."""
        return TextChars(self._text, self._edges, polygon, column=not self._across)

    def _part(self, start: float, end: float) -> Polygon:
        a, b, c, d = self._polygon
        if self._across:
            return _between(a, b, start), _between(a, b, end), _between(d, c, end), _between(d, c, start)
        return _between(a, d, start), _between(b, c, start), _between(b, c, end), _between(a, d, end)


def _between(p: Point, q: Point, share: float) -> Point:
    return p[0] + (q[0] - p[0]) * share, p[1] + (q[1] - p[1]) * share


def text_line(text: str, edges: array[float], polygon: Polygon, *, column: bool = False) -> Line:
    """Return a line of a text layer; see `TextChars`."""
    chars = cast("tuple[Char, ...]", TextChars(text, edges, polygon, column=column))
    return Line(text, 1.0, polygon, chars)


def moved_line(line: Line, polygon: Polygon) -> Line:
    """Return a line with other corners; characters that are made when asked for move with it."""
    chars = cast("Any", line.chars)
    if isinstance(chars, TextChars):
        return replace(line, polygon=polygon, chars=cast("tuple[Char, ...]", chars.moved(polygon)))
    raise TypeError("only lines of text layers can be moved")


@dataclass(frozen=True, slots=True)
class PageText:
    """The text that a page holds.

    Attributes:
        width: Width of the page as it would be drawn, in pixels.
        height: Height of the page as it would be drawn, in pixels.
        dpi: Pixels per inch.
        lines: Lines in the order of the page's content; corners are pixels of the drawn page.
        columns: Of each line, whether its characters are one below the other.
        turn: Degrees clockwise that make most of the text upright.
        pictures: Areas of pictures without text over them, which have to be read.
    """

    width: int
    height: int
    dpi: float
    lines: tuple[Line, ...] = ()
    columns: tuple[bool, ...] = ()
    turn: Turn = 0
    pictures: tuple[Box, ...] = field(default=())

    def drawn(self, width: int, height: int) -> PageText:
        """Return the text of the page drawn in another size."""
        across, down = width / self.width, height / self.height
        if across == down == 1:
            return self

        def place(polygon: Polygon) -> Polygon:
            a, b, c, d = ((x * across, y * down) for x, y in polygon)
            return a, b, c, d

        return replace(
            self,
            width=width,
            height=height,
            dpi=self.dpi * math.sqrt(across * down),
            lines=tuple(moved_line(line, place(line.polygon)) for line in self.lines),
            pictures=tuple(
                (left * across, top * down, right * across, bottom * down)
                for left, top, right, bottom in self.pictures
            ),
        )
