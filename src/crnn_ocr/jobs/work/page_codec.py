"""Encodes pages that were read as compressed JSON, to the last bit, and decodes them. Pure functions.

Unlike answers, which round places and confidences, it keeps every number: what only the whole document tells
is decided with the same numbers as where a document is read at once. JSON rather than pickle: whoever wrote a
file, decoding it runs no code.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from crnn_ocr.document import Block, Cell, Char, Line, Page, Polygon, Remark, Table
from crnn_ocr.engine.page_readings import PageReading

#: Version of the form. A page in another one, left by another version of the product, counts as missing.
_FORM = 1
#: Level of compression: of a page of 3,000 characters with places level 1 takes a third of the time of level
#: 6 and leaves a tenth more.
_LEVEL = 1
#: Largest JSON of a page, in bytes; a page of 200,000 characters with places has about 40 MiB.
_LARGEST = 64 * 1024 * 1024


class BrokenPageError(ValueError):
    """The bytes are not a page in this form."""


def encode_page(reading: PageReading, *, chars: bool) -> bytes:
    """Encode a page.

    Args:
        reading: What was read. Its error is not kept beside that of the page.
        chars: Whether to keep all characters. Otherwise each line keeps its first and last one: they tell the
            size of its type, which `refine_pages` asks for.
    """
    page = reading.page
    value = {
        "form": _FORM,
        "model": reading.model,
        "chars": chars,
        "size": [int(page.width), int(page.height)],
        "rotation": page.rotation,
        "number": page.number,
        "origin": page.origin,
        "dpi": None if page.dpi is None else float(page.dpi),
        "error": None if page.error is None else [page.error.code, page.error.message],
        "warnings": [[remark.code, remark.message] for remark in page.warnings],
        "blocks": [_block(block, chars) for block in page.blocks],
    }
    return zlib.compress(_json(value), _LEVEL)


def _json(value: dict[str, Any]) -> bytes:
    try:
        return to_json(value, inf_nan_mode="constants")  # in a third of the time of `json.dumps`
    except PydanticSerializationError:  # half a surrogate pair, which UTF-8 cannot hold
        return json.dumps(value, separators=(",", ":")).encode()


def decode_page(data: bytes) -> tuple[PageReading, bool]:
    """Decode a page that `encode_page` encoded.

    Returns:
        The page, and whether it has all of its characters.

    Raises:
        BrokenPageError: The bytes are damaged, or another version wrote them.
    """
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(data, _LARGEST)
        value = json.loads(text)
        if not unpacker.eof or value["form"] != _FORM:
            raise BrokenPageError("cut short, or in another form")
        width, height = value["size"]
        page = Page(
            width,
            height,
            tuple(_read_block(block) for block in value["blocks"]),
            value["rotation"],
            tuple(Remark(code, message) for code, message in value["warnings"]),
            value["number"],
            value["origin"],
            value["dpi"],
            None if value["error"] is None else Remark(*value["error"]),
        )
        return PageReading(page, value["model"]), value["chars"]
    except (zlib.error, ValueError, LookupError, TypeError, RecursionError) as error:
        raise BrokenPageError(type(error).__name__) from None


def without_chars(page: Page) -> Page:
    """Return a page whose lines have no characters."""
    return replace(page, blocks=tuple(_bare(block) for block in page.blocks))


def _bare(block: Block) -> Block:
    if block.table is None:
        return replace(block, lines=tuple(replace(line, chars=()) for line in block.lines))
    cells = tuple(
        replace(cell, lines=tuple(replace(line, chars=()) for line in cell.lines))
        for cell in block.table.cells
    )
    table = replace(block.table, cells=cells)
    return replace(block, lines=table.lines, table=table)


def _block(block: Block, chars: bool) -> list[Any]:
    polygon = None if block.polygon is None else _flat(block.polygon)
    table = block.table
    if table is None:
        return [block.kind, block.level, polygon, [_line(line, chars) for line in block.lines]]
    cells = [
        [
            cell.row,
            cell.col,
            cell.row_span,
            cell.col_span,
            [_line(line, chars) for line in cell.lines],
            _flat(cell.polygon),
        ]
        for cell in table.cells
    ]
    # The lines of a table are those of its cells.
    return [
        block.kind,
        block.level,
        polygon,
        None,
        [table.rows, table.cols, table.header_rows, table.continues_from, cells],
    ]


def _read_block(value: Sequence[Any]) -> Block:
    kind, level, corners, lines, *rest = value
    polygon = None if corners is None else _polygon(corners)
    if not rest:
        return Block(tuple(_read_line(line) for line in lines), kind, level, None, polygon)
    rows, cols, header_rows, continues_from, cells = rest[0]
    table = Table(
        rows,
        cols,
        tuple(
            Cell(row, col, tall, wide, tuple(_read_line(line) for line in own), _polygon(place))
            for row, col, tall, wide, own, place in cells
        ),
        header_rows,
        continues_from,
    )
    return Block(table.lines, kind, level, table, polygon)


def _line(line: Line, chars: bool) -> list[Any]:
    kept = line.chars if chars or len(line.chars) <= 2 else (line.chars[0], line.chars[-1])
    return [line.text, float(line.confidence), _flat(line.polygon), [_char(char) for char in kept]]


def _read_line(value: Sequence[Any]) -> Line:
    text, confidence, corners, chars = value
    return Line(
        text,
        confidence,
        _polygon(corners),
        tuple(Char(sign, sure, _polygon(place)) for sign, sure, place in chars),
    )


def _char(char: Char) -> list[Any]:
    return [char.text, float(char.confidence), _flat(char.polygon)]


def _flat(polygon: Polygon) -> list[float]:
    (a, b), (c, d), (e, f), (g, h) = polygon
    return [float(a), float(b), float(c), float(d), float(e), float(f), float(g), float(h)]


def _polygon(flat: Sequence[float]) -> Polygon:
    a, b, c, d, e, f, g, h = flat
    return (a, b), (c, d), (e, f), (g, h)
