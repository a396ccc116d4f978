"""Lets a client that is still sending hear that its request was refused.

A request may be answered before its body was read, for example because the body is too large. If the server
then closed the connection with data unread, TCP would reset it, and a client that sends first and reads
afterwards would see a broken pipe instead of the answer. So the rest is read and thrown away, within limits,
after the answer is on its way.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Flask, Request, Response, g, request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_PIECE = 64 * 1024
_MOST_BYTES = 256 * 1024 * 1024
_LONGEST_S = 3.0


def install(app: Flask) -> None:
    """Drain what an answer leaves unread; works under Gunicorn, which shows the connection's socket."""
    app.after_request(_drain_when_sent)


def mark_body_read() -> None:
    """Tell that the body of the current request was read to its end."""
    g.body_read = True


def _drain_when_sent(response: Response) -> Response:
    connection = request.environ.get("gunicorn.socket")
    if connection is not None and _has_body(request) and not g.get("body_read", False):
        response.headers["Connection"] = "close"
        response.call_on_close(partial(_drain, connection, request.environ))
    return response


def _has_body(request: Request) -> bool:
    return bool(request.content_length) or "Transfer-Encoding" in request.headers


def _drain(connection: socket.socket, environ: WSGIEnvironment) -> None:
    body: Any = environ["wsgi.input"]
    deadline = time.monotonic() + _LONGEST_S
    drained = 0
    # A client that is gone, silent or breaks the protocol has no further claim.
    with suppress(Exception):
        while drained < _MOST_BYTES and (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            piece = body.read(_PIECE)
            if not piece:
                break
            drained += len(piece)
