"""JSON, in the shape that the REST API answers with; keys always come in the same order.

Confidences are rounded to 4 digits and coordinates to a tenth of a pixel, finer than either is meant.
`docs/document.md` describes every key.
"""

from __future__ import annotations

import json
from typing import Any

from crnn_ocr.document import Char, Document, Line, Page, Polygon


def to_json(document: Document, *, source: str | None = None, chars: bool = False) -> str:
    r"""Write a document as one line of JSON (NDJSON when several are written in a row).

    Args:
        document: What was read.
        source: Name of the input, written as the first key; left out when None.
        chars: Whether to write the place and confidence of every character too.

    Returns:
        JSON text in UTF-8's repertoire, without line feeds but the one at its end. Half surrogate pairs are
        written as `\ud800` and the like, so that the text can always be encoded.
    """
    named: dict[str, Any] = {} if source is None else {"source": source}
    text = json.dumps({**named, **to_dict(document, chars=chars)}, ensure_ascii=False, separators=(",", ":"))
    return _encodable(text) + "\n"


def to_dict(document: Document, *, chars: bool = False) -> dict[str, Any]:
    """Turn a document into dicts, lists, strings and numbers.

    The time that reading took is left out: equal inputs give equal output.
    """
    return {
        "text": document.text,
        "model": document.model,
        "pages": [page_to_dict(page, chars=chars) for page in document.pages],
    }


def page_to_dict(page: Page, *, chars: bool = False) -> dict[str, Any]:
    """Turn a page into a dict; `blocks` holds, per block, how many of the lines belong to it."""
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
    """Turn a line into a dict; with `chars`, a list of its characters is added."""
    entry = _text_at(line)
    if chars:
        entry["chars"] = [_text_at(char) for char in line.chars]
    return entry


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
    """Escape what UTF-8 cannot hold; inside JSON it can stand in strings only."""
    return "".join(f"\\u{ord(char):04x}" if "\ud800" <= char <= "\udfff" else char for char in text)
