"""Watches the sockets of a process: one thread notices clients that are gone or too slow.

Gunicorn's threads read and write blocking sockets, and a blocked thread cannot check a clock. So one thread
checks all watched sockets a few times a second: for requests in work, whether the other end has closed; for
bodies whose time is up, it shuts the receiving side down, which wakes the blocked reader.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_TICK_S = 0.2
#: Errors and resets are reported unasked. Reading would not do: unread bytes hide the end behind them.
_GONE = getattr(select, "POLLRDHUP", select.POLLHUP)  # the first is Linux's


class Limit:
    """Deadline for reading a socket; after it, reading ends as if the client had closed."""

    def __init__(self, connection: socket.socket, deadline: float, clock: Callable[[], float]) -> None:
        self.deadline = deadline
        self.expired = False
        self._connection = connection
        self._clock = clock

    def look(self) -> bool:
        """Shut the receiving side down if the time is up, and return whether the watch is over."""
        if self._clock() < self.deadline:
            return False
        self.expired = True
        with suppress(OSError):
            # The plain socket's method, because a TLS socket's own would drop its state while it is read.
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
    """Return whether the other end has closed or reset the connection, whatever it sent before.

    A client that closes only its sending side counts as gone, as in other servers: an HTTP client keeps its
    side open until it has the answer.
    """
    poll = select.poll()
    try:
        poll.register(connection, _GONE)
    except ValueError:  # it is closed
        return True
    return bool(poll.poll(0))


class SocketWatcher:
    """Watcher of sockets; its thread runs only while there are any to watch."""

    def __init__(self, *, tick_s: float = _TICK_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._tick_s = tick_s
        self._clock = clock
        self._lock = threading.Lock()
        self._watched: dict[int, Limit | _GoneWatch] = {}
        self._running = False
        self._next = 0

    @property
    def watched(self) -> int:
        """Number of sockets that are being watched."""
        with self._lock:
            return len(self._watched)

    @contextmanager
    def limited(self, connection: socket.socket, seconds: float) -> Iterator[Limit]:
        """Limit the time in which a socket may be read while the block runs.

        The block may change the `deadline` of the limit; its `expired` tells whether the time was up.
        """
        limit = Limit(connection, self._clock() + seconds, self._clock)
        number = self._add(limit)
        try:
            yield limit
        finally:
            self._remove(number)

    def on_gone(self, connection: socket.socket, call: Callable[[], None]) -> Callable[[], None]:
        """Call a function once when the other end is gone; return a function that ends the watch."""
        number = self._add(_GoneWatch(connection, call))
        return lambda: self._remove(number)

    def _add(self, entry: Limit | _GoneWatch) -> int:
        with self._lock:
            if not self._running:
                threading.Thread(target=self._run, name="socket_watcher", daemon=True).start()
                self._running = True  # only now: a start that failed has to be tried again
            number = self._next
            self._next += 1
            self._watched[number] = entry
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
            idle = not entries  # the thread stays for one tick more, because requests often follow each other
            for number, entry in entries:
                # Under the lock: after the end of its watch the descriptor may belong to another socket.
                with self._lock:
                    if number in self._watched and entry.look():
                        del self._watched[number]


#: The watcher of this process. Threads do not survive a fork, but nothing is watched before it.
socket_watcher = SocketWatcher()
