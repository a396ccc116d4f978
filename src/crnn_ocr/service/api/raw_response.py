"""Writes an error answer of the API as bytes, for code that runs outside the application."""

from __future__ import annotations

import json

from crnn_ocr.errors import OcrError


def bare_answer(error: OcrError, reason: str, request_id: str, *, status: int | None = None) -> bytes:
    """Return a whole HTTP answer with an error, which ends the connection.

    Args:
        error: The error.
        reason: Reason phrase of the status.
        request_id: Id of the request.
        status: HTTP status, if it differs from the error's own.
    """
    detail = {"code": error.code, "message": error.message, "hint": error.hint}
    body = json.dumps({"success": False, "error": detail, "request_id": request_id}).encode()
    head = [
        f"HTTP/1.1 {status or error.http_status} {reason}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"X-Request-Id: {request_id}",
        "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
        *([] if error.retry_after is None else [f"Retry-After: {error.retry_after}"]),
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
