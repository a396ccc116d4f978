"""Turn polygons into the boxes and points that formats ask for. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from crnn_ocr.document import Block, Document, Page, Polygon
from crnn_ocr.imaging.polygons import corners


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of whole pixels, parallel to the edges of the picture.

    Attributes:
        left: Its left edge.
        top: Its upper edge.
        right: Its right edge, outside.
        bottom: Its lower edge, outside.
    """

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Its width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Its height in pixels."""
        return self.bottom - self.top


def box_of(page: Page, *polygons: Polygon) -> Box:
    """Return the smallest box around polygons, cut at the edges of the page; the page if there are none."""
    points = [point for polygon in polygons for point in polygon]
    if not points:
        return Box(0, 0, page.width, page.height)
    # Rounded as in JSON, so that a document from the cache gives the same boxes as a fresh one.
    xs, ys = [round(x, 1) for x, _ in points], [round(y, 1) for _, y in points]
    return Box(
        _within(math.floor(min(xs)), page.width),
        _within(math.floor(min(ys)), page.height),
        _within(math.ceil(max(xs)), page.width),
        _within(math.ceil(max(ys)), page.height),
    )


def points_of(page: Page, polygon: Polygon) -> tuple[tuple[int, int], ...]:
    """Return the corners of a polygon in whole pixels, moved onto the page where they are outside."""
    return tuple(
        (_within(round(round(x, 1)), page.width), _within(round(round(y, 1)), page.height))
        for x, y in polygon
    )


def polygons_of(block: Block) -> tuple[Polygon, ...]:
    """Return what tells the place of a block: its own polygon, or those of its cells and lines."""
    if block.polygon is not None:
        return (block.polygon,)
    cells = () if block.table is None else block.table.cells
    return (*(cell.polygon for cell in cells), *(line.polygon for line in block.lines))


def outline(page: Page, block: Block) -> Polygon:
    """Return the polygon of a block, or the box around its lines."""
    if block.polygon is not None:
        return block.polygon
    box = box_of(page, *polygons_of(block))
    return corners((float(box.left), float(box.top), float(box.right), float(box.bottom)))


def is_upright(polygon: Polygon) -> bool:
    """Return whether a polygon is a rectangle that starts at its upper left corner, to half a pixel."""
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = polygon
    gaps = (y1 - y2, x2 - x3, y3 - y4, x4 - x1)
    return max(map(abs, gaps)) <= 0.5 and x1 <= x2 and y1 <= y4


def page_names(document: Document) -> list[str]:
    """Return an id for every page, "p3" for number 3, by their order where numbers are not unique."""
    numbers = [page.number for page in document.pages]
    if len(set(numbers)) < len(numbers):
        numbers = list(range(1, len(numbers) + 1))
    return [f"p{number}" for number in numbers]


def resolution(pages: Iterable[Page]) -> float | None:
    """Return the pixels per inch of the pages if all have the same, else None."""
    found = {page.dpi for page in pages}
    return found.pop() if len(found) == 1 else None


def _within(value: int, limit: int) -> int:
    return max(0, min(value, limit))
