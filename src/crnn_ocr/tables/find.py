"""Find the tables of a page."""

from __future__ import annotations

from collections.abc import Sequence

from crnn_ocr.document import Block, Line
from crnn_ocr.pixels import Pixels


def find_tables(image: Pixels, lines: Sequence[Line]) -> tuple[list[Block], list[Line]]:
    """Find the tables of a page, and which of its lines stand outside of them.

    Args:
        image: The upright page, (H, W) grey or (H, W, 3) BGR.
        lines: Its lines with their characters, in reading order; coordinates are pixels of the upright page.

    Returns:
        One block per table, with its grid; and the lines outside of tables. A line that crosses a border is
        divided, so that together they hold every character of the lines once.
    """
    return [], list(lines)
