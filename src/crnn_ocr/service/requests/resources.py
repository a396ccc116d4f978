"""Resources that a request holds until its answer has been sent: its slot, reserved memory, watches."""

from __future__ import annotations

from contextlib import ExitStack

from flask import Flask, Response, g


def install(app: Flask) -> None:
    """Release the resources of each request at its end."""
    app.after_request(_keep_while_streaming)
    app.teardown_request(lambda _: _leave())


def of_request() -> ExitStack:
    """Return the resources of the current request; what is added is released when the request ends."""
    if "held" not in g:
        g.held = ExitStack()
    stack: ExitStack = g.held
    return stack


def _keep_while_streaming(response: Response) -> Response:
    """Keep the resources until the end of a streamed answer."""
    if response.is_streamed and "held" in g:
        response.call_on_close(g.held.pop_all().close)
    return response


def _leave() -> None:
    if "held" in g:
        g.held.close()
