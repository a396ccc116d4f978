"""The worker's part of `orphaned_requests`: hands connections to the supervisor and takes them back."""

from __future__ import annotations

import itertools
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, MutableSequence
from contextlib import suppress
from typing import Any

#: Header of a message: the worker's age (Gunicorn's serial number), and the number of the request.
KEY = struct.Struct("=IQ")
#: Number of requests that a worker can distinguish, more than it ever has at a time.
MOST_OPEN = 65_536


class Handover:
    """Hands the connections of one worker to the supervisor."""

    def __init__(self, end: socket.socket, age: int, open_: MutableSequence[int]) -> None:
        """Use a socket to the supervisor.

        Args:
            end: The worker's end of the socket.
            age: Serial number of the worker.
            open_: Shared memory: 1 for each request that the supervisor may answer, as messages may be late.
        """
        self._end = end
        self._age = age
        self._open = open_
        self._numbers = itertools.count()
        self._unsent: deque[bytes] = deque()
        self._lock = threading.Lock()

    def hold(self, connection: socket.socket, request_id: str) -> Callable[[], None]:
        """Let the supervisor answer a request if this process dies.

        Returns:
            A function that takes the connection back. It must be called before the first byte of the answer
            is sent, and may be called several times.
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


#: The handover of this process, if it is a worker.
_handover: Handover | None = None


def begin(end: socket.socket, age: int, open_: MutableSequence[int]) -> None:
    """Start to hand over the connections of this process; the arguments are those of `Handover`."""
    global _handover
    _handover = Handover(end, age, open_)


def hold(connection: socket.socket, request_id: str) -> Callable[[], None]:
    """Call `Handover.hold` of this process; do nothing if it is not a worker."""
    return _do_nothing if _handover is None else _handover.hold(connection, request_id)


def _do_nothing() -> None:
    pass


def release_before(parts: Iterable[Any], release: Callable[[], None]) -> Iterator[Any]:
    """Yield the parts of an answer, and call `release` before the first part, or the end, is sent."""
    try:
        for part in parts:
            release()
            yield part
    finally:
        release()
        getattr(parts, "close", _do_nothing)()
