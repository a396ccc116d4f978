"""Define the output model: Document > Page > Block > Line > Char, all frozen dataclasses.

All coordinates are pixels of the input picture after its EXIF orientation has been applied, with x to the
right and y down. A polygon has four corners, clockwise, starting at the top left as the text is read. The
polygon of an upside-down line therefore starts at the lower right.
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
        polygon: Its four corners in pixels, interpolated from its position along the line.
    """

    text: str
    confidence: float
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text.

    Attributes:
        text: The characters of the line, after post-processing.
        confidence: Probability that the whole line is right, ignoring white space, 0 to 1.
        polygon: The line's four corners in pixels.
        chars: The characters with their polygons; empty if the line was replaced as a whole.
    """

    text: str
    confidence: float
    polygon: Polygon
    chars: tuple[Char, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together, such as a paragraph or part of a column, in reading order."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """The lines, one per row."""
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning or hint about a result: a stable code and a sentence with advice."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page or picture.

    Attributes:
        width: Width of the input picture in pixels.
        height: Height of the input picture in pixels.
        blocks: Blocks in reading order.
        rotation: Clockwise rotation in degrees that made the picture upright: 0, 90, 180 or 270.
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
    """The text that was read from one input.

    Attributes:
        pages: One entry per page; a plain picture has exactly one.
        model: Name and version of the recogniser, for example "crnn-zh-en/1".
        timings_ms: Wall time per stage in milliseconds; ignored when documents are compared.
        packs: Fingerprints of the model packs that read it, or might have; not compared.
    """

    pages: tuple[Page, ...]
    model: str
    timings_ms: Mapping[str, float] = field(default_factory=dict, compare=False, hash=False)
    packs: frozenset[str] = field(default=frozenset(), compare=False, hash=False, repr=False)

    @property
    def text(self) -> str:
        """The text of all pages, separated by empty rows."""
        return "\n\n".join(page.text for page in self.pages)
