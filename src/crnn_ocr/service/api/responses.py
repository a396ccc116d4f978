"""JSON answers."""

from __future__ import annotations

import json
import re

from flask import Response

#: A list that holds no object and whose inner lists are already on one line.
_FLAT_LIST = re.compile(r"\[\s+((?:[^\[\]{}]|\[[^\[\]{}\n]*\])*?)\s+\]")


def json_response(body: str, status: int = 200) -> Response:
    """Answer with JSON text; half surrogate pairs, which UTF-8 cannot carry, become question marks."""
    return Response(body.encode("utf-8", "replace"), status=status, mimetype="application/json")


def json_of(value: object) -> str:
    """Write a value as compact JSON that people can read, Chinese included."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pretty_json(value: object) -> str:
    """Write a value for people: indented, but points and boxes stay on one line."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    for _ in range(2):
        text = _FLAT_LIST.sub(lambda found: f"[{' '.join(found[1].split())}]", text)
    return text
