from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.errors import UploadTimeoutError
from crnn_ocr.net.socket_watch import SocketWatcher, is_gone
from crnn_ocr.service.requests.timed_body import PATIENCE_S, TimedBody, deadline_after

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
        with client, ours:
            yield ours, client


@pytest.fixture
def socket_watcher() -> SocketWatcher:
    return SocketWatcher(tick_s=0.02)


# ---- who is gone -------------------------------------------------------------------------------------


def test_a_silent_client_is_there_and_so_is_one_that_sends(pair: Pair) -> None:
    ours, client = pair
    assert not is_gone(ours)
    client.sendall(b"more")
    time.sleep(0.05)
    assert not is_gone(ours)
    assert ours.recv(10) == b"more"  # it was only looked at


def test_one_that_closed_or_reset_is_gone(pair: Pair) -> None:
    ours, client = pair
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # close by a reset
    client.close()
    time.sleep(0.05)
    assert is_gone(ours)
    ours.close()
    assert is_gone(ours)


def test_one_that_left_unread_bytes_behind_is_gone_too(pair: Pair) -> None:
    ours, client = pair
    client.sendall(b"\r\n")
    assert not is_gone(ours)
    client.shutdown(socket.SHUT_WR)
    time.sleep(0.05)
    assert is_gone(ours)
    assert ours.recv(10) == b"\r\n"


def test_a_watcher_that_could_not_start_is_tried_again(
    pair: Pair, socket_watcher: SocketWatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    told = threading.Event()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError):
            socket_watcher.on_gone(pair[0], told.set)
    assert socket_watcher.watched == 0
    socket_watcher.on_gone(pair[0], told.set)
    pair[1].close()
    assert told.wait(10)


def test_it_is_told_once_when_a_client_goes(pair: Pair, socket_watcher: SocketWatcher) -> None:
    ours, client = pair
    told = []
    end = socket_watcher.on_gone(ours, lambda: told.append(1))
    time.sleep(0.1)
    assert told == []
    client.close()
    deadline = time.monotonic() + 5
    while not told and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert told == [1]
    assert socket_watcher.watched == 0
    end()


def test_nothing_is_told_after_the_watch_has_ended(pair: Pair, socket_watcher: SocketWatcher) -> None:
    ours, client = pair
    told: list[int] = []
    socket_watcher.on_gone(ours, lambda: told.append(1))()
    client.close()
    time.sleep(0.15)
    assert told == []


def test_the_thread_ends_with_nothing_to_watch_and_starts_again(
    pair: Pair, socket_watcher: SocketWatcher
) -> None:
    ours, client = pair
    socket_watcher.on_gone(ours, lambda: None)()

    def threads() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name == "socket_watcher"]

    before = len(threads())
    assert before >= 1
    deadline = time.monotonic() + 5
    while len(threads()) >= before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(threads()) < before
    told = threading.Event()
    socket_watcher.on_gone(ours, told.set)
    client.close()
    assert told.wait(5)


# ---- limits of time ----------------------------------------------------------------------------------


def test_a_blocked_reader_wakes_when_the_time_is_up(pair: Pair) -> None:
    ours, _ = pair
    now = [0.0]
    watcher = SocketWatcher(tick_s=0.02, clock=lambda: now[0])
    with ThreadPoolExecutor(1) as pool, watcher.limited(ours, 10) as limit:
        reading = pool.submit(ours.recv, 1)
        now[0] = 9.9
        time.sleep(0.1)
        assert not reading.done()
        assert not limit.expired
        now[0] = 10.0
        assert reading.result(30) == b""
    assert limit.expired


def test_a_reader_in_time_is_left_alone(pair: Pair, socket_watcher: SocketWatcher) -> None:
    ours, client = pair
    client.sendall(b"x")
    with socket_watcher.limited(ours, 5) as limit:
        assert ours.recv(1) == b"x"
    time.sleep(0.1)
    assert not limit.expired
    client.sendall(b"y")
    assert ours.recv(1) == b"y"


class SlowBody:
    """Reads as Gunicorn does: blocks until it has as much as was asked for, or the end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (piece := self._connection.recv(size - len(data))):
            data += piece
        return data


def body(pair: Pair, socket_watcher: SocketWatcher, total_s: float = 0.2) -> TimedBody:
    return TimedBody(SlowBody(pair[0]), pair[0], socket_watcher, total_s=total_s, min_rate=1000)


def test_a_body_in_time_is_read_whole(pair: Pair, socket_watcher: SocketWatcher) -> None:
    data = bytes(range(256)) * 1000

    def send() -> None:
        pair[1].sendall(data)
        pair[1].shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    timed = body(pair, socket_watcher, total_s=30)
    assert timed.read() == data
    sender.join(5)


def test_a_body_that_stalls_is_given_up(pair: Pair, socket_watcher: SocketWatcher) -> None:
    pair[1].sendall(b"only a part")
    with pytest.raises(UploadTimeoutError):
        body(pair, socket_watcher).read(1000)


def test_an_error_of_the_server_that_follows_is_not_shown(pair: Pair, socket_watcher: SocketWatcher) -> None:
    class Broken(SlowBody):
        def read(self, size: int) -> bytes:
            super().read(size)
            raise OSError("no more data")

    timed = TimedBody(Broken(pair[0]), pair[0], socket_watcher, total_s=0.1, min_rate=1000)
    with pytest.raises(UploadTimeoutError):
        timed.read(10)


def test_other_errors_pass(pair: Pair, socket_watcher: SocketWatcher) -> None:
    closed = BytesIO()
    closed.close()
    with pytest.raises(ValueError, match="closed"):
        TimedBody(closed, pair[0], socket_watcher, total_s=5, min_rate=1000).read(10)


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.floats(0.1, 1e4),
    st.integers(1, 10**7),
    st.floats(0, 1e6),
)
def test_the_deadline_moves_with_the_body_but_not_past_the_end(
    received: int, more: int, total: float, rate: int, started: float
) -> None:
    first = deadline_after(received, started=started, total_s=total, min_rate=rate)
    second = deadline_after(received + more, started=started, total_s=total, min_rate=rate)
    assert started <= first <= second <= started + total
    assert first >= started + min(total, PATIENCE_S)
