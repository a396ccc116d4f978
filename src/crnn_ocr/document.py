"""The one output model: Document > Page > Block > Line > Char, frozen dataclasses without behaviour.

All coordinates are pixels of the input picture as a person sees it (after EXIF orientation), x to the
right, y down. A polygon has four corners that start at the text's own top-left and go clockwise in the
text's reading direction, so a line that stands on its head starts at its lower right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Point = tuple[float, float]
Polygon = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Char:
    """One recognised character (or space).

    Attributes:
        text: The character, usually one code point.
        confidence: Probability that it is right, 0 to 1.
        polygon: Its place, interpolated from its position along the line.
    """

    text: str
    confidence: float
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text.

    Attributes:
        text: The characters, joined, as the post-processing left them.
        confidence: Probability that the whole line is right, white space aside, 0 to 1.
        polygon: The line's four corners.
        chars: The characters with their places; empty where the line was replaced as a whole.
    """

    text: str
    confidence: float
    polygon: Polygon
    chars: tuple[Char, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together (a paragraph, a column's part), in reading order."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """The lines, one per row."""
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark that stands next to a result: a stable code and a sentence with advice."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page or picture.

    Attributes:
        width: Width of the input picture in pixels.
        height: Height of the input picture in pixels.
        blocks: Blocks in reading order.
        rotation: By how many degrees clockwise the picture had to be turned to be upright: 0, 90, 180, 270.
        warnings: Remarks such as IMAGE_BLURRED.
    """

    width: int
    height: int
    blocks: tuple[Block, ...] = ()
    rotation: int = 0
    warnings: tuple[Remark, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines of the page in reading order."""
        return tuple(line for block in self.blocks for line in block.lines)

    @property
    def text(self) -> str:
        """The page's lines, one per row."""
        return "\n".join(block.text for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Document:
    """What was read from one input.

    Attributes:
        pages: One entry per page; a plain picture has exactly one.
        model: Name and version of the recogniser, for example "crnn-zh-en/1".
        timings_ms: Wall time per stage in milliseconds; never part of equality or of the answer's identity.
        packs: Marks of the model packs that read it; no part of them either.
    """

    pages: tuple[Page, ...]
    model: str
    timings_ms: Mapping[str, float] = field(default_factory=dict, compare=False, hash=False)
    packs: frozenset[str] = field(default=frozenset(), compare=False, hash=False, repr=False)

    @property
    def text(self) -> str:
        """All pages' text; pages are separated by an empty row."""
        return "\n\n".join(page.text for page in self.pages)
