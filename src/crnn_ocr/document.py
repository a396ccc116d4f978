"""Define the output model: Document > Page > Block > Line > Char, all frozen dataclasses.

A block has a kind; a block that is a table holds cells, which hold its lines. Every line of a page stands in
exactly one block, and the cells of a table tile its grid.

All coordinates are pixels of the input picture after its EXIF orientation has been applied, with x to the
right and y down. A polygon has four corners, clockwise, starting at the top left as the text is read. The
polygon of an upside-down line therefore starts at the lower right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

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


BlockKind = Literal[
    "paragraph",
    "heading",
    "list_item",
    "table",
    "figure",
    "caption",
    "header",
    "footer",
    "page_number",
    "footnote",
    "equation",
    "seal",
]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table.

    Attributes:
        row: Its first row, from 0.
        col: Its first column, from 0.
        row_span: Number of rows that it covers.
        col_span: Number of columns that it covers.
        lines: Its lines in reading order; none if the cell is empty.
        polygon: Its four corners in pixels.
    """

    row: int
    col: int
    row_span: int
    col_span: int
    lines: tuple[Line, ...]
    polygon: Polygon

    @property
    def text(self) -> str:
        """The lines, one per row."""
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True)
class Table:
    """The grid of a table.

    Attributes:
        rows: Number of rows.
        cols: Number of columns.
        cells: Cells by row and column. Together they cover every place of the grid once.
        header_rows: Number of rows at the top that name the columns.
        continues_from: Id of the block on an earlier page whose table this one continues, or None.
    """

    rows: int
    cols: int
    cells: tuple[Cell, ...]
    header_rows: int = 0
    continues_from: str | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of all cells, cell by cell."""
        return tuple(line for cell in self.cells for line in cell.lines)


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together, such as a paragraph, a heading or a table, in reading order.

    Attributes:
        lines: Its lines; those of a table are the lines of its cells, cell by cell. A figure has none.
        kind: What it is. With the layout `lines` every block is a paragraph.
        level: Of a heading its level, 1 to 6; of a list item its depth, from 1; otherwise 0.
        table: The grid of a table; None for other kinds.
        polygon: Its four corners in pixels; None where only its lines are known.
    """

    lines: tuple[Line, ...]
    kind: BlockKind = "paragraph"
    level: int = 0
    table: Table | None = None
    polygon: Polygon | None = None

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
        number: Its number in the input, from 1.
        origin: Where the text comes from: "ocr" if the picture was read, "text_layer" if the page of a PDF
            held its text, "mixed" if the pictures on such a page were read too.
        dpi: Pixels per inch at which the page of a PDF was drawn; None for pictures.
        error: Why the page could not be read; None if it was. A page with an error has no blocks.
    """

    width: int
    height: int
    blocks: tuple[Block, ...] = ()
    rotation: int = 0
    warnings: tuple[Remark, ...] = ()
    number: int = 1
    origin: Literal["ocr", "text_layer", "mixed"] = "ocr"
    dpi: float | None = None
    error: Remark | None = None

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
        layout: Whether blocks are typed ("blocks"), or only groups of lines in reading order ("lines").
    """

    pages: tuple[Page, ...]
    model: str
    timings_ms: Mapping[str, float] = field(default_factory=dict, compare=False, hash=False)
    packs: frozenset[str] = field(default=frozenset(), compare=False, hash=False, repr=False)
    layout: Literal["lines", "blocks"] = "lines"

    @property
    def text(self) -> str:
        """The text of all pages, separated by empty rows."""
        return "\n\n".join(page.text for page in self.pages)


def block_id(page: int, index: int) -> str:
    """Return the id of a block, for example "p3.b12".

    Args:
        page: Number of its page, from 1.
        index: Its place among the blocks of the page, from 0.
    """
    return f"p{page}.b{index + 1}"


def line_with_polygons(line: Line, place: Callable[[Polygon], Polygon]) -> Line:
    """Return a line with its polygon and those of its characters converted."""
    chars = tuple(replace(char, polygon=place(char.polygon)) for char in line.chars)
    return replace(line, polygon=place(line.polygon), chars=chars)


def with_polygons(block: Block, place: Callable[[Polygon], Polygon]) -> Block:
    """Return a block with all its polygons converted, those of its lines, characters and cells too."""
    polygon = None if block.polygon is None else place(block.polygon)
    if block.table is None:
        return replace(
            block, lines=tuple(line_with_polygons(line, place) for line in block.lines), polygon=polygon
        )
    cells = tuple(
        replace(
            cell,
            lines=tuple(line_with_polygons(line, place) for line in cell.lines),
            polygon=place(cell.polygon),
        )
        for cell in block.table.cells
    )
    table = replace(block.table, cells=cells)
    return replace(block, lines=table.lines, table=table, polygon=polygon)
