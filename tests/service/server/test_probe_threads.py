"""Probes are answered while every other thread of the server is taken."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator

import pytest

from tests.service.slow_server import slow_server
from tests.service.wire import Server

SLOW = b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"
#: More than the server has threads: 1 for pictures, 8 for uploads, 24 for streams of events, and 8 others.
ASKED = 60


@pytest.fixture(scope="module")
def full() -> Iterator[tuple[Server, select.epoll]]:
    """A server whose threads all sleep, and a poller that tells when one has answered."""
    with (
        slow_server(CRNN_OCR_WORKER_THREADS="1", CRNN_OCR_GRACEFUL_TIMEOUT_S="1") as server,
        contextlib.ExitStack() as held,
    ):
        answered = held.enter_context(select.epoll())
        for _ in range(ASKED):
            connection = held.enter_context(socket.create_connection(server.address))
            connection.sendall(SLOW)
            answered.register(connection, select.EPOLLIN)
        yield server, answered


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/healthz?", "/healthz?probe=1"])
def test_probes_wait_for_nobody(full: tuple[Server, select.epoll], method: str, path: str) -> None:
    server, answered = full
    assert server.ask(method, path).status == 200
    assert not answered.poll(0)


def test_other_requests_wait(full: tuple[Server, select.epoll]) -> None:
    server, _ = full
    with socket.create_connection(server.address) as connection:
        connection.sendall(SLOW.replace(b"/slow", b"/healthzz"))
        assert not select.select([connection], [], [], 1)[0]
