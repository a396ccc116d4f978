"""The door of the real service, with real sockets: load, time-outs, rude clients. The reader only sleeps."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.service.slow_server import slow_png, slow_server
from tests.service.wire import Reply, Server, reply

PNG = {"Content-Type": "image/png"}
PROBE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
SWITCH = b"PUT /models/active HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def slow() -> Iterator[Server]:
    """One core, 1.3 seconds of work, four places; little time for bodies."""
    with slow_server(
        CRNN_OCR_THREADS="1",
        CRNN_OCR_QUEUE_SECONDS="1.3",
        CRNN_OCR_WORKER_THREADS="4",
        CRNN_OCR_REQUEST_TIMEOUT_S="60",
        CRNN_OCR_UPLOAD_TIMEOUT_S="1.5",
    ) as server:
        yield server


@pytest.fixture(scope="module")
def hasty() -> Iterator[Server]:
    """A service that gives every request two seconds."""
    with slow_server(CRNN_OCR_THREADS="1", CRNN_OCR_REQUEST_TIMEOUT_S="2") as server:
        yield server


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A file that lets the pictures of `held_png` end; it is there after the test at the latest."""
    path = tmp_path / "gate"
    yield path
    path.touch()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as executor:
        yield executor


def wait_for(condition: Callable[[], object], limit: float = 30) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def held_png(gate: Path, name: str, *, side: int = 32) -> bytes:
    """A picture that is read until the gate opens."""
    return slow_png(50, until=gate, width=side, height=side, name=name)


def gauge(server: Server, name: str) -> float:
    """A figure of all workers together."""
    rows = server.get("/metrics").body.decode().splitlines()
    return sum(float(row.split()[-1]) for row in rows if row.startswith(f"{name} "))


def bodies(server: Server) -> int:
    """Requests whose body the service holds."""
    return round(gauge(server, "crnn_ocr_intake_bodies"))


def busy(slow: Server, pool: ThreadPoolExecutor, *pictures: bytes) -> list[Future[Reply]]:
    """Send pictures, and wait until the service has them."""
    running = [pool.submit(slow.read, picture) for picture in pictures]
    wait_for(lambda: bodies(slow) == len(pictures))
    wait_for(lambda: gauge(slow, "crnn_ocr_admission_backlog_seconds") > 0)  # decoded, and let in
    return running


def still_held(running: list[Future[Reply]], gate: Path) -> bool:
    """Return whether all are still being read, and let them end."""
    held = not any(future.done() for future in running)
    gate.touch()
    return held


def is_given_up(connection: socket.socket) -> bool:
    """Return whether the server has closed a connection because nothing more came."""
    connection.settimeout(0)
    come = b""
    try:
        while piece := connection.recv(65536):
            come += piece
    except BlockingIOError:
        return False
    return b" 408 " in come or b"connection: close" not in come.lower()


def is_listened_to(connection: socket.socket) -> bool:
    """Return whether the server takes what comes, having ended its own side; closed, it would reset it."""
    try:
        for _ in range(2):
            connection.sendall(b"more")
            time.sleep(0.05)
    except OSError:
        return False
    return True


# ---- load --------------------------------------------------------------------------------------------


def test_work_past_the_bound_is_refused_with_a_time_to_retry(
    slow: Server, pool: ThreadPoolExecutor, gate: Path
) -> None:
    running = busy(slow, pool, held_png(gate, "first", side=1000))
    refused = slow.read(slow_png(0, width=1000, height=1000, name="second"))
    assert (refused.status, refused.code) == (503, "OVERLOADED")
    assert 1 <= int(refused.headers["Retry-After"]) <= 2
    assert slow.read(slow_png(0, name="icon")).status == 200  # there is room for little work
    assert still_held(running, gate)
    assert running[0].result().status == 200
    assert slow.read(slow_png(0, width=1000, height=1000, name="third")).status == 200


def test_a_large_body_is_refused_before_it_is_sent(
    slow: Server, pool: ThreadPoolExecutor, gate: Path
) -> None:
    running = busy(slow, pool, held_png(gate, "before", side=1000))
    with contextlib.closing(HTTPConnection(*slow.address, timeout=10)) as connection:
        connection.putrequest("POST", "/ocr")
        connection.putheader("Content-Type", "image/png")
        connection.putheader("Content-Length", str(20_000_000))
        connection.endheaders()
        answer = reply(connection)
    assert (answer.status, answer.code) == (503, "OVERLOADED")
    assert still_held(running, gate)


def test_requests_past_the_places_are_refused_but_no_probes(
    slow: Server, pool: ThreadPoolExecutor, gate: Path
) -> None:
    running = busy(slow, pool, *[held_png(gate, f"icon {number}") for number in range(4)])
    for _ in range(5):
        for path in ("/healthz", "/readyz", "/options"):
            assert slow.get(path).status == 200
        refused = slow.read(slow_png(0, name="one too many"))
        assert (refused.status, refused.code) == (503, "OVERLOADED")
        assert int(refused.headers["Retry-After"]) >= 1
    assert still_held(running, gate)
    assert [future.result().status for future in running] == [200] * 4


def test_a_refused_client_hears_it_although_it_sends_first(
    slow: Server, pool: ThreadPoolExecutor, gate: Path
) -> None:
    running = busy(slow, pool, *[held_png(gate, f"held {number}") for number in range(4)])
    refused = slow.ask("POST", "/ocr", bytes(5_000_000), PNG)
    assert (refused.status, refused.code) == (503, "OVERLOADED")
    assert refused.headers["Connection"] == "close"
    assert still_held(running, gate)
    assert [future.result().status for future in running] == [200] * 4


# ---- time --------------------------------------------------------------------------------------------


def given_up(server: Server, headers: dict[str, str]) -> float:
    """Send a picture that takes 20 seconds, and is not read to its end; return after how many it ended."""
    started = time.monotonic()
    answer = server.ask("POST", "/ocr", slow_png(20, name=f"{headers}"), {**PNG, **headers})
    assert (answer.status, answer.code) == (504, "DEADLINE_EXCEEDED")
    return time.monotonic() - started


def test_an_answer_that_takes_too_long_is_given_up(slow: Server) -> None:
    assert given_up(slow, {"X-Request-Timeout": "1"}) >= 1


@pytest.mark.parametrize("headers", [{}, {"X-Request-Timeout": "1000"}], ids=["none", "too long"])
def test_a_request_cannot_have_more_time_than_the_server_gives(
    hasty: Server, headers: dict[str, str]
) -> None:
    assert given_up(hasty, headers) >= 2


@pytest.mark.parametrize("value", ["0", "0.5", "-1", "soon", "nan", ""])
def test_a_wrong_time_out_is_refused(slow: Server, value: str) -> None:
    answer = slow.ask("POST", "/ocr", slow_png(0), {**PNG, "X-Request-Timeout": value})
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("behind", [b"", b"\r\n", PROBE], ids=["nothing", "a row end", "a request"])
def test_work_ends_when_its_client_is_gone(slow: Server, behind: bytes) -> None:
    """Whatever the client has sent behind the body."""
    request_id = f"gone-{len(behind)}"
    body = slow_png(50, name=f"nobody waits {request_id}")
    with socket.create_connection(slow.address, timeout=10) as connection:
        connection.sendall(
            b"POST /ocr HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            + f"X-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
            + behind
        )
        wait_for(lambda: bodies(slow) == 1)
    wait_for(lambda: [entry for entry in slow.records() if entry.get("request_id") == request_id])
    (entry,) = [entry for entry in slow.records() if entry.get("request_id") == request_id]
    assert (entry["status"], entry["code"]) == (499, "REQUEST_CANCELLED")


def read_answer(connection: socket.socket, start: bytes = b"") -> tuple[bytes, bytes]:
    """Head and body of one answer, which may come in several pieces."""
    stream = connection.makefile("rb", buffering=0)
    top = start
    while b"\r\n\r\n" not in top and (piece := stream.read(1)):
        top += piece
    top, _, body = top.partition(b"\r\n\r\n")
    length = int(top.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length and (piece := stream.read(length - len(body))):
        body += piece
    return top, body


# ---- slow clients ------------------------------------------------------------------------------------


def head(kind: str, framing: str) -> bytes:
    return f"POST /ocr HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (head("image/png", "Content-Length: 1000"), b"x"),
        (head("application/json", "Content-Length: 1000"), b" "),
        (head("multipart/form-data; boundary=b", "Content-Length: 1000") + b"--b\r\n", b"x"),
        (head("image/png", "Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
        (head("image/png", "Content-Length: 1000"), b""),
        (SWITCH + b"Content-Length: 1000\r\n\r\n", b" "),
        (SWITCH + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (SWITCH + b"Content-Length: 1000\r\n\r\n", b""),
    ],
    ids=["raw", "json", "form", "chunked", "silent", "switch", "switch, chunked", "switch, silent"],
)
def test_a_body_that_trickles_is_given_up(slow: Server, start: bytes, piece: bytes) -> None:
    with socket.create_connection(slow.address, timeout=10) as connection:
        started = time.monotonic()
        connection.sendall(start)
        answer = b""
        while not answer and time.monotonic() < started + 40:
            with contextlib.suppress(TimeoutError):
                connection.settimeout(0.2)
                answer = connection.recv(65536)
            with contextlib.suppress(OSError):
                connection.send(piece)
        connection.settimeout(10)
        top, body = read_answer(connection, answer)
    assert top.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["error"]["code"] == "UPLOAD_TIMEOUT"
    assert time.monotonic() - started > 1


def test_clients_that_never_finish_their_headers_hold_no_thread(slow: Server) -> None:
    with contextlib.ExitStack() as held:
        connections = [
            held.enter_context(socket.create_connection(slow.address, timeout=10)) for _ in range(60)
        ]
        for number, connection in enumerate(connections):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"[: number % 30])
        for _ in range(10):
            assert slow.get("/healthz").status == 200
        assert not any(map(is_given_up, connections))


BEGUN = b"GET /healthz HTTP/1.1\r\nHost:"


@pytest.mark.parametrize(
    "sent",
    [
        PROBE + BEGUN,
        PROBE * 3 + BEGUN,
        head("image/png", "Content-Length: 5") + b"hello" + BEGUN,
        b"\r\n" + BEGUN,
        b"\r\n\r\n" + BEGUN,
        b"GET /healthz HTTP/1.1\r\n" + b"X-Long: " + b"y" * 40_000,
        b"GET /" + b"y" * 40_000,
        PROBE + b"GET /" + b"y" * 40_000,
    ],
    ids=["second", "fourth", "after a body", "blank line", "blank lines", "long header", "long line", "both"],
)
def test_whatever_is_left_unfinished_holds_no_thread(slow: Server, sent: bytes) -> None:
    with contextlib.ExitStack() as held:
        connections = [
            held.enter_context(socket.create_connection(slow.address, timeout=10)) for _ in range(60)
        ]
        for connection in connections:
            connection.sendall(sent)
        time.sleep(0.5)
        for _ in range(3):
            assert slow.get("/healthz").status == 200
        assert not any(map(is_given_up, connections))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\n" + b"X-Long: yyyyyyyyyy\r\n" * 2000, 431),
        (b"GET /" + b"y" * 40_000, 414),
    ],
)
def test_headers_that_do_not_end_are_refused_at_once(slow: Server, sent: bytes, status: int) -> None:
    with socket.create_connection(slow.address, timeout=10) as connection:
        connection.sendall(PROBE)
        assert read_answer(connection)[0].startswith(b"HTTP/1.1 200 ")
        connection.sendall(sent)
        top, body = read_answer(connection)
        assert connection.recv(10) == b""
    assert top.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(body)["error"]["code"] == "BAD_REQUEST"


def test_a_second_request_may_begin_together_with_the_first(slow: Server) -> None:
    with socket.create_connection(slow.address, timeout=10) as connection:
        for start, rest in ((20, 25), (len(PROBE) - 2, 1), (len(PROBE) - 1, 1)):
            connection.sendall(PROBE + PROBE[:start])
            assert read_answer(connection)[0].startswith(b"HTTP/1.1 200 ")
            time.sleep(0.3)
            connection.sendall(PROBE[start : start + rest])
            time.sleep(0.3)
            connection.sendall(PROBE[start + rest :] + PROBE * 2)
            for _ in range(3):
                assert read_answer(connection)[0].startswith(b"HTTP/1.1 200 ")


def test_headers_may_come_in_pieces(slow: Server) -> None:
    with socket.create_connection(slow.address, timeout=10) as connection:
        for piece in (b"GET /heal", b"thz HTTP/1.1\r\n", b"Host: localhost\r\n", b"\r", b"\n"):
            connection.sendall(piece)
            time.sleep(0.05)
        assert read_answer(connection)[0].startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /healthz HT")
        time.sleep(0.3)
        connection.sendall(b"TP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_answer(connection)[0].startswith(b"HTTP/1.1 200 ")


@pytest.mark.slow
def test_unfinished_headers_are_given_up(slow: Server) -> None:
    with socket.create_connection(slow.address, timeout=30) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX-Long: " + b"x" * 20_000)
        answer = connection.recv(65536)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 431 "))


def test_clients_that_do_not_close_do_not_stop_the_others(slow: Server) -> None:
    listened_to = []
    with contextlib.ExitStack() as held:
        for _ in range(10):
            connection = held.enter_context(socket.create_connection(slow.address, timeout=10))
            connection.sendall(b"NONSENSE\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
            assert slow.get("/healthz").status == 200
            listened_to.append(is_listened_to(connection))
    assert any(listened_to)  # the service answered while it waited for a client to close


# ---- broken requests -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (b"GET /healthz\r\n\r\n", 400),
        (b"GET /healthz HTTP/9.9\r\n\r\n", 400),
        (b"G@T /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nBad Header: x\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET /" + b"secret" * 2000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"secret" * 2000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"POST /ocr HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx", 417),
    ],
)
def test_what_breaks_the_protocol_is_answered_in_json(slow: Server, request_: bytes, status: int) -> None:
    with socket.create_connection(slow.address, timeout=10) as connection:
        connection.sendall(request_)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Content-Type: application/json" in top
    told = json.loads(body)
    assert told["success"] is False
    assert told["error"]["code"] == "BAD_REQUEST"
    assert f"X-Request-Id: {told['request_id']}".encode() in top
    assert slow.get("/healthz").status == 200


def test_nothing_that_clients_sent_is_in_the_log(slow: Server) -> None:
    written = slow.log.read_text()
    assert "secret" not in written
    assert "NONSENSE" not in written
    assert "Traceback" not in written
