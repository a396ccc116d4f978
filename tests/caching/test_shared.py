from __future__ import annotations

import contextlib
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from crnn_ocr.caching import shared
from crnn_ocr.caching.shared import (
    LARGEST_VALUE,
    NAMESPACE,
    PAUSE_S,
    TIMEOUT_S,
    SharedStore,
    check_redis_url,
    connect,
)
from crnn_ocr.errors import SettingsError
from tests.caching.redis_server import RedisServer, running_redis


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


def failing(store: SharedStore) -> bool:
    return store.failing


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_one_process_puts_another_finds(redis: RedisServer) -> None:
    first, second = SharedStore(redis.client, 60), SharedStore(redis.client, 60)
    assert second.get("key") is None
    first.put("key", b"value \x00\xff")
    assert second.get("key") == b"value \x00\xff"


def test_keys_have_a_name_of_their_own_and_an_end(redis: RedisServer) -> None:
    SharedStore(redis.client, 60).put("abc", b"value")
    assert redis.client.get(f"{NAMESPACE}abc") == b"value"
    assert NAMESPACE.startswith("crnn-ocr:")
    assert 50_000 < redis.client.pttl(f"{NAMESPACE}abc") <= 60_000
    SharedStore(redis.client, 0.05).put("short", b"value")
    time.sleep(0.2)
    assert SharedStore(redis.client, 60).get("short") is None


def test_too_large_a_value_stays_at_home(redis: RedisServer) -> None:
    store = SharedStore(redis.client, 60)
    store.put("large", bytes(LARGEST_VALUE + 1))
    assert store.get("large") is None
    assert not failing(store)


def test_a_lost_redis_is_logged_once_paused_and_found_again(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "crnn_ocr.caching.shared")
    clock = Clock()
    store = SharedStore(own_redis.client, 60, clock=clock)
    store.put("key", b"value")
    own_redis.stop()
    for _ in range(5):
        assert store.get("key") is None
        store.put("key", b"value")
        clock.now += PAUSE_S  # each attempt is a new one
    assert failing(store)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert own_redis.url not in caplog.text

    own_redis.start()
    assert store.get("key") is None  # started again, it is empty
    assert not failing(store)
    store.put("key", b"value")
    assert store.get("key") == b"value"
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_while_it_is_left_alone_nothing_is_sent(own_redis: RedisServer) -> None:
    clock = Clock()
    store = SharedStore(own_redis.client, 60, clock=clock)
    own_redis.stop()
    store.put("key", b"value")
    own_redis.start()
    clock.now += PAUSE_S - 0.1
    store.put("key", b"value")
    assert own_redis.client.get(f"{NAMESPACE}key") is None
    clock.now += 0.1
    store.put("key", b"value")
    assert own_redis.client.get(f"{NAMESPACE}key") == b"value"


def test_a_redis_that_was_started_again_is_used_without_a_gap(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    store = SharedStore(own_redis.client, 60)
    store.put("key", b"value")
    own_redis.stop()
    own_redis.start()
    store.put("key", b"new value")  # over a connection that is dead
    assert store.get("key") == b"new value"
    assert caplog.records == []


def test_a_redis_that_hangs_costs_little_and_only_once(own_redis: RedisServer) -> None:
    client = own_redis.client
    given = client.connection_pool.connection_kwargs
    assert given["socket_timeout"] == given["socket_connect_timeout"] == TIMEOUT_S
    asked = Mock(wraps=client)
    store = SharedStore(asked, 60, clock=Clock())
    store.put("key", b"value")
    assert own_redis.process is not None
    own_redis.process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(100):
            assert store.get("key") is None
    finally:
        own_redis.process.send_signal(signal.SIGCONT)
    asked.get.assert_called_once_with(f"{NAMESPACE}key")


def test_one_thread_finds_out_while_the_others_go_on() -> None:
    class Hanging:
        def __init__(self) -> None:
            self.calls = 0
            self.may_end = threading.Event()

        def get(self, _key: str) -> bytes:
            self.calls += 1
            if self.calls > 1:
                assert self.may_end.wait(20)
            raise ConnectionError

    clock, client = Clock(), Hanging()
    store = SharedStore(client, 60, clock=clock)  # type: ignore[arg-type]
    assert store.get("key") is None
    clock.now += PAUSE_S
    threads = [threading.Thread(target=store.get, args=("key",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        assert store.get("key") is None  # does not wait for the one that tries
    client.may_end.set()
    for thread in threads:
        thread.join()
    assert client.calls == 2


def test_whatever_else_goes_wrong_in_redis_is_survived(own_redis: RedisServer) -> None:
    store = SharedStore(own_redis.client, 60)
    own_redis.client.config_set("maxmemory", "1")
    store.put("key", b"value")
    assert failing(store)
    own_redis.client.config_set("maxmemory", "0")
    wrong_type = SharedStore(own_redis.client, 60)
    own_redis.client.lpush(f"{NAMESPACE}key", "a")
    assert wrong_type.get("key") is None


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://localhost", "redis://localhost:port/0"])
def test_a_url_that_can_never_work_is_refused_at_start(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check_redis_url(url)
    assert "CRNN_OCR_REDIS_URL" in caught.value.message


def test_no_message_quotes_the_password() -> None:
    for url in ("http://:secret@localhost", "redis://:secret@localhost:port/0"):
        with pytest.raises(SettingsError) as caught:
            check_redis_url(url)
        assert "secret" not in caught.value.message + caught.value.hint


def test_good_urls_are_taken_without_asking_redis() -> None:
    for url in ("redis://127.0.0.1:1/0", "rediss://:pass@example.invalid:6380/2", "unix:///run/redis.sock"):
        check_redis_url(url)
        assert connect(url) is not None


class Impostor:
    """What listens where a Redis should, and answers each request with these bytes, one after the other."""

    def __init__(self, answer: Callable[[], Iterable[bytes]]) -> None:
        self._answer = answer
        self.asked = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._talk, args=(self._listener.accept()[0],), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            while request := client.recv(65536):
                if b"GET" not in request:
                    for command in request.split(b"*")[1:]:  # what a client says first
                        client.sendall(b"%1\r\n+proto\r\n:3\r\n" if b"HELLO" in command else b"+OK\r\n")
                    continue
                self.asked += 1
                for part in self._answer():
                    client.sendall(part)

    def close(self) -> None:
        self._listener.close()


def trickle() -> Iterator[bytes]:
    """An answer that never ends, and never pauses for long."""
    yield b"$1000000\r\n"
    while True:
        yield b"x"
        time.sleep(0.01)


def test_an_answer_that_trickles_ends_and_pauses_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "ANSWER_S", 0.2)
    impostor = Impostor(trickle)
    clock = Clock()
    store = SharedStore(connect(impostor.url), 60, clock=clock)
    for _ in range(5):
        assert store.get("key") is None
    assert (failing(store), impostor.asked) == (True, 1)
    clock.now += PAUSE_S
    assert store.get("key") is None
    assert impostor.asked == 2
    impostor.close()


@pytest.mark.parametrize(
    "answer",
    [
        b":5\r\n",
        b"+text\r\n",
        b"*2\r\n$1\r\nx\r\n$3\r\nabc\r\n",
        b"-WRONGTYPE no\r\n",
        b"$nonsense\r\n",
        b"$-5\r\n*99999999\r\n:abc\r\n",
        b"*-7\r\n",
        b":\r\n",
        b"%1\r\n+a\r\n+b\r\n",
        b"\x00\xff\xfe\r\n",
        b"\r\n",
        b"_\r\n" * 3,
    ],
)
def test_what_is_no_answer_of_redis_is_no_answer(answer: bytes) -> None:
    impostor = Impostor(lambda: [answer])
    store = SharedStore(connect(impostor.url), 60)
    assert store.get("key") in (None, b"text")
    store.put("key", b"value")
    impostor.close()


def test_an_error_of_any_kind_is_a_failure_of_redis() -> None:
    class Odd:
        def get(self, _key: str) -> bytes:
            raise AttributeError("'int' object has no attribute 'decode'")

    store = SharedStore(Odd(), 60)  # type: ignore[arg-type]
    assert store.get("key") is None
    assert failing(store)
