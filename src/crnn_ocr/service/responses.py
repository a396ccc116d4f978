"""JSON answers."""

from __future__ import annotations

import json

from flask import Response


def json_response(body: str, status: int = 200) -> Response:
    """Answer with JSON text; half surrogate pairs, which UTF-8 cannot carry, become question marks."""
    return Response(body.encode("utf-8", "replace"), status=status, mimetype="application/json")


def json_of(value: object) -> str:
    """Write a value as compact JSON that people can read, Chinese included."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
