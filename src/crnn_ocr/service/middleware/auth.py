"""Requires an API key of every request, if the service has any."""

from __future__ import annotations

from typing import Protocol

from flask import Flask, g, request

from crnn_ocr.errors import UnauthorizedError
from crnn_ocr.service.middleware.api_keys import KeyRing

#: Paths that need no key: health checks, and the page that asks for the key, with its documentation.
OPEN_PATHS = frozenset({"/", "/docs", "/openapi.json", "/healthz", "/readyz"})
OPEN_ENDPOINTS = frozenset({"static"})
#: Answers with the page, so it needs no key either; it takes a body, so pages of other sites are refused.
SHARE_PATH = "/share"


def install(app: Flask, keys: KeyRing) -> None:
    """Require a key for everything but `OPEN_PATHS`; do nothing if there are no keys."""
    if keys:
        app.before_request(lambda: _check(keys))


def _check(keys: KeyRing) -> None:
    if request.path in OPEN_PATHS or request.path == SHARE_PATH or request.endpoint in OPEN_ENDPOINTS:
        return
    presented = presented_key(request.headers)
    if presented is None:
        raise UnauthorizedError("The request has no API key.")
    name = keys.find(presented)
    if name is None:
        raise UnauthorizedError("The API key is not one of this service.")
    g.key_name = name


class Headers(Protocol):
    """Interface of a request's headers."""

    def get(self, name: str, default: str, /) -> str:
        """Return the value of a header, or the default."""
        ...


def presented_key(headers: Headers) -> str | None:
    """Return the key that a request carries: `Authorization: Bearer KEY` (RFC 6750) or `X-API-Key: KEY`."""
    scheme, _, key = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return headers.get("X-API-Key", "").strip() or None
