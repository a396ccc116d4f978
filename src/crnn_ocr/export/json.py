"""Writes a Document as JSON and reads it back, for files, the REST API, the cache and the client.

Keys always come in the same order. Confidences are rounded to 4 digits and coordinates to a tenth of a pixel,
which is finer than either is accurate. `docs/document.md` describes every key.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from crnn_ocr.document import (
    Block,
    BlockKind,
    Cell,
    Char,
    Document,
    Line,
    Page,
    Point,
    Polygon,
    Remark,
    Table,
    block_id,
)

_SURROGATE = re.compile("[\ud800-\udfff]")
#: How many places a table's grid may have: enough for any form, and too few to fill the memory with the rows
#: of a small document that claims a cell of a million rows.
_PLACES, _PLACES_PER_CELL = 256, 64
#: The largest confidence below 1 that has 4 digits.
_ALMOST_CERTAIN = 0.9999
#: How many places any grid may have, however many its cells; twice 500 rows by 50 columns.
_MOST_PLACES = 50_000
#: How many more places than cells the tables of a document may have together. Formats write something into
#: each place, so a cell that spans many makes a file that is far larger than what was sent.
_MOST_SPANNED = 100_000


def to_json(document: Document, *, source: str | None = None, chars: bool = False) -> str:
    r"""Write a document as one line of JSON (NDJSON when several are written in a row).

    Args:
        document: What was read.
        source: Name of the input, written as the first key; left out when None.
        chars: Whether to write the position and confidence of every character too.

    Returns:
        JSON text that can be encoded in UTF-8, with one line feed, at its end. Lone surrogates are written as
        escapes such as `\ud800`.
    """
    named: dict[str, Any] = {} if source is None else {"source": source}
    head = _compact({**named, **_head_to_dict(document)})
    # Page by page: the dicts of 2,000 pages would take some 150 MiB at a time.
    pages = ",".join(_compact(page_to_dict(page, chars=chars)) for page in document.pages)
    return f'{head[:-1]},"pages":[{pages}]}}\n'


def to_dict(document: Document, *, chars: bool = False) -> dict[str, Any]:
    """Convert a document to dicts, lists, strings and numbers.

    Timings are left out, so that equal inputs give equal output.
    """
    pages = [page_to_dict(page, chars=chars) for page in document.pages]
    return {**_head_to_dict(document), "pages": pages}


def _head_to_dict(document: Document) -> dict[str, Any]:
    """Convert what stands before the pages."""
    return {"text": document.text, "model": document.model, "layout": document.layout}


def page_to_dict(page: Page, *, chars: bool = False) -> dict[str, Any]:
    """Convert a page to a dict; blocks and cells refer to its lines by their places from 0."""
    places = iter(range(len(page.lines)))
    return {
        "number": page.number,
        "text": page.text,
        "width": page.width,
        "height": page.height,
        "dpi": page.dpi,
        "rotation": page.rotation,
        "origin": page.origin,
        "lines": [line_to_dict(line, chars=chars) for line in page.lines],
        "blocks": [
            _block_to_dict(block, block_id(page.number, index), places)
            for index, block in enumerate(page.blocks)
        ],
        "warnings": [_remark_to_dict(remark) for remark in page.warnings],
        "error": None if page.error is None else _remark_to_dict(page.error),
    }


def _block_to_dict(block: Block, name: str, places: Iterator[int]) -> dict[str, Any]:
    """Convert a block to a dict, taking the places of its lines; keys that say nothing are left out."""
    entry: dict[str, Any] = {"id": name, "type": block.kind}
    if block.level:
        entry["level"] = block.level
    if block.polygon is not None:
        entry["polygon"] = _polygon(block.polygon)
    if block.table is None:
        return {**entry, "lines": [next(places) for _ in block.lines]}
    cells: list[dict[str, Any]] = []
    own: list[int] = []
    for cell in block.table.cells:
        lines = [next(places) for _ in cell.lines]
        own += lines
        cells.append(
            {
                "id": f"{name}.r{cell.row}c{cell.col}",
                "row": cell.row,
                "col": cell.col,
                "row_span": cell.row_span,
                "col_span": cell.col_span,
                "polygon": _polygon(cell.polygon),
                "text": cell.text,
                "lines": lines,
            }
        )
    table = {
        "rows": block.table.rows,
        "cols": block.table.cols,
        "header_rows": block.table.header_rows,
        "continues_from": block.table.continues_from,
        "cells": cells,
    }
    return {**entry, "lines": own, "table": table}


def line_to_dict(line: Line, *, chars: bool = False) -> dict[str, Any]:
    """Convert a line to a dict; `chars` adds a list of its characters."""
    entry = _text_at(line)
    if chars:
        entry["chars"] = [_text_at(char) for char in line.chars]
    return entry


def from_dict(value: Any) -> Document:
    """Convert the result of `to_dict` back to a document; unknown keys are ignored.

    Raises:
        ValueError: A value is missing, has a wrong type, or does not fit the others; the message names it.
    """
    pages = _list(value, "pages")
    layout = value.get("layout", "lines")
    if layout not in ("lines", "blocks"):
        raise ValueError("'layout' is neither lines nor blocks")
    read: list[Page] = []
    spanned = 0
    for number, page in enumerate(pages, start=1):
        read.append(page_from_dict(page, number))
        tables = [block.table for block in read[-1].blocks if block.table is not None]
        spanned += sum(_places(table.rows, table.cols) - len(table.cells) for table in tables)
        if spanned > _MOST_SPANNED:
            raise ValueError("'rows' and 'cols' of all tables are too many for so few 'cells'")
    return Document(
        tuple(read),
        _text(_get(value, "model"), "model"),
        layout=layout,
    )


def page_from_dict(value: Mapping[str, Any], number: int = 1) -> Page:
    """Convert the result of `page_to_dict` back to a page; without `blocks` all lines form one block.

    Args:
        value: The dict.
        number: Number of the page if the dict has none.

    Raises:
        ValueError: See `from_dict`.
    """
    lines = [line_from_dict(line) for line in _list(value, "lines")]
    if value.get("blocks") is None:
        blocks = [Block(tuple(lines))] if lines else []
    else:
        blocks = [_block_from_dict(block, lines) for block in _list(value, "blocks")]
    if [id(line) for block in blocks for line in block.lines] != [id(line) for line in lines]:
        raise ValueError("'blocks' do not hold every line once, in the order of the lines")
    rotation = _whole(value.get("rotation", 0), "rotation")
    if rotation not in (0, 90, 180, 270):
        raise ValueError("'rotation' is no quarter of a turn")
    origin = value.get("origin", "ocr")
    if origin not in ("ocr", "text_layer", "mixed"):
        raise ValueError("'origin' is unknown")
    dpi, error = value.get("dpi"), value.get("error")
    return Page(
        _whole(_get(value, "width"), "width"),
        _whole(_get(value, "height"), "height"),
        tuple(blocks),
        rotation,
        tuple(remark_from_dict(remark) for remark in _list(value, "warnings")),
        _whole(value.get("number", number), "number", least=1),
        origin,
        None if dpi is None else _number(dpi, "dpi"),
        None if error is None else remark_from_dict(error),
    )


def _block_from_dict(value: Mapping[str, Any], lines: Sequence[Line]) -> Block:
    own = _lines_at(value, lines)
    kind = _get(value, "type")
    if kind not in get_args(BlockKind):
        raise ValueError("'type' is no kind of block")
    table = value.get("table")
    polygon = None if value.get("polygon") is None else _read_polygon(value)
    level = _whole(value.get("level", 0), "level")
    if (table is None) == (kind == "table"):
        raise ValueError("'table' belongs to blocks of the type table, and to them alone")
    if table is None:
        return Block(own, kind, level, None, polygon)
    grid = _table_from_dict(table, lines)
    if [id(line) for line in own] != [id(line) for line in grid.lines]:
        raise ValueError("'lines' of a table are not the lines of its cells")
    return Block(own, kind, level, grid, polygon)


def _table_from_dict(value: Mapping[str, Any], lines: Sequence[Line]) -> Table:
    cells = tuple(
        Cell(
            _whole(_get(cell, "row"), "row"),
            _whole(_get(cell, "col"), "col"),
            _whole(_get(cell, "row_span"), "row_span", least=1),
            _whole(_get(cell, "col_span"), "col_span", least=1),
            _lines_at(cell, lines),
            _read_polygon(cell),
        )
        for cell in _list(value, "cells")
    )
    rows, cols = _whole(_get(value, "rows"), "rows"), _whole(_get(value, "cols"), "cols")
    _check_grid(rows, cols, cells)
    heads = _whole(value.get("header_rows", 0), "header_rows")
    if heads > rows:
        raise ValueError("'header_rows' is more than the table's rows")
    former = value.get("continues_from")
    return Table(
        rows,
        cols,
        cells,
        heads,
        None if former is None else _text(former, "continues_from"),
    )


def _places(rows: int, cols: int) -> int:
    """Return how many places a grid has; rows without columns count, too, because formats go through them."""
    return max(rows, 1) * max(cols, 1)


def _check_grid(rows: int, cols: int, cells: Sequence[Cell]) -> None:
    if _places(rows, cols) > _PLACES + _PLACES_PER_CELL * len(cells):
        raise ValueError("'rows' and 'cols' are too many for so few 'cells'")
    if _places(rows, cols) > _MOST_PLACES:
        raise ValueError(f"'rows' and 'cols' make up more than {_MOST_PLACES:,} places")
    if any(cell.row + cell.row_span > rows or cell.col + cell.col_span > cols for cell in cells):
        raise ValueError("'cells' reach beyond the table's grid")
    starts = [(cell.row, cell.col) for cell in cells]
    area = sum(cell.row_span * cell.col_span for cell in cells)
    if area != rows * cols or starts != sorted(starts) or _overlap(rows, cols, cells):
        raise ValueError("'cells' do not cover the table's grid once, by row and column")


def _overlap(rows: int, cols: int, cells: Iterable[Cell]) -> bool:
    """Tell whether two cells that lie within a grid share a place."""
    taken = bytearray(rows * cols)
    for cell in cells:
        for row in range(cell.row, cell.row + cell.row_span):
            start = row * cols + cell.col
            end = start + cell.col_span
            if any(taken[start:end]):
                return True
            taken[start:end] = b"\1" * cell.col_span
    return False


def _lines_at(value: Mapping[str, Any], lines: Sequence[Line]) -> tuple[Line, ...]:
    places = [_whole(place, "lines") for place in _list(value, "lines")]
    if any(place >= len(lines) for place in places):
        raise ValueError("'lines' names a line that is not there")
    return tuple(lines[place] for place in places)


def line_from_dict(value: Mapping[str, Any]) -> Line:
    """Convert the result of `line_to_dict` back to a line.

    Raises:
        ValueError: See `from_dict`.
    """
    read = _read_text_at(value)
    chars = _list(value, "chars") if "chars" in value else []
    return Line(*read, tuple(Char(*_read_text_at(char)) for char in chars))


def remark_from_dict(value: Mapping[str, Any]) -> Remark:
    """Convert a dict with code and message to a remark.

    Raises:
        ValueError: See `from_dict`.
    """
    return Remark(_text(_get(value, "code"), "code"), _text(_get(value, "message"), "message"))


def _remark_to_dict(remark: Remark) -> dict[str, str]:
    return {"code": remark.code, "message": remark.message}


def _text_at(item: Line | Char) -> dict[str, Any]:
    return {
        "text": item.text,
        "confidence": _confidence(item.confidence),
        "polygon": _polygon(item.polygon),
    }


def _confidence(value: float) -> float:
    """Round a confidence, but to 1 only if it is 1: that tells text of a PDF from text that was read."""
    return min(round(value, 4), _ALMOST_CERTAIN) if value < 1 else round(value, 4)


def _polygon(polygon: Polygon) -> list[list[float]]:
    # Adding 0.0 turns a negative zero into zero.
    return [[round(float(x), 1) + 0.0, round(float(y), 1) + 0.0] for x, y in polygon]


def _compact(value: dict[str, Any]) -> str:
    """Return JSON without blanks that UTF-8 can encode."""
    return _encodable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _encodable(text: str) -> str:
    """Escape lone surrogates, which UTF-8 cannot encode; in JSON they can only occur inside strings."""
    return _SURROGATE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _get(value: object, name: str) -> Any:
    if not isinstance(value, Mapping) or name not in value:
        raise ValueError(f"{name!r} is missing")
    return value[name]


def _list(value: object, name: str) -> list[Any]:
    found = _get(value, name)
    if not isinstance(found, list):
        raise ValueError(f"{name!r} is not a list")
    return found


def _read_text_at(value: object) -> tuple[str, float, Polygon]:
    polygon = _read_polygon(value)
    confidence = _number(_get(value, "confidence"), "confidence")
    if not 0 <= confidence <= 1:
        raise ValueError("'confidence' is not between 0 and 1")
    return _text(_get(value, "text"), "text"), confidence, polygon


def _read_polygon(value: object) -> Polygon:
    corners = _list(value, "polygon")
    if len(corners) != 4:
        raise ValueError("'polygon' does not have four corners")
    first, second, third, fourth = (_point(corner) for corner in corners)
    return first, second, third, fourth


def _point(value: object) -> Point:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("a corner of 'polygon' is not a pair")
    return _number(value[0], "polygon"), _number(value[1], "polygon")


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name!r} is not a string")
    return value


def _number(value: object, name: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
        number = float(value)
        if math.isfinite(number):
            return number
    raise ValueError(f"{name!r} is not a number")


def _whole(value: object, name: str, *, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name!r} is not a whole number from {least}")
    return value
