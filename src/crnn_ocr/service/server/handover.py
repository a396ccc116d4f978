"""The worker's side of `orphaned_requests`: hands connections to the supervisor and takes them back."""

from __future__ import annotations

import itertools
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, MutableSequence
from contextlib import suppress
from typing import Any

#: How a message begins: the worker's age, and the number of the request.
KEY = struct.Struct("=IQ")
#: Requests that a worker can tell apart, more than it ever has at a time.
MOST_OPEN = 65_536


class Handover:
    """A worker's side."""

    def __init__(self, end: socket.socket, age: int, open_: MutableSequence[int]) -> None:
        """Send to the supervisor.

        Args:
            end: The worker's end of the socket.
            age: Which worker this is.
            open_: Memory that both share: 1 where the supervisor may answer, for a message may be delayed.
        """
        self._end = end
        self._age = age
        self._open = open_
        self._numbers = itertools.count()
        self._unsent: deque[bytes] = deque()
        self._lock = threading.Lock()

    def hold(self, connection: socket.socket, request_id: str) -> Callable[[], None]:
        """Let the supervisor answer if this process should die.

        Returns:
            What has to be called before the first byte of the answer is sent; more than once does no harm.
        """
        number = next(self._numbers)
        key = KEY.pack(self._age, number)
        self._open[number % MOST_OPEN] = 1
        try:
            self._send_rest()
            socket.send_fds(self._end, [key + request_id.encode()], [connection.fileno()])
        except OSError:  # the supervisor is too busy, or gone
            self._open[number % MOST_OPEN] = 0
            return _do_nothing
        taken_back = [key]

        def release() -> None:
            if taken_back:
                self._open[number % MOST_OPEN] = 0
                self._unsent.append(taken_back.pop())
                with suppress(OSError):  # the next request sends it
                    self._send_rest()

        return release

    def _send_rest(self) -> None:
        with self._lock:
            while self._unsent:
                self._end.send(self._unsent[0])
                self._unsent.popleft()


#: Of this process, where it is a worker.
_handover: Handover | None = None


def begin(end: socket.socket, age: int, open_: MutableSequence[int]) -> None:
    """Let this process hand its connections over; the arguments are those of `Handover`."""
    global _handover
    _handover = Handover(end, age, open_)


def hold(connection: socket.socket, request_id: str) -> Callable[[], None]:
    """Hold as `Handover.hold` of this process; do nothing where it has none."""
    return _do_nothing if _handover is None else _handover.hold(connection, request_id)


def _do_nothing() -> None:
    pass


def release_before(parts: Iterable[Any], release: Callable[[], None]) -> Iterator[Any]:
    """Yield the parts of an answer; call `release`, of `hold`, before the first, or the end, is sent."""
    try:
        for part in parts:
            release()
            yield part
    finally:
        release()
        getattr(parts, "close", _do_nothing)()
