"""Writes a Document as JSON and reads it back, for files, the REST API, the cache and the client.

Keys always come in the same order. Confidences are rounded to 4 digits and coordinates to a tenth of a pixel,
which is finer than either is accurate. `docs/document.md` describes every key.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from crnn_ocr.document import Block, Char, Document, Line, Page, Point, Polygon, Remark


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
    text = json.dumps({**named, **to_dict(document, chars=chars)}, ensure_ascii=False, separators=(",", ":"))
    return _encodable(text) + "\n"


def to_dict(document: Document, *, chars: bool = False) -> dict[str, Any]:
    """Convert a document to dicts, lists, strings and numbers.

    Timings are left out, so that equal inputs give equal output.
    """
    return {
        "text": document.text,
        "model": document.model,
        "pages": [page_to_dict(page, chars=chars) for page in document.pages],
    }


def page_to_dict(page: Page, *, chars: bool = False) -> dict[str, Any]:
    """Convert a page to a dict; `blocks` holds the number of lines of each block."""
    return {
        "text": page.text,
        "width": page.width,
        "height": page.height,
        "rotation": page.rotation,
        "lines": [line_to_dict(line, chars=chars) for line in page.lines],
        "blocks": [len(block.lines) for block in page.blocks],
        "warnings": [{"code": remark.code, "message": remark.message} for remark in page.warnings],
    }


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
    return Document(
        tuple(page_from_dict(page) for page in _list(value, "pages")), _text(_get(value, "model"), "model")
    )


def page_from_dict(value: Mapping[str, Any]) -> Page:
    """Convert the result of `page_to_dict` back to a page; without `blocks` all lines form one block.

    Raises:
        ValueError: See `from_dict`.
    """
    lines = [line_from_dict(line) for line in _list(value, "lines")]
    counts = value.get("blocks")
    if counts is None:
        counts = [len(lines)] if lines else []
    blocks, start = [], 0
    for count in counts if isinstance(counts, list) else [counts]:
        blocks.append(Block(tuple(lines[start : start + _whole(count, "blocks")])))
        start += count
    if start != len(lines):
        raise ValueError(f"blocks hold {start} lines of {len(lines)}")
    rotation = _whole(value.get("rotation", 0), "rotation")
    if rotation not in (0, 90, 180, 270):
        raise ValueError("'rotation' is no quarter of a turn")
    return Page(
        _whole(_get(value, "width"), "width"),
        _whole(_get(value, "height"), "height"),
        tuple(blocks),
        rotation,
        tuple(remark_from_dict(remark) for remark in _list(value, "warnings")),
    )


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


def _text_at(item: Line | Char) -> dict[str, Any]:
    return {
        "text": item.text,
        "confidence": round(item.confidence, 4),
        "polygon": _polygon(item.polygon),
    }


def _polygon(polygon: Polygon) -> list[list[float]]:
    # Adding 0.0 turns a negative zero into zero.
    return [[round(float(x), 1) + 0.0, round(float(y), 1) + 0.0] for x, y in polygon]


def _encodable(text: str) -> str:
    """Escape lone surrogates, which UTF-8 cannot encode; in JSON they can only occur inside strings."""
    return "".join(f"\\u{ord(char):04x}" if "\ud800" <= char <= "\udfff" else char for char in text)


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
    corners = _list(value, "polygon")
    if len(corners) != 4:
        raise ValueError("'polygon' does not have four corners")
    first, second, third, fourth = (_point(corner) for corner in corners)
    confidence = _number(_get(value, "confidence"), "confidence")
    if not 0 <= confidence <= 1:
        raise ValueError("'confidence' is not between 0 and 1")
    return _text(_get(value, "text"), "text"), confidence, (first, second, third, fourth)


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


def _whole(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name!r} is not a count")
    return value
