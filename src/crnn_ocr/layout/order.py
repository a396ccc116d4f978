"""Reading order: which lines belong together, and which is read first. Geometry, and a look at the words.

The page is seen in the frame in which its text is horizontal (`frame`). Columns of upright characters
become one unit (`vertical`). What is left is cut into sections with the same gutters (`sections`), and for
every gutter the evidence decides whether columns stand beside each other, to be read one after the other,
or the cells of rows (`columns`). Rows are read from left to right, cell by cell (`rows`), columns the same
way once more; whatever has no gutter is cut into paragraphs (`paragraphs`).
"""

from __future__ import annotations

from collections.abc import Sequence

from crnn_ocr.document import Polygon
from crnn_ocr.layout.columns import best_gutter
from crnn_ocr.layout.frame import Box, upright_boxes
from crnn_ocr.layout.paragraphs import paragraphs
from crnn_ocr.layout.rows import cell_rows
from crnn_ocr.layout.sections import Section, sections
from crnn_ocr.layout.vertical import join_columns

#: Splits within splits after which a heap of boxes is no page any more; bounds time and stack.
_MAX_DEPTH = 16


def reading_order(
    polygons: Sequence[Polygon], texts: Sequence[str] = (), columns: Sequence[bool] = ()
) -> tuple[tuple[int, ...], ...]:
    """Put lines of text into reading order.

    Args:
        polygons: The lines' corners in pixels, each starting at its text's own top-left and going clockwise.
        texts: What the lines say, as far as it tells running text from cells; without, place alone decides.
        columns: Which of them are known to be columns of upright characters; empty: judge by their shapes.

    Returns:
        Blocks (paragraphs, runs of table rows) of indices into `polygons`; every index occurs exactly once.
        The sequence of polygons that this gives does not depend on the order in which they came.
    """
    boxes = join_columns(upright_boxes(polygons, texts, columns))
    return tuple(
        tuple(index for box in block for index in box.members) for block in _arrange(boxes, _MAX_DEPTH)
    )


def _arrange(boxes: Sequence[Box], depth: int) -> list[list[Box]]:
    """Blocks of boxes in reading order."""
    if len(boxes) < 2:
        return [list(boxes)] if boxes else []
    return [block for section in sections(boxes) for block in _arrange_section(section, depth)]


def _arrange_section(section: Section, depth: int) -> list[list[Box]]:
    if depth and (gutter := best_gutter(section)) is not None:
        above, within, below = gutter.parts
        left = [box for box in within if box.left + box.right <= 2 * gutter.x]
        right = [box for box in within if box.left + box.right > 2 * gutter.x]
        return [block for part in (above, left, right, below) for block in _arrange(part, depth - 1)]
    return paragraphs(cell_rows(section.strips))
