"""Documents as compressed JSON, the form in which they are kept. Pure functions.

JSON rather than pickle: what comes back from a shared store is data, whoever wrote it.
"""

from __future__ import annotations

import json
import math
import zlib
from typing import Any

from crnn_ocr.document import Block, Char, Document, Line, Page, Point, Polygon, Remark
from crnn_ocr.export.json import to_json

#: Part of every shared key; raised whenever the form changes.
FORMAT = 1

#: Text of a kept document after unpacking, in bytes; nothing that was written here is larger.
LARGEST_TEXT = 64 * 1024 * 1024


class BrokenEntryError(ValueError):
    """The bytes are no document in this form."""


def encode(document: Document, *, chars: bool = False) -> bytes:
    """Write a document the way answers show it: coordinates and confidences rounded.

    Args:
        document: What was read.
        chars: Whether to keep single characters, which take several times the room.

    Raises:
        ValueError: It is too large to be kept.
    """
    text = to_json(document, chars=chars).encode()
    if len(text) > LARGEST_TEXT:
        raise ValueError(f"a document of {len(text)} bytes is too large to be kept")
    return zlib.compress(text)


def decode(data: bytes) -> Document:
    """Read what `encode` wrote.

    Raises:
        BrokenEntryError: Something else wrote it, or it is damaged.
    """
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(data, LARGEST_TEXT)
        if not unpacker.eof or unpacker.unused_data:
            raise BrokenEntryError("cut short, or followed by something else")
        value = json.loads(text)
        return Document(tuple(_page(entry) for entry in value["pages"]), _text(value["model"]))
    except (zlib.error, ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError) as error:
        raise BrokenEntryError(type(error).__name__) from None


def _page(value: dict[str, Any]) -> Page:
    lines = [_line(entry) for entry in value["lines"]]
    blocks, at = [], 0
    for count in value["blocks"]:
        blocks.append(Block(tuple(lines[at : at + _whole(count)])))
        at += count
    if at != len(lines):
        raise BrokenEntryError("blocks and lines do not agree")
    warnings = tuple(Remark(_text(entry["code"]), _text(entry["message"])) for entry in value["warnings"])
    return Page(
        _whole(value["width"]), _whole(value["height"]), tuple(blocks), _whole(value["rotation"]), warnings
    )


def _line(value: dict[str, Any]) -> Line:
    chars = tuple(
        Char(_text(char["text"]), _number(char["confidence"]), _polygon(char["polygon"]))
        for char in value.get("chars", ())
    )
    return Line(_text(value["text"]), _number(value["confidence"]), _polygon(value["polygon"]), chars)


def _polygon(value: list[list[Any]]) -> Polygon:
    first, second, third, fourth = (_point(point) for point in value)
    return first, second, third, fourth


def _point(value: list[Any]) -> Point:
    x, y = value
    return _number(x), _number(y)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BrokenEntryError("no text")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BrokenEntryError("no number")
    number = float(value)
    if not math.isfinite(number):
        raise BrokenEntryError("no finite number")
    return number


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BrokenEntryError("no count")
    return value
