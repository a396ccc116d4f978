"""Lets pages of the origins in the settings use the API (CORS; the Fetch standard, section 3.2)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Flask, Response, request

from crnn_ocr.errors import SettingsError

_METHODS = "GET, POST, PUT, DELETE"
_REQUEST_HEADERS = (
    "Authorization, Cache-Control, Content-Type, Idempotency-Key, Last-Event-ID, X-API-Key, X-Request-Id, "
    "X-Request-Timeout"
)
#: Headers of an answer that such a page may read, in addition to those that it always may.
_EXPOSED_HEADERS = (
    "Content-Disposition, Location, RateLimit, RateLimit-Limit, RateLimit-Policy, RateLimit-Remaining, "
    "RateLimit-Reset, Retry-After, Server-Timing, WWW-Authenticate, X-Cache, X-Enhancements, X-Pages, "
    "X-Quality, X-Request-Id"
)
_MAX_AGE_S = 600


def check_origins(origins: Iterable[str]) -> frozenset[str]:
    """Check the origins of the setting.

    Raises:
        SettingsError: One is not `scheme://host[:port]` as browsers send it, or is a pattern.
    """
    checked = frozenset(origins)
    for origin in checked:
        if not _is_origin(origin):
            raise SettingsError(
                f"CRNN_OCR_CORS_ORIGINS: {origin!r} is no origin.",
                hint="Write each origin as the browser sends it, such as https://app.example.com, in lower "
                "case, without a path, a pattern or the scheme's own port.",
            )
    return checked


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if "*" in text or (parts.scheme, port) in (("http", 80), ("https", 443)):
        return False
    written = f"{parts.scheme}://{_bracketed(parts.hostname or '')}{'' if port is None else f':{port}'}"
    return parts.scheme in ("http", "https") and bool(parts.hostname) and written == text


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def install(app: Flask, origins: frozenset[str]) -> None:
    """Answer preflights and mark answers for pages of these origins; do nothing if there are none."""
    if not origins:
        return

    def preflight() -> Response | None:
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
            return None
        if request.headers.get("Origin") not in origins:
            return None
        response = Response(status=204)
        response.headers["Access-Control-Allow-Methods"] = _METHODS
        response.headers["Access-Control-Allow-Headers"] = _REQUEST_HEADERS
        response.headers["Access-Control-Max-Age"] = str(_MAX_AGE_S)
        return response

    def mark(response: Response) -> Response:
        response.vary.add("Origin")
        origin = request.headers.get("Origin")
        if origin in origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS
        return response

    app.before_request(preflight)
    app.after_request(mark)
