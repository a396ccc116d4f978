"""Requests of workers that die, with real processes and sockets. The reader only sleeps."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psutil
import pytest

from crnn_ocr.client import Client
from crnn_ocr.service.server.handover import MOST_OPEN, Handover, release_before
from crnn_ocr.service.server.orphaned_requests import HeldRequests
from crnn_ocr.service.server.orphaned_requests import answer as answer_client
from tests.processes import living_children
from tests.service.slow_server import slow_png, slow_server
from tests.service.wire import Reply, Server

# ---- the real service --------------------------------------------------------------------------------


@pytest.fixture
def slow() -> Iterator[Server]:
    with slow_server(
        CRNN_OCR_THREADS="4", CRNN_OCR_QUEUE_SECONDS="100", CRNN_OCR_BATCH_MAX_ITEMS="9"
    ) as server:
        yield server


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as executor:
        yield executor


def wait_for(condition: Callable[[], object], limit: float = 20) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def bodies(server: Server) -> int:
    """Requests whose body the service holds."""
    rows = server.get("/metrics").body.decode().splitlines()
    return round(sum(float(row.split()[-1]) for row in rows if row.startswith("crnn_ocr_intake_bodies ")))


def worker_of(server: Server) -> psutil.Process:
    return living_children(server.process.pid)[0]


def in_work(server: Server, pool: ThreadPoolExecutor, count: int) -> list[Future[Reply]]:
    before = bodies(server)
    asked = [
        pool.submit(
            server.ask,
            "POST",
            "/ocr",
            slow_png(60, name=f"{number}"),
            {"Content-Type": "image/png", "X-Request-Id": f"lost-{number}"},
        )
        for number in range(count)
    ]
    wait_for(lambda: bodies(server) == before + count)
    return asked


def test_what_a_killed_worker_was_reading_is_answered(slow: Server, pool: ThreadPoolExecutor) -> None:
    asked = in_work(slow, pool, 4)
    worker_of(slow).kill()
    answers = [future.result(30) for future in asked]  # long before a worker could have read them
    for number, answer in enumerate(answers):
        assert (answer.status, answer.code) == (503, "WORKER_LOST")
        assert answer.headers["Retry-After"] == "1"
        assert answer.headers["X-Request-Id"] == answer.json["request_id"] == f"lost-{number}"
    assert slow.read(slow_png(0)).status == 200
    refused = [record for record in slow.records() if record.get("code") == "WORKER_LOST"]
    assert {record["request_id"] for record in refused} == {f"lost-{number}" for number in range(4)}


def test_a_client_that_is_still_sending_hears_of_it_too(slow: Server) -> None:
    head = b"POST /ocr HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
    head += b"Content-Length: 9000000\r\n\r\n"
    with socket.create_connection(slow.address, timeout=10) as connection:
        connection.sendall(head + bytes(100_000))
        wait_for(lambda: bodies(slow) == 1)
        worker_of(slow).kill()
        with contextlib.suppress(OSError):
            for _ in range(50):
                connection.sendall(bytes(10_000))
                time.sleep(0.01)
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 503 "), answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "WORKER_LOST"


def test_an_answer_that_has_begun_is_cut_off_without_additions(slow: Server) -> None:
    pictures = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n' + picture + b"\r\n"
        for picture in (slow_png(0, name="quick"), slow_png(60, name="long"))
    )
    body = pictures + b"--b--\r\n"
    head = (
        "POST /ocr/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        f"Accept: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(slow.address, timeout=10) as connection:
        connection.sendall(head.encode() + body)
        stream = connection.makefile("rb")
        row = b""
        while b'"success":true' not in row:
            row = stream.readline()
        worker_of(slow).kill()
        rest = b""
        with contextlib.suppress(ConnectionError):
            rest = stream.read()
    assert b"WORKER_LOST" not in rest
    assert b"HTTP/1.1" not in rest


def test_an_answer_in_parts_that_has_not_begun_is_replaced(slow: Server, pool: ThreadPoolExecutor) -> None:
    body = json.dumps([{"image": base64.b64encode(slow_png(60)).decode()}]).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/x-ndjson"}
    asked = pool.submit(slow.ask, "POST", "/ocr/batch", body, headers)
    wait_for(lambda: bodies(slow) == 1)
    time.sleep(0.5)  # its pictures are being read
    worker_of(slow).kill()
    assert (asked.result(10).status, asked.result().code) == (503, "WORKER_LOST")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"DELETE /slow HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"PUT /models/active HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 10\r\n\r\n{",
    ],
    ids=["GET", "DELETE", "PUT"],
)
def test_every_method_is_answered(slow: Server, head: bytes) -> None:
    supervisor = psutil.Process(slow.process.pid)
    before = supervisor.num_fds()
    with socket.create_connection(slow.address, timeout=10) as connection:
        connection.sendall(head)
        wait_for(lambda: supervisor.num_fds() > before)  # it holds the connection
        worker_of(slow).kill()
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 503 ")


def test_the_client_of_the_project_notices_nothing(slow: Server, pool: ThreadPoolExecutor) -> None:
    with Client(slow.url, retry_for=30) as client:
        asked = pool.submit(client.ocr, slow_png(3, name="again"))
        wait_for(lambda: bodies(slow) == 1)
        worker_of(slow).kill()
        assert asked.result(30).text


def test_who_exceeds_the_grace_period_is_told_as_well(pool: ThreadPoolExecutor) -> None:
    with slow_server(CRNN_OCR_THREADS="2", CRNN_OCR_GRACEFUL_TIMEOUT_S="1") as server:
        asked = in_work(server, pool, 2)
        server.process.send_signal(signal.SIGTERM)
        assert [future.result(15).code for future in asked] == ["WORKER_LOST"] * 2
        assert server.process.wait(15) == 0


def test_connections_end_and_leave_no_descriptor(slow: Server) -> None:
    supervisor = psutil.Process(slow.process.pid)
    assert slow.read(slow_png(0)).status == 200
    before = supervisor.num_fds()
    for number in range(100):
        picture = slow_png(0, name=str(number))
        head = "POST /ocr HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: image/png\r\n"
        with socket.create_connection(slow.address, timeout=10) as connection:
            connection.sendall(f"{head}Content-Length: {len(picture)}\r\n\r\n".encode() + picture)
            assert connection.makefile("rb").read().startswith(b"HTTP/1.1 200 ")  # to the end
    wait_for(lambda: supervisor.num_fds() <= before)


def test_a_supervisor_that_hangs_holds_nobody_up(slow: Server) -> None:
    os.kill(slow.process.pid, signal.SIGSTOP)
    try:
        for number in range(400):  # more than the socket between them takes
            assert slow.read(slow_png(0, name=str(number))).status == 200
    finally:
        os.kill(slow.process.pid, signal.SIGCONT)
    wait_for(lambda: slow.get("/healthz").status == 200)
    worker_of(slow).kill()
    wait_for(lambda: slow.read(slow_png(0, name="after")).status == 200)


# ---- both sides ---------------------------------------------------------------------------------------


@pytest.fixture
def supervisor() -> Iterator[HeldRequests]:
    before = signal.getsignal(signal.SIGIO)
    made = HeldRequests()
    made.begin()
    yield made
    for descriptor, _ in made._held.values():
        os.close(descriptor)
    made._worker_end.close()
    made._supervisor_end.close()
    signal.signal(signal.SIGIO, before)


@pytest.fixture
def worker(supervisor: HeldRequests) -> Handover:
    return Handover(supervisor._worker_end, 1, bytearray(MOST_OPEN))


@pytest.fixture
def connections() -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        pairs = [socket.socketpair() for _ in range(3)]
        yield [stack.enter_context(end) for pair in pairs for end in pair]


def ids(supervisor: HeldRequests) -> list[str]:
    supervisor.receive()
    return [request_id for _, request_id in supervisor._held.values()]


def test_only_those_who_wait_are_held(
    supervisor: HeldRequests, worker: Handover, connections: list[socket.socket]
) -> None:
    before = psutil.Process().num_fds()
    first = worker.hold(connections[0], "first")
    worker.hold(connections[2], "second")
    assert ids(supervisor) == ["first", "second"]
    first()
    first()
    assert ids(supervisor) == ["second"]
    worker.hold(connections[4], "third")()
    assert ids(supervisor) == ["second"]
    assert psutil.Process().num_fds() == before + 1


def test_what_was_taken_back_is_no_orphan_despite_late_messages(
    supervisor: HeldRequests, worker: Handover, connections: list[socket.socket]
) -> None:
    first, _ = (worker.hold(connections[number], str(number)) for number in (0, 2))
    good, worker._end = worker._end, socket.socket(socket.AF_UNIX)  # not connected: sending fails
    first()
    worker.hold(connections[4], "not held")()
    worker._end.close()
    worker._end = good
    assert ids(supervisor) == ["0", "2"]
    assert list(worker._open[:3]) == [0, 1, 0]
    worker.hold(connections[4], "third")
    assert ids(supervisor) == ["2", "third"]


def test_an_id_of_any_length_that_is_taken_fits(
    supervisor: HeldRequests, worker: Handover, connections: list[socket.socket]
) -> None:
    worker.hold(connections[0], "x" * 128)
    assert ids(supervisor) == ["x" * 128]


def test_an_answer_in_parts_is_released_first_and_closed_last() -> None:
    seen: list[str] = []

    def parts() -> Iterator[str]:
        try:
            seen.append("made")
            yield "first"
            yield "second"
        finally:
            seen.append("closed")

    released = release_before(parts(), lambda: seen.append("released"))
    assert next(released) == "first"
    assert seen == ["made", "released"]
    released.close()  # type: ignore[attr-defined]
    assert seen[-1] == "closed"
    nothing = release_before([], lambda: seen.append("nothing to send"))
    assert list(nothing) == []
    assert seen[-1] == "nothing to send"


def test_clients_that_do_not_read_are_left_after_a_while(connections: list[socket.socket]) -> None:
    started = time.monotonic()
    answer_client(connections[0], "a", patience_s=0.3)
    assert time.monotonic() - started > 0.2
    assert connections[1].recv(65536).startswith(b"HTTP/1.1 503 ")


def test_clients_that_are_gone_are_not_waited_for(connections: list[socket.socket]) -> None:
    connections[1].close()
    answer_client(connections[0], "a", patience_s=3600)  # longer than a test may take


# ---- workers that are replaced -----------------------------------------------------------------------


def test_workers_that_have_had_their_share_are_replaced_unseen(
    pool: ThreadPoolExecutor,
) -> None:
    with slow_server(CRNN_OCR_THREADS="4", CRNN_OCR_MAX_REQUESTS="10", CRNN_OCR_WORKERS="2") as server:
        before = {child.pid for child in psutil.Process(server.process.pid).children()}
        with Client(server.url, retry_for=30) as client:
            texts = list(pool.map(lambda n: client.ocr(slow_png(0.05, name=f"{n}")).text, range(100)))
        assert len(set(texts)) == 100
        wait_for(lambda: not before & {child.pid for child in psutil.Process(server.process.pid).children()})
        exits = "\n".join(server.get("/metrics").body.decode().splitlines())
        assert 'crnn_ocr_worker_exits_total{reason="crashed"} 0.0' in exits


@pytest.mark.parametrize("workers", ["1", "2"])
def test_replacing_workers_costs_no_request(pool: ThreadPoolExecutor, workers: str) -> None:
    with slow_server(CRNN_OCR_THREADS="4", CRNN_OCR_MAX_REQUESTS="20", CRNN_OCR_WORKERS=workers) as server:
        before = {child.pid for child in psutil.Process(server.process.pid).children()}
        # Each on a connection of its own, and none is sent again.
        answers = list(pool.map(lambda n: server.read(slow_png(0.05, name=f"{n}")).status, range(80)))
        assert answers == [200] * 80
        now = {child.pid for child in psutil.Process(server.process.pid).children()}
        assert before - now
