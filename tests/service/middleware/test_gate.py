"""The door of the real service, with real sockets: load, time-outs, rude clients. The reader only sleeps."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import HTTPConnection

import pytest

from tests.service.slow_server import slow_png, slow_server
from tests.service.wire import Reply, Server, reply

MEGAPIXEL = {"width": 1000, "height": 1000}
PNG = {"Content-Type": "image/png"}
PROBE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
SWITCH = b"PUT /models/active HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def slow() -> Iterator[Server]:
    """One core, 1.3 seconds of work, four places; short time-outs."""
    with slow_server(
        CRNN_OCR_THREADS="1",
        CRNN_OCR_QUEUE_SECONDS="1.3",
        CRNN_OCR_WORKER_THREADS="4",
        CRNN_OCR_REQUEST_TIMEOUT_S="5",
        CRNN_OCR_UPLOAD_TIMEOUT_S="1.5",
    ) as server:
        yield server


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as executor:
        yield executor


def wait_for(condition: Callable[[], object], limit: float = 10) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def timed(call: Callable[[], Reply]) -> tuple[Reply, float]:
    started = time.monotonic()
    return call(), time.monotonic() - started


def busy(slow: Server, pool: ThreadPoolExecutor, name: str, *pictures: bytes) -> list[Future[Reply]]:
    """Send pictures that take a while, and give them the time to arrive."""
    running = [pool.submit(slow.read, picture) for picture in pictures]
    time.sleep(0.5)
    assert not any(future.done() for future in running), name
    return running


# ---- load --------------------------------------------------------------------------------------------


def test_work_past_the_bound_is_refused_with_the_time_to_come_back(
    slow: Server, pool: ThreadPoolExecutor
) -> None:
    running = busy(slow, pool, "first", slow_png(1.5, **MEGAPIXEL, name="first"))
    refused = slow.read(slow_png(0, **MEGAPIXEL, name="second"))
    assert (refused.status, refused.code) == (503, "OVERLOADED")
    assert 1 <= int(refused.headers["Retry-After"]) <= 2
    assert slow.read(slow_png(0, name="icon")).status == 200  # there is room for little work
    assert running[0].result().status == 200
    assert slow.read(slow_png(0, **MEGAPIXEL, name="third")).status == 200


def test_a_large_body_is_refused_before_it_is_sent(slow: Server, pool: ThreadPoolExecutor) -> None:
    running = busy(slow, pool, "large", slow_png(1.5, **MEGAPIXEL, name="before"))
    with contextlib.closing(HTTPConnection(*slow.address, timeout=10)) as connection:
        connection.putrequest("POST", "/ocr")
        connection.putheader("Content-Type", "image/png")
        connection.putheader("Content-Length", str(20_000_000))
        connection.endheaders()
        answer, seconds = timed(lambda: reply(connection))
    assert (answer.status, answer.code) == (503, "OVERLOADED")
    assert seconds < 1
    assert not running[0].done()


def test_more_requests_than_places_are_refused_and_probes_never_wait(
    slow: Server, pool: ThreadPoolExecutor
) -> None:
    running = busy(slow, pool, "places", *[slow_png(2, name=f"icon {number}") for number in range(4)])
    for _ in range(5):
        for call in (
            lambda: slow.get("/healthz"),
            lambda: slow.get("/readyz"),
            lambda: slow.get("/options"),
        ):
            answer, seconds = timed(call)
            assert answer.status == 200
            assert seconds < 0.5
        refused, seconds = timed(lambda: slow.read(slow_png(0, name="one too many")))
        assert (refused.status, refused.code) == (503, "OVERLOADED")
        assert int(refused.headers["Retry-After"]) >= 1
        assert seconds < 0.5
    assert [future.result().status for future in running] == [200] * 4


def test_a_refused_client_hears_it_although_it_sends_first(slow: Server, pool: ThreadPoolExecutor) -> None:
    running = busy(slow, pool, "sends first", *[slow_png(2, name=f"held {number}") for number in range(4)])
    refused = slow.ask("POST", "/ocr", bytes(5_000_000), PNG)
    assert (refused.status, refused.code) == (503, "OVERLOADED")
    assert refused.headers["Connection"] == "close"
    assert [future.result().status for future in running] == [200] * 4


# ---- time --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("header", "low", "high"), [({"X-Request-Timeout": "1"}, 0.9, 3), ({}, 4.9, 8)])
def test_an_answer_that_takes_too_long_is_given_up(
    slow: Server, header: dict[str, str], low: float, high: float
) -> None:
    answer, seconds = timed(
        lambda: slow.ask("POST", "/ocr", slow_png(20, name=f"slow {low}"), {**PNG, **header})
    )
    assert (answer.status, answer.code) == (504, "DEADLINE_EXCEEDED")
    assert low < seconds < high


def test_a_request_cannot_ask_for_more_time_than_the_server_gives(slow: Server) -> None:
    answer, seconds = timed(
        lambda: slow.ask("POST", "/ocr", slow_png(20, name="longest"), {**PNG, "X-Request-Timeout": "1000"})
    )
    assert answer.status == 504
    assert seconds < 8


@pytest.mark.parametrize("value", ["0", "0.5", "-1", "soon", "nan", ""])
def test_a_wrong_time_out_is_refused(slow: Server, value: str) -> None:
    answer = slow.ask("POST", "/ocr", slow_png(0), {**PNG, "X-Request-Timeout": value})
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("behind", [b"", b"\r\n", PROBE], ids=["nothing", "a row end", "a request"])
def test_work_ends_when_its_client_is_gone(slow: Server, behind: bytes) -> None:
    """Whatever the client has sent behind the body."""
    request_id = f"gone-{len(behind)}"
    body = slow_png(4, name=f"nobody waits {request_id}")
    with socket.create_connection(slow.address, timeout=10) as connection:
        connection.sendall(
            b"POST /ocr HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            + f"X-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
            + behind
        )
        time.sleep(0.3)
    wait_for(lambda: [entry for entry in slow.records() if entry.get("request_id") == request_id], 10)
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
        connection.sendall(start)
        started = time.monotonic()
        answer = b""
        while not answer and time.monotonic() - started < 8:
            with contextlib.suppress(TimeoutError):
                connection.settimeout(0.2)
                answer = connection.recv(65536)
            with contextlib.suppress(OSError):
                connection.send(piece)
        connection.settimeout(10)
        top, body = read_answer(connection, answer)
    assert top.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["error"]["code"] == "UPLOAD_TIMEOUT"
    assert 1 < time.monotonic() - started < 5


def test_clients_that_never_finish_their_headers_hold_no_thread(slow: Server) -> None:
    with contextlib.ExitStack() as held:
        for number in range(60):
            connection = held.enter_context(socket.create_connection(slow.address, timeout=10))
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"[: number % 30])
        for _ in range(10):
            answer, seconds = timed(lambda: slow.get("/healthz"))
            assert answer.status == 200
            assert seconds < 1


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
        for _ in range(60):
            connection = held.enter_context(socket.create_connection(slow.address, timeout=10))
            connection.sendall(sent)
        time.sleep(0.5)
        for _ in range(3):
            answer, seconds = timed(lambda: slow.get("/healthz"))
            assert answer.status == 200
            assert seconds < 3


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\n" + b"X-Long: yyyyyyyyyy\r\n" * 2000, 431),
        (b"GET /" + b"y" * 40_000, 414),
    ],
)
def test_headers_that_do_not_end_are_refused_at_once(slow: Server, sent: bytes, status: int) -> None:
    with socket.create_connection(slow.address, timeout=10) as connection:
        started = time.monotonic()
        connection.sendall(PROBE)
        assert read_answer(connection)[0].startswith(b"HTTP/1.1 200 ")
        connection.sendall(sent)
        top, body = read_answer(connection)
        assert connection.recv(10) == b""
    assert time.monotonic() - started < 5
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
        started = time.monotonic()
        answer = connection.recv(65536)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 431 "))
    assert time.monotonic() - started < 15


def test_clients_that_do_not_close_do_not_stop_the_others(slow: Server) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(10):
            connection = held.enter_context(socket.create_connection(slow.address, timeout=10))
            connection.sendall(b"NONSENSE\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
            answer, seconds = timed(lambda: slow.get("/healthz"))
            assert answer.status == 200
            assert seconds < 1


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
