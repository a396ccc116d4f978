"""Watches over the sockets of a process: one thread notices clients that are gone or too slow.

Gunicorn's threads read and write blocking sockets, and a blocked thread cannot look at a clock. So one thread
looks at all watched sockets a few times a second: it asks those whose request is being worked on whether the
other end has closed, and shuts the receiving side of those whose time is up, which wakes the blocked reader.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_TICK_S = 0.2


class Limit:
    """A time until which a socket may be read; once it is over, reading ends as if the client had closed."""

    def __init__(self, connection: socket.socket, deadline: float, clock: Callable[[], float]) -> None:
        self.deadline = deadline
        self.expired = False
        self._connection = connection
        self._clock = clock

    def look(self) -> bool:
        """Shut the receiving side if the time is up; tells whether the watch is over."""
        if self._clock() < self.deadline:
            return False
        self.expired = True
        with suppress(OSError):
            # Of the plain socket: a TLS socket's own method would take its state from under the reader.
            socket.socket.shutdown(self._connection, socket.SHUT_RD)
        return True


class _GoneWatch:
    def __init__(self, connection: socket.socket, on_gone: Callable[[], None]) -> None:
        self._connection = connection
        self._on_gone = on_gone

    def look(self) -> bool:
        if not is_gone(self._connection):
            return False
        self._on_gone()
        return True


def is_gone(connection: socket.socket) -> bool:
    """Return whether the other end has closed or reset the connection; nothing is read.

    A client that closes its sending side alone looks the same as one that is gone, and is treated so, as
    other servers do: an HTTP client keeps its side open until it has the answer.
    """
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except (OSError, ValueError):
        return True


class SocketWatcher:
    """Watches sockets; its thread runs only while there is something to watch."""

    def __init__(self, *, tick_s: float = _TICK_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._tick_s = tick_s
        self._clock = clock
        self._lock = threading.Lock()
        self._watched: dict[int, Limit | _GoneWatch] = {}
        self._running = False
        self._next = 0

    @property
    def watched(self) -> int:
        """Sockets that are being watched."""
        with self._lock:
            return len(self._watched)

    @contextmanager
    def limited(self, connection: socket.socket, seconds: float) -> Iterator[Limit]:
        """Bound the time in which a socket may be read, for the length of the block.

        The block may move the `deadline` of the limit, and asks `expired` where reading has ended early.
        """
        limit = Limit(connection, self._clock() + seconds, self._clock)
        number = self._add(limit)
        try:
            yield limit
        finally:
            self._remove(number)

    def on_gone(self, connection: socket.socket, call: Callable[[], None]) -> Callable[[], None]:
        """Call once when the other end is gone; returns the function that ends the watch."""
        number = self._add(_GoneWatch(connection, call))
        return lambda: self._remove(number)

    def _add(self, entry: Limit | _GoneWatch) -> int:
        with self._lock:
            number = self._next
            self._next += 1
            self._watched[number] = entry
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="socket_watcher", daemon=True).start()
        return number

    def _remove(self, number: int) -> None:
        with self._lock:
            self._watched.pop(number, None)

    def _run(self) -> None:
        idle = False
        while True:
            time.sleep(self._tick_s)
            with self._lock:
                entries = list(self._watched.items())
                if not entries and idle:
                    self._running = False
                    return
            idle = not entries  # one tick more: requests mostly come in rows
            for number, entry in entries:
                # Under the lock: a socket is not looked at once its watch has ended, for it may be another's.
                with self._lock:
                    if number in self._watched and entry.look():
                        del self._watched[number]


#: The one of this process. Threads do not survive a fork, but nothing is watched before it.
socket_watcher = SocketWatcher()
