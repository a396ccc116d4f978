"""Find the tables of a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crnn_ocr.document import Block, Line
from crnn_ocr.pixels import Pixels
from crnn_ocr.tables.grid import Box, Grid

#: Another method: given the page, the area of a table and its lines, it returns grids of the table.
Candidates = Callable[[Pixels, Box, Sequence[Line]], Sequence[Grid]]


def find_tables(
    image: Pixels, lines: Sequence[Line], candidates: Candidates | None = None
) -> tuple[list[Block], list[Line]]:
    """Find the tables of a page, and which of its lines stand outside of them.

    Args:
        image: The upright page, (H, W) grey or (H, W, 3) BGR.
        lines: Its lines with their characters, in reading order; coordinates are pixels of the upright page.
        candidates: Another method whose grids compete with those of the rules and the white space.

    Returns:
        One block per table, with its grid; and the lines outside of tables. A line that crosses a border is
        divided, so that together they hold every character of the lines once.
    """
    return [], list(lines)
