"""What a request holds until its answer has been sent: its place, room for its pictures, watches."""

from __future__ import annotations

from contextlib import ExitStack

from flask import Flask, Response, g


def install(app: Flask) -> None:
    """Let go of everything at the end of each request."""
    app.after_request(_keep_while_streaming)
    app.teardown_request(lambda _: _leave())


def of_request() -> ExitStack:
    """Return what the current request holds; what is added is given back when it is over."""
    if "held" not in g:
        g.held = ExitStack()
    stack: ExitStack = g.held
    return stack


def _keep_while_streaming(response: Response) -> Response:
    """Keep everything until the end of an answer that is made while it is sent."""
    if response.is_streamed and "held" in g:
        response.call_on_close(g.held.pop_all().close)
    return response


def _leave() -> None:
    if "held" in g:
        g.held.close()
