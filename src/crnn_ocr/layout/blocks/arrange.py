"""Put the lines, tables and figures of one page into typed blocks in reading order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crnn_ocr.document import Block, Line, Polygon
from crnn_ocr.imaging.polygons import bounds, corners
from crnn_ocr.layout.blocks.captions import mark_captions
from crnn_ocr.layout.blocks.heading_levels import HeadingLook, heading_levels
from crnn_ocr.layout.blocks.headings import Body, body_of, has_text, mark_headings
from crnn_ocr.layout.blocks.lists import item_lines, mark_items
from crnn_ocr.layout.blocks.margins import mark_footnotes, take_margins
from crnn_ocr.layout.blocks.pieces import Piece, TextLine, cut, join_items, usual_white
from crnn_ocr.layout.frame import Box, upright_boxes
from crnn_ocr.layout.order import reading_order
from crnn_ocr.layout.picture import figures
from crnn_ocr.layout.picture.bullets import bulleted
from crnn_ocr.layout.picture.looks import is_column, measure_looks
from crnn_ocr.pixels import Pixels

#: Least number of lines of a piece whose edges are those of its column.
_COLUMN_LINES = 2
#: How many of them are asked.
_NEAREST = 6


def arrange_blocks(image: Pixels, lines: Sequence[Line], tables: Sequence[Block]) -> tuple[Block, ...]:
    """Return the blocks of a page in reading order.

    Args:
        image: The upright page, (H, W) grey or (H, W, 3) BGR.
        lines: The lines outside of tables; coordinates are pixels of the upright page.
        tables: The tables of the page.

    Returns:
        Blocks in which every line and every table stands once, and the figures. Where the signs are not
        clear, a block is a paragraph.
    """
    table_polygons = [_polygon_of(table) for table in tables]
    found = figures.find_figures(image, lines, table_polygons)
    units = [*table_polygons, *map(corners, found)]
    boxes = _boxes(lines, units)
    looks = measure_looks(image, lines)
    bullets = bulleted(image, lines, [look.size for look in looks])
    texts = [
        TextLine(line, box, look, bullet=bullet and not box.tall)
        for line, box, look, bullet in zip(lines, boxes[: len(lines)], looks, bullets, strict=True)
    ]
    free = [text for text in texts if not any(figures.inside(text.line, box) for box in found)]
    body = body_of(free or texts)
    top, bottom, middle = take_margins(image, free, body.size) if free else ([], [], [])
    blocks: list[Piece | int] = []
    for entry in _ordered(middle, units):
        if isinstance(entry, int):
            blocks.append(entry)
            if entry >= len(tables):
                blocks += _inner(texts, found[entry - len(tables)])
        else:
            blocks += entry
    pieces = [piece for piece in blocks if isinstance(piece, Piece) and not _is_inside(piece, found)]
    _classify(image, pieces, boxes[len(lines) :], body)
    if has_text(pieces):
        mark_footnotes(image, [*pieces, *bottom], body.size)
    _set_levels(pieces, body)
    return tuple(
        _block(piece)
        if isinstance(piece, Piece)
        else tables[piece]
        if piece < len(tables)
        else Block((), "figure", polygon=units[piece])
        for piece in [*top, *blocks, *bottom]
    )


def _boxes(lines: Sequence[Line], units: Sequence[Polygon]) -> list[Box]:
    """Return the boxes of lines and units in the deskewed frame, in this order."""
    boxes = upright_boxes([line.polygon for line in lines], [], [is_column(line) for line in lines], units)
    return sorted(boxes, key=lambda box: box.members)


def _ordered(texts: Sequence[TextLine], units: Sequence[Polygon]) -> list[int | list[Piece]]:
    """Return pieces and the indices of units in reading order."""
    order = reading_order(
        [text.line.polygon for text in texts],
        [text.line.text for text in texts],
        [is_column(text.line) for text in texts],
        units,
    )
    flat = [index for block in order for index in block if index < len(texts)]
    items = item_lines(
        [texts[index].text for index in flat],
        [texts[index].box.left for index in flat],
        [texts[index].look.size for index in flat],
    )
    marked = {
        index: replace(texts[index], item=item or texts[index].bullet)
        for index, item in zip(flat, items, strict=True)
    }
    usual = usual_white([[texts[index] for index in block if index < len(texts)] for block in order])
    entries: list[int | list[Piece]] = []
    for block in order:
        if block[0] >= len(texts):
            entries.append(block[0] - len(texts))
            continue
        pieces = cut([marked[index] for index in block], usual)
        if entries and isinstance(entries[-1], list):
            entries[-1] += pieces
        else:
            entries.append(pieces)
    return [entry if isinstance(entry, int) else join_items(entry) for entry in entries]


def _inner(texts: Sequence[TextLine], figure: figures.Box) -> list[Piece]:
    """Return the lines within a figure, such as the labels of a chart, as paragraphs."""
    labels = [text for text in texts if figures.inside(text.line, figure)]
    order = reading_order([text.line.polygon for text in labels], [text.line.text for text in labels])
    return [Piece([labels[index] for index in block]) for block in order]


def _is_inside(piece: Piece, found: Sequence[figures.Box]) -> bool:
    return any(figures.inside(piece.lines[0].line, box) for box in found)


def _classify(image: Pixels, pieces: Sequence[Piece], units: Sequence[Box], body: Body) -> None:
    columns = _columns(pieces)
    mark_items(pieces)
    mark_captions(pieces, units, columns)
    mark_headings(pieces, columns, body, image.shape[0])


def _columns(pieces: Sequence[Piece]) -> list[tuple[float, float]]:
    """Return the left and right edge of the column in which each piece stands.

    The nearest paragraphs above and below it tell, since a short line does not reach the edges itself.
    """
    wide = [piece for piece in pieces if len(piece.lines) >= _COLUMN_LINES and not piece.grid]
    edges = []
    for piece in pieces:
        box = piece.box
        over = [
            other.box
            for other in wide
            if min(box.right, other.box.right) - max(box.left, other.box.left)
            > 0.5 * min(box.width, other.box.width)
        ]
        nearest = sorted(over, key=lambda other: abs(other.middle - box.middle))[:_NEAREST]
        edges.append(
            (min([box.left, *(o.left for o in nearest)]), max([box.right, *(o.right for o in nearest)]))
        )
    return edges


def _set_levels(pieces: Sequence[Piece], body: Body) -> None:
    headings = [piece for piece in pieces if piece.kind == "heading"]
    looks = [
        HeadingLook(piece.text, piece.size / body.size, max(map(body.weight_ratio, piece.lines)))
        for piece in headings
    ]
    for piece, level in zip(headings, heading_levels(looks), strict=True):
        piece.level = level


def _block(piece: Piece) -> Block:
    lines = tuple(text.line for text in piece.lines)
    return Block(lines, piece.kind, piece.level, polygon=_around(lines))


def _polygon_of(block: Block) -> Polygon:
    return block.polygon if block.polygon is not None else _around(block.lines)


def _around(lines: Sequence[Line]) -> Polygon:
    return corners(bounds(*(line.polygon for line in lines)))
