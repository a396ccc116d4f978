"""Writes JSON answers."""

from __future__ import annotations

import json
import re

from flask import Response

#: A list that holds no object and whose inner lists are already on one line.
_FLAT_LIST = re.compile(r"\[\s+((?:[^\[\]{}]|\[[^\[\]{}\n]*\])*?)\s+\]")


def json_response(body: str, status: int = 200) -> Response:
    """Return an answer with JSON text; lone surrogates, which UTF-8 cannot encode, become question marks."""
    return Response(body.encode("utf-8", "replace"), status=status, mimetype="application/json")


def json_of(value: object) -> str:
    """Return a value as compact JSON, without escapes for Chinese and other letters."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def pretty_json(value: object) -> str:
    """Return a value as indented JSON, with points and boxes on one line each."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    for _ in range(2):
        text = _FLAT_LIST.sub(lambda found: f"[{' '.join(found[1].split())}]", text)
    return text
