"""Clients that ask and do not read, without a key: they hold no thread. The reader only sleeps."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator

import pytest

from crnn_ocr.service import launcher
from crnn_ocr.service.middleware.gate import MOST_UPLOADS
from crnn_ocr.service.server.event_streams import MOST_STREAMS
from tests.service.middleware.test_gate import head, read_answer, wait_for
from tests.service.slow_server import MOST_UNSENT, slow_png, slow_server
from tests.service.wire import Server

#: Threads of the server: 4 for pictures, and those for other requests, uploads and events.
THREADS = 4 + launcher._SPARE_THREADS + MOST_UPLOADS + MOST_STREAMS
READERS = THREADS + 4


@pytest.fixture(scope="module")
def slow() -> Iterator[Server]:
    with slow_server(CRNN_OCR_WORKER_THREADS="4") as server:
        yield server


def get(path: str, method: str = "GET", *headers: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


PICTURE = slow_png(0)
REQUESTS = {
    "a file": get("/ui/samples/photo.webp"),
    "a part of a file": get("/ui/samples/photo.webp", "GET", "Range: bytes=1-"),
    "a packed file": get("/ui/base.css", "GET", "Accept-Encoding: gzip"),
    "the page": get("/"),
    "the document": get("/docs"),
    "the schema": get("/openapi.json"),
    "metrics": get("/metrics"),
    "refusals": get("/nothing"),
    "wrong methods": get("/ocr", "DELETE"),
    "answers": head("image/png", f"Content-Length: {len(PICTURE)}") + PICTURE,
    "previews": head("image/png", f"Content-Length: {len(PICTURE)}").replace(b"/ocr", b"/preview") + PICTURE,
}


@contextlib.contextmanager
def stalled(server: Server, request: bytes) -> Iterator[list[socket.socket]]:
    """Clients that have sent as many requests as fit, and read no answer; they are connected to the end."""
    with contextlib.ExitStack() as held:
        connections = []
        for _ in range(READERS):
            connection = held.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.connect(server.address)
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                for _ in range(200):
                    connection.send(request)
            connections.append(connection)
        yield connections
        ended = select.poll()
        for connection in connections:
            ended.register(connection, select.POLLRDHUP)
        # Pictures beyond the places are refused, and those connections closed.
        most = READERS - 1 if request.startswith(b"POST") else READERS - THREADS
        assert len(ended.poll(0)) <= most, server.records()


@pytest.mark.parametrize("what", REQUESTS)
def test_readers_that_take_nothing_lock_nobody_out(slow: Server, what: str) -> None:
    with stalled(slow, REQUESTS[what]):
        for path in ("/healthz", "/readyz", "/metrics", "/docs", "/ui/samples/photo.webp"):
            assert slow.get(path).status == 200
        wait_for(lambda: slow.read(PICTURE).status == 200)  # once the pictures before it are read


def test_a_reader_that_takes_its_time_gets_everything(slow: Server) -> None:
    whole = slow.get("/docs").body
    with stalled(slow, REQUESTS["the document"]) as connections:
        connections[0].setblocking(True)
        for _ in range(20):
            top, body = read_answer(connections[0])
            assert top.startswith(b"HTTP/1.1 200 ")
            assert body == whole


def test_a_greedy_address_does_not_cost_another_one_its_answers() -> None:
    asked = 4  # more than the kernel keeps
    with slow_server(**{MOST_UNSENT: "400000"}) as server, contextlib.ExitStack() as held:

        def ask(address: str) -> socket.socket:
            connection = held.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.bind((address, 0))
            connection.connect(server.address)
            connection.sendall(REQUESTS["the document"] * asked)
            return connection

        honest = ask("127.0.0.1")
        for _ in range(READERS):
            ask("127.0.0.2")
        wait_for(lambda: b'given_up_total{reason="crowded"} 0.0' not in server.get("/metrics").body)
        whole = server.get("/docs").body
        for _ in range(asked):
            assert read_answer(honest)[1] == whole
        told = [record for record in server.records() if "crowded" in record]
        assert {record["client"] for record in told} == {"address:127.0.0.2"}
