"""A server that answers as a test tells it to, one script entry per request."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Step = Callable[[BaseHTTPRequestHandler], None]


def answer(status: int, body: object, **headers: str) -> Step:
    """A step that answers with JSON, or with bytes as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    def step(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return step


def failure(status: int, code: str, **headers: str) -> Step:
    body = {"success": False, "error": {"code": code, "message": "m", "hint": "h"}, "request_id": "id-1"}
    return answer(status, body, **headers)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """A step that closes the connection without a word."""
    handler.close_connection = True


@dataclass
class Script:
    """What is answered, and what was asked."""

    url: str
    steps: list[Step]
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    connections: int = 0


@contextlib.contextmanager
def scripted_server(*steps: Step) -> Iterator[Script]:
    script = Script("", list(steps))
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            script.connections += 1

        def reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                script.seen.append((self.command, self.path, dict(self.headers), body))
                step = script.steps.pop(0)
            step(self)

        do_GET = do_POST = do_DELETE = reply  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
