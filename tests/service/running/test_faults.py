"""Faults while the real service answers: nobody gets a wrong answer, nobody hangs, it recovers by itself.

Run alone with `pytest -m faults`.
"""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import psutil
import pytest

from crnn_ocr.client import Client
from tests.caching.redis_server import RedisServer, running_redis
from tests.processes import living_children
from tests.service.rendering import bomb_png, encoded, picture, png
from tests.service.wire import Reply, Server, running_server

pytestmark = [pytest.mark.faults, pytest.mark.slow]

WIDTH = 330
#: The longest that anybody may wait for an answer to a small picture on a busy machine, in seconds.
PATIENCE_S = 60.0


def text_of(number: int) -> str:
    return f"Number {number}"


def small(number: int) -> bytes:
    return png(text_of(number), width=WIDTH)


def content(answer: Reply) -> object:
    """What was read, without what is about this very request."""
    about_the_request = ("elapsed_ms", "request_id", "cached")
    return {key: value for key, value in answer.json.items() if key not in about_the_request}


def eventually(condition: Callable[[], bool], *, limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@dataclass
class Load:
    """Clients that keep asking; every answer is compared with what stands in the picture.

    Attributes:
        seen: how often a request ended how: "read", "busy" (503 with Retry-After), "lost" (no answer).
        wrong: what should never be seen.
        times: when each request began and ended, and how.
    """

    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    times: list[tuple[float, float, str]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, server: Server, number: int, *, fresh: bool = True) -> str:
        """One request; tells how it ended."""
        headers = {"Content-Type": "image/png"} | ({"Cache-Control": "no-store"} if fresh else {})
        began = time.monotonic()
        wrong = source = ""
        try:
            answer = server.ask("POST", "/ocr", small(number), headers)
        except (OSError, HTTPException):
            how = "lost"
        else:
            how = {200: "read", 503: "busy"}.get(answer.status, "wrong")
            source = answer.headers.get("X-Cache", "")
            if how == "read" and answer.json["text"] != text_of(number):
                wrong = f"{answer.json['text']!r} instead of {text_of(number)!r}"
            elif how == "wrong" or (how == "busy" and not answer.headers.get("Retry-After")):
                wrong = f"{answer.status} {answer.body[:200]!r}"
        ended = time.monotonic()
        with self.lock:
            self.seen[how] += 1
            self.wrong += [wrong] if wrong else []
            self.sources.append(source)
            self.times.append((began, ended, how))
        return how

    @contextlib.contextmanager
    def running(
        self, server: Server, clients: int, *, numbers: int = 10**9, fresh: bool = True, pause_s: float = 0
    ) -> Iterator[None]:
        """Clients that ask for the length of the block, each for so many different pictures in turn."""

        def client(place: int) -> None:
            turn = 0
            while not self.over.is_set():
                self.ask(server, 1000 * (place + 1) + turn % min(numbers, 1000), fresh=fresh)
                turn += 1
                time.sleep(pause_s)

        with ThreadPoolExecutor(clients) as pool:
            asking = [pool.submit(client, place) for place in range(clients)]
            try:
                yield
            finally:
                self.over.set()
            for one in asking:
                one.result(2 * PATIENCE_S)

    def await_reads(self, count: int) -> None:
        """Wait until so many more have been read."""
        wanted = self.seen["read"] + count
        eventually(lambda: self.seen["read"] >= wanted)

    def since(self, when: float) -> Counter[str]:
        """How the requests that began later ended."""
        return Counter(how for began, _, how in self.times if began > when)


# ---- processes ---------------------------------------------------------------------------------------


def test_what_a_killed_worker_was_reading_is_told_to_come_back() -> None:
    with running_server("--workers", "2", CRNN_OCR_THREADS="2") as server:
        parent = psutil.Process(server.process.pid)
        first, second = parent.children()
        load = Load()
        answers: list[str] = []

        def retrying() -> None:
            """The project's own client: its caller notices nothing."""
            with Client(server.url, timeout=PATIENCE_S, retry_for=PATIENCE_S) as client:
                turn = 0
                while not load.over.is_set():
                    number = 90_000 + turn % 500
                    read = client.ocr(small(number), fresh=True).text
                    answers.append("read" if read == text_of(number) else read)
                    turn += 1

        with ThreadPoolExecutor(1) as pool, load.running(server, 4):
            patient = pool.submit(retrying)
            for victim in (first, second):
                load.await_reads(4)
                victim.kill()
                eventually(lambda: len(living_children(parent.pid)) == 2)
            born = time.monotonic()
            eventually(lambda: load.since(born)["read"] >= 8)
            load.over.set()
            patient.result(PATIENCE_S)
        assert load.wrong == []
        assert set(answers) == {"read"}
        # What a worker was reading is answered by the supervisor: 503. Only between two requests, in the
        # instants in which no thread has it, a connection may be cut.
        assert load.seen["lost"] <= 2, load.seen
        assert load.seen["busy"] + load.seen["lost"] >= 1
        assert not {first.pid, second.pid} & {child.pid for child in parent.children()}
        assert server.get("/readyz").status == 200


ORDER = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def test_sigterm_loses_nothing_that_was_accepted() -> None:
    rows = [f"Line number {row} of a long page" for row in range(20)]
    with running_server("--workers", "2", CRNN_OCR_THREADS="2") as server, ThreadPoolExecutor(8) as pool:
        ends = [f"End of the {which} copy" for which in ORDER]
        pages = [encoded(picture(*rows, end, width=640)) for end in ends]
        asked = [pool.submit(server.read, page) for page in pages]
        eventually(lambda: in_flight(server) == 8, limit_s=20)
        load = Load()
        with load.running(server, 2):
            eventually(lambda: load.seen["read"] + load.seen["busy"] >= 1)
            server.process.send_signal(signal.SIGTERM)
            told = time.monotonic()
            answers = [future.result(PATIENCE_S) for future in asked]
            assert server.process.wait(PATIENCE_S) == 0
        for end, answer in zip(ends, answers, strict=True):
            assert answer.status == 200
            assert answer.json["text"].splitlines() == [*rows, end]
        assert load.wrong == []
        # Also of the others: what was being read when the signal came was read to its end.
        assert [how for began, ended, how in load.times if began < told < ended and how == "lost"] == []


def in_flight(server: Server) -> int:
    """Pictures inside, as the metrics of all workers tell."""
    name = "crnn_ocr_intake_bodies"
    rows = [row for row in server.get("/metrics").body.decode().splitlines() if row.startswith(name)]
    assert rows, "no such metric"
    return round(sum(float(row.rpartition(" ")[2]) for row in rows))


# ---- what the service leans on ----------------------------------------------------------------------


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


def test_redis_may_go_hang_fill_up_and_return_amid_answers(redis: RedisServer) -> None:
    # Without a cache of its own the service has to ask Redis for each of the four pictures.
    with running_server(CRNN_OCR_REDIS_URL=redis.url, CRNN_OCR_CACHE_BYTES="0") as server:
        load = Load()

        def shared() -> bool:
            return "shared" in load.sources[-4:]

        with load.running(server, 2, numbers=2, fresh=False, pause_s=0.05):
            eventually(shared)
            for fault, mend in (
                (redis.stop, redis.start),  # connections refused, later an empty one
                (lambda: freeze(redis), lambda: freeze(redis, signal.SIGCONT)),  # connects, never answers
                (lambda: fill_up(redis), lambda: fill_up(redis, "0")),  # answers with errors
            ):
                fault()
                load.await_reads(8)
                assert not shared()
                mend()
                eventually(shared)
        assert load.wrong == []
        assert set(load.seen) == {"read"}
        warnings = [record for record in server.records() if record["level"] == "warning"]
        assert 1 <= len(warnings) <= 4, warnings  # told once each time, not once per request


def freeze(redis: RedisServer, sig: int = signal.SIGSTOP) -> None:
    assert redis.process is not None
    redis.process.send_signal(sig)


def fill_up(redis: RedisServer, limit: str = "1") -> None:
    """No room for anything, and nothing that may be thrown out; what there was is gone."""
    redis.client.flushall()
    redis.client.config_set("maxmemory", limit)


@pytest.mark.parametrize("fault", ["no folder", "read-only", "full"])
def test_without_a_place_for_prepared_graphs_it_still_reads(fault: str, tmp_path: Path) -> None:
    folder = tmp_path / "graphs"
    program: tuple[str, ...] = ("crnn_ocr", "serve")
    if fault == "no folder":  # a file stands in its place, which stops root as well
        folder.write_bytes(b"")
    elif fault == "read-only":
        folder = Path("/proc/crnn-ocr")
    else:
        program = ("tests.service.full_disk",)
    with running_server(program=program, CRNN_OCR_CACHE_DIR=str(folder)) as server:
        assert server.read(small(4711)).json["text"] == text_of(4711)
        # An upload goes through no file either.
        large = encoded(picture("Large upload", width=1500), "BMP") + bytes(3_000_000)
        head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.bmp"\r\n\r\n'
        form = head + large + b"\r\n--b--\r\n"
        answer = server.ask("POST", "/ocr", form, {"Content-Type": "multipart/form-data; boundary=b"})
        assert (answer.status, answer.json.get("text")) == (200, "Large upload")
        assert server.get("/metrics").status == 200
        assert server.get("/readyz").status == 200
    if folder.is_dir():
        assert list(folder.iterdir()) == []  # nothing half-written is left


# ---- what clients do --------------------------------------------------------------------------------


def post(body: bytes, kind: str = "image/png", *more: str, path: str = "/ocr", length: int = -1) -> bytes:
    head = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body) if length < 0 else length}",
        *more,
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def malformed() -> list[bytes]:
    """Requests as they go over the wire, each wrong in its own way."""
    good = small(1)
    cut = good[: len(good) // 2]

    nested = b'{"image": ' + b"[" * 5000
    return [
        post(cut),
        post(b"not a picture"),
        post(b""),
        post(bomb_png()),
        post(bomb_png(100_000, 3)),
        post(b"\x89PNG\r\n\x1a\n" + bytes(200)),
        post(b"%PDF-1.7\n" + bytes(200), "application/pdf"),
        post(b'{"image": "%%%"}', "application/json"),
        post(b'{"image": "' + base64.b64encode(cut) + b'"}', "application/json"),
        post(b'{"image": 1', "application/json"),
        post(nested, "application/json"),
        post(b"\xff\xfe{}", "application/json"),
        post(b"--b\r\n", "multipart/form-data; boundary=b", path="/compat/rapidocr/ocr"),
        post(b"--b\r\nnothing", "multipart/form-data; boundary=b"),
        post(b"x", "multipart/form-data"),
        post(good, "image/png", "Content-Encoding: gzip"),
        post(good, "image/png", "X-Request-Timeout: soon"),
        post(good, "image/png", path="/ocr?min_confidence=high"),
        post(good, "text/plain"),
        post(good, "image/png", path="/nowhere"),
        post(b"{}", "application/json", path="/ocr/batch"),
        b"POST /ocr HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /ocr HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n",  # TLS knocks
        b"GARBAGE\r\n\r\n",
    ]


def test_200_malformed_requests_per_second_harm_no_good_one() -> None:
    cut_off = [post(b"abc", length=10), post(b"abc", "application/json", length=10)]  # the rest never comes
    bad = [*malformed(), *cut_off]
    seconds, rate = 5, 200
    with running_server(CRNN_OCR_MAX_BODY_BYTES=str(1_000_000)) as server, ThreadPoolExecutor(24) as pool:

        def send(data: bytes) -> bytes:
            """The answer; empty where the connection ended without one."""
            with socket.create_connection(server.address, timeout=PATIENCE_S) as connection:
                connection.sendall(data)
                if data in cut_off:
                    connection.shutdown(socket.SHUT_WR)
                return connection.makefile("rb").read()

        workers = psutil.Process(server.process.pid).children()
        load = Load()
        with load.running(server, 2):
            start = time.monotonic()
            sent = []
            for turn in range(seconds * rate):
                time.sleep(max(0.0, start + turn / rate - time.monotonic()))
                sent.append((bad[turn % len(bad)], pool.submit(send, bad[turn % len(bad)])))
            answers = [(data[:160], future.result(PATIENCE_S)) for data, future in sent]
        assert load.wrong == []
        assert set(load.seen) == {"read"}
        assert load.seen["read"] >= 4
        refused = {status(answer) for _, answer in answers}
        unexpected = [(data, answer) for data, answer in answers if not 400 <= status(answer) < 500]
        assert not unexpected, unexpected[:3]
        assert {400, 404, 413, 415, 422} <= refused
        assert server.get("/readyz").status == 200
        assert psutil.Process(server.process.pid).children() == workers
        assert [record for record in server.records() if record["level"] == "error"] == []


def status(answer: bytes) -> int:
    """Of an answer as it came over the wire; 0 where there was none."""
    return int(answer.split(maxsplit=2)[1]) if answer else 0


def test_equal_pictures_at_once_have_equal_answers(server: Server) -> None:
    page = png("Equal for all", "Total 99.50 EUR")
    fresh = {"Content-Type": "image/png", "Cache-Control": "no-store"}
    with ThreadPoolExecutor(24) as pool:
        kept = list(pool.map(lambda _: server.read(page), range(16)))
        read_anew = list(pool.map(lambda _: server.ask("POST", "/ocr", page, fresh), range(8)))
    assert {answer.status for answer in [*kept, *read_anew]} == {200}
    assert all(content(answer) == content(kept[0]) for answer in [*kept, *read_anew])
    assert kept[0].json["text"] == "Equal for all\nTotal 99.50 EUR"
    assert len({answer.json["request_id"] for answer in [*kept, *read_anew]}) == 24
    assert Counter(answer.headers["X-Cache"] for answer in kept)["miss"] <= 1
    assert {answer.headers["X-Cache"] for answer in read_anew} == {"off"}


def test_a_worker_that_hangs_is_replaced_and_the_others_go_on() -> None:
    """A process that is stopped misses its heartbeat, which Gunicorn takes for dead."""
    with running_server("--workers", "2", CRNN_OCR_THREADS="2", CRNN_OCR_GRACEFUL_TIMEOUT_S="1") as server:
        parent = psutil.Process(server.process.pid)
        stuck, _ = parent.children()
        os.kill(stuck.pid, signal.SIGSTOP)
        eventually(lambda: stuck.pid not in {child.pid for child in parent.children()}, limit_s=90)
        eventually(lambda: len(parent.children()) == 2)
        load = Load()
        for number in range(8):
            load.ask(server, number + 5000)
        assert load.wrong == []
        assert load.seen == {"read": 8}
