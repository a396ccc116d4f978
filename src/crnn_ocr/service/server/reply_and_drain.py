"""Makes sure that a client that is still sending receives the refusal of its request.

A request may be answered before its body was read, for example because the body is too large. If the server
then closed the connection with data unread, TCP would reset it, and a client that sends first and reads
afterwards would see a broken pipe instead of the answer. So the answer says that the connection ends, and the
worker's main loop discards the rest, within limits, before it closes (`graceful_close`); this occupies no
thread.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from flask import Flask, Request, Response, g, request

#: Function that makes the server close the connection after the current answer; set by the worker.
close_after_answer: ContextVar[Callable[[], None] | None] = ContextVar("close_after_answer", default=None)


def install(app: Flask) -> None:
    """Close the connection after an answer to a request whose body was not read."""
    app.after_request(_end_if_unread)


def mark_body_read() -> None:
    """Record that the body of the current request was read to its end."""
    g.body_read = True


def _end_if_unread(response: Response) -> Response:
    if _has_body(request) and not g.get("body_read", False):
        response.headers["Connection"] = "close"
        close = close_after_answer.get()
        if close is not None:
            close()
    return response


def _has_body(request: Request) -> bool:
    return bool(request.content_length) or "Transfer-Encoding" in request.headers
