"""Put the lines of a page into reading order and group them into blocks.

All lines are placed in the frame in which the text is horizontal (`frame`). Columns of upright characters
become one unit (`vertical`). The rest is cut into sections with the same gutters (`sections`). For every
gutter the evidence decides whether it separates columns, which are read one after the other, or the cells of
rows (`columns`). Rows are read from left to right, cell by cell (`rows`); the content of a column is arranged
in the same way recursively. Sections without a gutter between columns are cut into paragraphs (`paragraphs`).
Headings in a margin of their own (`side_headings`) are read before the text beside them.
Tables and figures are units (`units`) that take their place among the lines.
"""

from __future__ import annotations

from collections.abc import Sequence

from crnn_ocr.document import Polygon
from crnn_ocr.layout.columns import best_gutter
from crnn_ocr.layout.frame import Box, upright_boxes
from crnn_ocr.layout.paragraphs import paragraphs
from crnn_ocr.layout.rows import cell_rows
from crnn_ocr.layout.sections import Section, sections
from crnn_ocr.layout.side_headings import beside_headings
from crnn_ocr.layout.units import around_unit, runs_between_units
from crnn_ocr.layout.vertical import join_columns

#: Most nested splits; it bounds time and stack, and no real page has so many.
_MAX_DEPTH = 16


def reading_order(
    polygons: Sequence[Polygon],
    texts: Sequence[str] = (),
    columns: Sequence[bool] = (),
    units: Sequence[Polygon] = (),
) -> tuple[tuple[int, ...], ...]:
    """Put lines of text into reading order.

    Args:
        polygons: The lines' corners in pixels, clockwise from the text's own top left.
        texts: Texts of the lines, which help to tell running text from cells; if empty, only positions count.
        columns: Whether each line is known to be a column of upright characters; if empty, shapes decide.
        units: Corners of tables and figures, which are read as a whole.

    Returns:
        Blocks (paragraphs, runs of table rows) of indices into `polygons`, or of one unit, whose index is the
        number of lines plus its index into `units`; every index occurs exactly once.
        The resulting sequence of polygons does not depend on their order in the input.
    """
    boxes = join_columns(upright_boxes(polygons, texts, columns, units))
    return tuple(
        tuple(index for box in block for index in box.members) for block in _arrange(boxes, _MAX_DEPTH)
    )


def _arrange(boxes: Sequence[Box], depth: int) -> list[list[Box]]:
    """Return blocks of boxes in reading order."""
    if len(boxes) < 2:
        return [list(boxes)] if boxes else []
    return [block for section in sections(boxes) for block in _arrange_section(section, depth)]


def _arrange_section(section: Section, depth: int) -> list[list[Box]]:
    if depth and (headed := beside_headings(section)) is not None:
        return [block for part in headed for block in _arrange(part, depth - 1)]
    if depth and (gutter := best_gutter(section)) is not None:
        above, within, below = gutter.parts
        left = [box for box in within if box.left + box.right <= 2 * gutter.x]
        right = [box for box in within if box.left + box.right > 2 * gutter.x]
        return [block for part in (above, left, right, below) for block in _arrange(part, depth - 1)]
    if depth and (split := around_unit(section)) is not None:
        return [block for part in split for block in _arrange(part, depth - 1)]
    return [block for run in runs_between_units(cell_rows(section.strips)) for block in paragraphs(run)]
