"""Shares cache entries between workers and machines through Redis; a Redis that fails fails no request."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from crnn_ocr.caching.codec import FORMAT
from crnn_ocr.errors import MissingExtraError, SettingsError

if TYPE_CHECKING:
    from redis import Redis

Result = TypeVar("Result")

_log = logging.getLogger(__name__)

#: Prefix of every key; nothing else in the same Redis starts with it.
NAMESPACE = f"crnn-ocr:answer:{FORMAT}:"

#: How long Redis may send or take nothing, in seconds.
TIMEOUT_S = 0.25

#: How long an answer of Redis may take in all, in seconds: one that trickles is never silent for long.
ANSWER_S = 1.0

#: How long a Redis that failed is not asked again, in seconds.
PAUSE_S = 5.0

#: Size limit of a value in bytes; sending a larger one is not worth the time.
LARGEST_VALUE = 4 * 1024 * 1024

_SCHEMES = ("redis", "rediss", "unix")


class Store(Protocol):
    """Interface of the shared store; tests use a fake one."""

    def get(self, key: str) -> bytes | None:
        """Return the value, if it is there and the store answers."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Keep a value, if the store answers."""
        ...


def check_redis_url(url: str) -> None:
    """Check at start that the URL could be that of a Redis.

    Raises:
        SettingsError: It is not the URL of a Redis.
        MissingExtraError: The client library is not installed.
    """
    # The URL may contain a password, so no message quotes it.
    if urlsplit(url).scheme not in _SCHEMES:
        *first, last = (f"{scheme}://" for scheme in _SCHEMES)
        raise SettingsError(f"CRNN_OCR_REDIS_URL: the URL must begin with {', '.join(first)} or {last}")
    connect(url)


def connect(url: str) -> Redis:
    """Return a client for that URL; nothing is sent yet.

    Raises:
        SettingsError: The URL is malformed.
        MissingExtraError: The client library is not installed.
    """
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as RedisConnectionError
        from redis.retry import Retry
    except ModuleNotFoundError:
        raise MissingExtraError(
            "CRNN_OCR_REDIS_URL is set, but the Python package 'redis' is not installed.",
            hint="Install it: pip install 'crnn-ocr[redis]'.",
        ) from None
    try:
        client = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            # One immediate retry: a kept connection may have been closed by a Redis that was restarted.
            retry=Retry(NoBackoff(), 1, (RedisConnectionError,)),
        )
    except ValueError:
        raise SettingsError("CRNN_OCR_REDIS_URL: the URL is malformed") from None
    pool = client.connection_pool
    pool.connection_class = type("Connection", (_TimedConnection, pool.connection_class), {})
    return client


class _TimedConnection:
    """What makes a connection of the Redis client bound its answers in time."""

    def _connect(self) -> _TimedSocket:
        return _TimedSocket(super()._connect())  # type: ignore[misc]


class _TimedSocket:
    """A socket that reads for `ANSWER_S` at most after a request; everything else is the socket's own."""

    def __init__(self, socket: socket.socket) -> None:
        self._socket = socket
        self._until = time.monotonic() + ANSWER_S

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def sendall(self, data: bytes, *flags: int) -> None:
        self._until = time.monotonic() + ANSWER_S
        self._socket.sendall(data, *flags)

    def recv(self, size: int, *flags: int) -> bytes:
        self._check()
        return self._socket.recv(size, *flags)

    def recv_into(self, buffer: bytearray, *sizes: int) -> int:
        self._check()
        return self._socket.recv_into(buffer, *sizes)

    def _check(self) -> None:
        """Raise where the time is up; a socket that does not wait may always look."""
        if self._socket.gettimeout() != 0 and time.monotonic() > self._until:
            raise TimeoutError("the answer takes too long")


class SharedStore:
    """Values in Redis. After a failure, Redis is not asked for a while and then tried again.

    It is safe to use from several threads. Make it after a fork, not before.
    """

    def __init__(self, client: Redis, ttl_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Use a client; nothing is sent yet.

        Args:
            client: Client of the Redis, see `connect`.
            ttl_s: Time to live of an entry, in seconds.
            clock: Returns the time in seconds.
        """
        self._client = client
        self._ttl_ms = max(1, round(ttl_s * 1000))
        self._clock = clock
        self._lock = threading.Lock()
        self._failing = False
        self._paused_until = 0.0

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._failing

    def get(self, key: str) -> bytes | None:
        """Return the value; None if there is none or Redis does not answer in time."""
        value = self._attempt(lambda: self._client.get(NAMESPACE + key))
        return value if isinstance(value, bytes) else None

    def put(self, key: str, value: bytes) -> None:
        """Keep a value, whose time to live begins now; do nothing if Redis does not answer in time."""
        if len(value) <= LARGEST_VALUE:
            self._attempt(lambda: self._client.set(NAMESPACE + key, value, px=self._ttl_ms))

    def _attempt(self, command: Callable[[], Result]) -> Result | None:
        if not self._may_try():
            return None
        try:
            result = command()
        except Exception as error:  # what is no answer of Redis raises errors of all kinds
            self._failed(error)
            return None
        self._succeeded()
        return result

    def _may_try(self) -> bool:
        """Return whether to send a command; while Redis is failing only one thread at a time tries."""
        with self._lock:
            now = self._clock()
            if now < self._paused_until:
                return False
            if self._failing:
                self._paused_until = now + PAUSE_S
            return True

    def _failed(self, error: Exception) -> None:
        with self._lock:
            was_failing, self._failing = self._failing, True
            self._paused_until = self._clock() + PAUSE_S
        if not was_failing:
            _log.warning(
                "Redis does not answer; answers are kept in this process alone until it does",
                extra={"fields": {"reason": type(error).__name__}},
            )

    def _succeeded(self) -> None:
        if not self._failing:
            return
        with self._lock:
            was_failing, self._failing = self._failing, False
            self._paused_until = 0.0
        if was_failing:
            _log.info("Redis answers again")
