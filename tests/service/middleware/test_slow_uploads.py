"""Uploads that do not come: they hold places, and nothing that others need. The reader only sleeps."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from functools import partial
from http.client import HTTPConnection

import pytest

from crnn_ocr.settings import MIB
from tests.service.middleware.test_gate import SWITCH, head, read_answer, wait_for
from tests.service.slow_server import slow_png, slow_server
from tests.service.wire import Reply, Server, reply

PLACES = 4


@pytest.fixture(scope="module")
def slow() -> Iterator[Server]:
    """Room for bodies of 2 MiB; uploads have two minutes, as by default."""
    with slow_server(
        CRNN_OCR_WORKER_THREADS=str(PLACES),
        CRNN_OCR_MAX_BODY_BYTES=str(MIB),
        CRNN_OCR_MAX_BYTES_IN_FLIGHT=str(2 * MIB),
    ) as server:
        yield server


def read_elsewhere(server: Server, body: bytes) -> Reply:
    """Read a picture for a client with another address than all others here."""
    with contextlib.closing(
        HTTPConnection(*server.address, timeout=30, source_address=("127.0.0.2", 0))
    ) as connection:
        connection.request("POST", "/ocr", body, {"Content-Type": "image/png"})
        return reply(connection)


def gauge(server: Server, name: str) -> int:
    rows = server.get("/metrics").body.decode().splitlines()
    return round(sum(float(row.split()[-1]) for row in rows if row.startswith(f"crnn_ocr_{name} ")))


@contextlib.contextmanager
def stalled(server: Server, *starts: bytes) -> Iterator[list[socket.socket]]:
    """Clients that send the beginning of a request, and nothing more; all are connected to the end."""
    with contextlib.ExitStack() as held:
        connections = []
        for start in starts:
            connection = held.enter_context(socket.create_connection(server.address, timeout=30))
            connection.sendall(start)
            connections.append(connection)
        yield connections
        for connection in connections:
            connection.setblocking(False)
            with pytest.raises(BlockingIOError):  # neither answered nor closed
                connection.recv(1)


@pytest.mark.parametrize("sent", [b"", bytes(20_000)], ids=["nothing", "the beginning"])
def test_announced_bytes_refuse_nobody(slow: Server, sent: bytes) -> None:
    start = head("image/png", f"Content-Length: {MIB}") + sent
    with stalled(slow, start, start, start):
        wait_for(lambda: gauge(slow, "intake_bodies") == 3)
        assert gauge(slow, "intake_bytes") < MIB
        for read in (slow.read, partial(read_elsewhere, slow)):
            assert read(slow_png(0)).status == 200
            assert read(slow_png(0, name="x" * (MIB - 10_000))).status == 200


def test_one_client_leaves_room_for_others(slow: Server) -> None:
    start = head("image/png", "Content-Length: 700000") + bytes(600_000)
    with stalled(slow, start, start):
        wait_for(lambda: gauge(slow, "intake_bytes") >= 2 * 600_000)
        large = slow_png(0, name="x" * 500_000)
        refused = slow.read(large)
        assert (refused.status, refused.code) == (503, "OVERLOADED")
        assert refused.headers["Retry-After"]
        assert read_elsewhere(slow, large).status == 200


def test_a_body_that_finds_no_room_any_more_is_refused(slow: Server) -> None:
    first = head("image/png", f"Content-Length: {MIB}") + bytes(900_000)
    chunked = head("image/png", "Transfer-Encoding: chunked") + b"%x\r\n" % 900_000 + bytes(900_000)
    with stalled(slow, first):
        wait_for(lambda: gauge(slow, "intake_bytes") >= 900_000)
        with socket.create_connection(slow.address, timeout=30) as late:
            late.sendall(chunked)
            top, body = read_answer(late)
    assert top.startswith(b"HTTP/1.1 503 ")
    assert json.loads(body)["error"]["code"] == "OVERLOADED"


def test_slow_bodies_of_all_kinds_leave_probes_and_pages_their_threads(slow: Server) -> None:
    bodies = [head("image/png", "Content-Length: 100000")] * PLACES
    switches = [SWITCH + b"Content-Length: 100\r\n\r\n", SWITCH + b"Transfer-Encoding: chunked\r\n\r\n"]
    with stalled(slow, *bodies, *switches):
        wait_for(lambda: gauge(slow, "intake_bodies") == PLACES)
        for _ in range(20):
            with socket.create_connection(slow.address, timeout=30) as one_more:
                one_more.sendall(switches[0])
                assert one_more.recv(65536).startswith(b"HTTP/1.1 503 ")
        for path in ("/healthz", "/readyz", "/metrics", "/limits", "/docs"):
            assert slow.get(path).status == 200
    switch = b'{"model": "fake"}', {"Content-Type": "application/json"}
    wait_for(
        lambda: slow.ask("PUT", "/models/active", *switch).status == 200
    )  # once they are noticed to be gone
