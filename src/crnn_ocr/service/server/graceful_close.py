"""Closes connections so that the last answer arrives, without occupying a thread.

A socket that is closed with unread data is reset, and a reset discards what the client has not read yet. So
the sending side is closed first and further data is discarded, until the client closes, too, or its time is
up (RFC 9112, section 9.6).
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

#: Time for a client to send the largest usual body, which is discarded, and then to read its answer.
PATIENCE_S = 3.0
_MOST_BYTES = 256 * 1024 * 1024
_PIECE = 64 * 1024


@dataclass(slots=True, eq=False)
class _ClosingConnection:
    connection: socket.socket
    deadline: float
    discarded: int = 0
    polled: bool = False


class ClosingConnections:
    """The closing connections of a worker. Only its main loop may use it."""

    def __init__(
        self,
        poller: Callable[[], selectors.BaseSelector],
        *,
        most: int,
        on_closed: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without connections.

        Args:
            poller: Returns the main loop's selector, whose entries hold the function to call with the socket.
            most: How many may be open at a time; the oldest is closed if there are more.
            on_closed: Called for every connection once it is closed.
            clock: Returns the time in seconds; it must never go back.
        """
        self._poller = poller
        self._most = most
        self._on_closed = on_closed
        self._clock = clock
        self._closing: deque[_ClosingConnection] = deque()
        self._buffer = bytearray(_PIECE)

    def __len__(self) -> int:
        return len(self._closing)

    def add(self, connection: socket.socket) -> None:
        """Begin to close a connection on which everything has been sent, and return at once."""
        try:
            connection.shutdown(socket.SHUT_WR)
            connection.setblocking(False)
            ended = connection.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            ended = False
        except (OSError, ValueError):
            connection.close()
            self._on_closed()
            return
        while len(self._closing) >= self._most:
            self._close(self._closing[0])
        entry = _ClosingConnection(connection, self._clock() + PATIENCE_S)
        self._closing.append(entry)
        # If this side has shut reading down, nothing more arrives; the client still has its time.
        if not ended:
            self._poller().register(connection, selectors.EVENT_READ, lambda _: self._discard(entry))
            entry.polled = True

    def sweep(self) -> None:
        """Close the connections whose time is up."""
        now = self._clock()
        while self._closing and self._closing[0].deadline <= now:
            self._close(self._closing[0])

    def close_all(self) -> None:
        """Close all connections at once, because the process ends."""
        while self._closing:
            self._close(self._closing[0])

    def _discard(self, entry: _ClosingConnection) -> None:
        try:
            count = entry.connection.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        entry.discarded += count
        if count == 0 or entry.discarded > _MOST_BYTES:
            self._close(entry)

    def _close(self, entry: _ClosingConnection) -> None:
        self._closing.remove(entry)
        if entry.polled:
            with suppress(OSError, KeyError, ValueError):  # the loop may have ended already
                self._poller().unregister(entry.connection)
        entry.connection.close()
        self._on_closed()
