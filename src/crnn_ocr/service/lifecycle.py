"""What happens around every request: its id, its security headers, its one log line."""

from __future__ import annotations

import logging
import re
import time
import uuid

from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from crnn_ocr.logging import current_request_id

_log = logging.getLogger("crnn_ocr.service.request")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_QUIET_PATHS = frozenset({"/healthz", "/readyz"})

#: Nothing but what the service itself delivers; `blob:` is the preview of the chosen picture.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
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


def install(app: Flask, *, trusted_proxies: int = 0) -> None:
    """Hang the hooks into the application.

    Args:
        app: The application.
        trusted_proxies: How many proxies in front of the service tell the truth about the client.
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
    current_request_id.set(g.request_id)


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers.update(SECURITY_HEADERS)
    # Answers of the API are about one request; the page's files carry their own validators.
    response.headers.setdefault("Cache-Control", "no-store")
    _write_log_line(response)
    return response


def _write_log_line(response: Response) -> None:
    fields: dict[str, object] = {
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
        "ms": round((time.perf_counter() - g.started) * 1000, 1),
        "bytes_in": request.content_length,
        "bytes_out": response.content_length,
        "client": request.remote_addr,
    }
    if "key_name" in g:
        fields["key"] = g.key_name
    if "error_code" in g:
        fields["code"] = g.error_code
    if "result_size" in g:
        fields.update(g.result_size)
    quiet = request.path in _QUIET_PATHS and response.status_code < 400
    _log.log(logging.DEBUG if quiet else logging.INFO, "request", extra={"fields": fields})


def _forget(_error: BaseException | None) -> None:
    current_request_id.set(None)
