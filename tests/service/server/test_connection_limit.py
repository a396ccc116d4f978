"""Strangers who open more connections than a process has descriptors."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.service.server.connection_limit import MOST_CONNECTIONS, connections_within
from tests.service.slow_server import slow_server
from tests.service.wire import Server, reply

REFUSED = b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
PROBE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def soft() -> Iterator[int]:
    """A small limit for the processes that are started, which they may raise."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before, 300), hard))
    yield min(before, 300)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


def wait_for(condition: Callable[[], object], limit: float = 20) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def worker_of(server: Server) -> psutil.Process:
    return psutil.Process(server.process.pid).children()[0]


def test_the_limit_is_raised(soft: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with slow_server() as server:
        raised, _ = worker_of(server).rlimit(psutil.RLIMIT_NOFILE)
        assert raised == (65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536))


@pytest.mark.parametrize("sent", [REFUSED, PROBE, b""], ids=["refused", "kept open", "silent"])
def test_a_worker_survives_that_its_descriptors_run_out(sent: bytes) -> None:
    with slow_server() as server, contextlib.ExitStack() as crowd:
        worker = worker_of(server)
        friend = crowd.enter_context(contextlib.closing(HTTPConnection(*server.address, timeout=20)))

        def is_served() -> bool:
            friend.request("GET", "/healthz")
            return reply(friend).status == 200

        assert is_served()
        room = worker.num_fds() + 30
        worker.rlimit(psutil.RLIMIT_NOFILE, (room, room))
        for _ in range(120):
            stranger = crowd.enter_context(socket.create_connection(server.address, timeout=20))
            stranger.sendall(sent)
        # Who is connected already is served.
        wait_for(lambda: is_served() and "takes no connections for now" in server.log.read_text())
        assert is_served()
        crowd.close()
        assert server.get("/healthz").status == 200
        assert worker_of(server) == worker
        wait_for(lambda: worker.num_fds() < room - 20)
        assert "Traceback" not in server.log.read_text()


@given(st.integers(0, 10**9), st.integers(9, 264))
def test_threads_get_any_connections_and_descriptors_there_are(limit: int, threads: int) -> None:
    connections = connections_within(limit, threads)
    assert threads < connections <= MOST_CONNECTIONS
    assert connections <= connections_within(limit + 1, threads)
    if limit >= 1024:
        assert connections + 2 * threads < limit
