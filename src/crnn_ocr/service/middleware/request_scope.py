"""Gives every request its id, its security headers and its log line."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from functools import partial
from typing import Any, Self

from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from crnn_ocr.logging import current_request_id
from crnn_ocr.service.middleware.request_timing import Timing, current_timing, server_timing, stage_fields

_log = logging.getLogger("crnn_ocr.service.request")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})

#: Allows only what the service itself delivers; `blob:` is the preview of the chosen picture.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), display-capture=(self), geolocation=(), microphone=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Permitted-Cross-Domain-Policies": "none",
}
#: Headers of the page's scripts, styles and samples: browsers apply the others only to documents, and on
#: seventy files they would be a third of what a first visit loads.
PART_HEADERS = {
    name: SECURITY_HEADERS[name] for name in ("Cross-Origin-Resource-Policy", "X-Content-Type-Options")
}
_PART_TYPES = frozenset({"text/javascript", "text/css", "image/webp"})


def install(app: Flask, *, trusted_proxies: int = 0) -> None:
    """Install the hooks.

    Args:
        app: The application.
        trusted_proxies: Number of proxies in front of the service whose headers about the client are trusted.
    """
    if trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted_proxies, x_proto=trusted_proxies)  # type: ignore[method-assign]
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_forget)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    g.started = time.perf_counter()
    g.timing = Timing()
    current_request_id.set(g.request_id)
    current_timing.set(g.timing)


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    is_part = request.endpoint == "static" and response.mimetype in _PART_TYPES
    response.headers.update(PART_HEADERS if is_part else SECURITY_HEADERS)
    # Answers of the API are about one request; the page's files carry their own validators.
    response.headers.setdefault("Cache-Control", "no-store")
    spent = time.perf_counter() - g.started
    response.headers["Server-Timing"] = server_timing(
        g.timing.seconds, total_s=spent, cache=g.get("result_size", {}).get("cache")
    )
    write = _log_line(response)
    if is_made_while_sent(response):
        # Flask tears the request down before the answer is computed, which needs its id, timing and trace.
        context = copy_context()
        response.response = _PartsInContext(context, response.response)
        response.call_on_close(partial(context.run, write))
    else:
        write()
    return response


def is_made_while_sent(response: Response) -> bool:
    """Return whether the answer is computed while it is sent; a file is not."""
    return response.is_streamed and not response.direct_passthrough


class _PartsInContext:
    """Parts of an answer, each of which is made in a given context."""

    def __init__(self, context: Context, parts: Iterable[Any]) -> None:
        self._context = context
        self._parts = parts
        self._iterator = iter(parts)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return self._context.run(next, self._iterator)

    def close(self) -> None:
        """Close the parts; the server calls it when the answer has been sent or the client is gone."""
        close = getattr(self._parts, "close", None)
        if close is not None:
            self._context.run(close)


def _log_line(response: Response) -> Callable[[], None]:
    """Return a function that writes the log line after the answer; it needs no request context."""
    started: float = g.started
    timing: Timing = g.timing
    size: dict[str, object] = g.get("result_size", {})
    head = {"method": request.method, "path": request.path, "status": response.status_code}
    transfer: dict[str, object] = {
        "bytes_in": request.content_length,
        "bytes_out": response.content_length,
        "client": request.remote_addr,
    }
    if "key_name" in g:
        transfer["key"] = g.key_name
    if "error_code" in g:
        transfer["code"] = g.error_code
    quiet = request.path in _QUIET_PATHS and response.status_code < 400
    level = logging.DEBUG if quiet else logging.INFO

    def write() -> None:
        times = {"ms": round((time.perf_counter() - started) * 1000, 1), **stage_fields(timing.seconds)}
        _log.log(level, "request", extra={"fields": {**head, **times, **transfer, **size}})

    return write


def _forget(_error: BaseException | None) -> None:
    current_request_id.set(None)
    current_timing.set(None)
