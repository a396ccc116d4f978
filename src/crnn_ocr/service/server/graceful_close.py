"""Closes connections so that the last answer arrives, without holding a thread.

A socket that is closed with data unread is reset, and a reset destroys what the client has not read yet. So
the sending side is closed first and what still comes is thrown away, until the client closes too or has had
its time (RFC 9112, section 9.6).
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

#: Enough for a client to send the largest usual body into the void, and to read its answer after that.
PATIENCE_S = 3.0
_MOST_BYTES = 256 * 1024 * 1024
_PIECE = 64 * 1024


@dataclass(slots=True, eq=False)
class _ClosingConnection:
    connection: socket.socket
    deadline: float
    thrown_away: int = 0
    polled: bool = False


class ClosingConnections:
    """The closing connections of a worker; used by its main loop alone."""

    def __init__(
        self,
        poller: Callable[[], selectors.BaseSelector],
        *,
        most: int,
        on_closed: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            poller: Gives the main loop's selector, whose entries carry the function to call with the socket.
            most: So many may be left open; the one that has had the longest time makes room.
            on_closed: Called for every connection once it is closed.
            clock: Tells the time in seconds; it never goes back.
        """
        self._poller = poller
        self._most = most
        self._on_closed = on_closed
        self._clock = clock
        self._leaving: deque[_ClosingConnection] = deque()
        self._buffer = bytearray(_PIECE)

    def __len__(self) -> int:
        return len(self._leaving)

    def add(self, connection: socket.socket) -> None:
        """Close a connection from which everything has been sent; returns at once."""
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
        while len(self._leaving) >= self._most:
            self._close(self._leaving[0])
        entry = _ClosingConnection(connection, self._clock() + PATIENCE_S)
        self._leaving.append(entry)
        # Where reading was ended from this side, nothing more is seen: the client just gets its time.
        if not ended:
            self._poller().register(connection, selectors.EVENT_READ, lambda _: self._throw_away(entry))
            entry.polled = True

    def sweep(self) -> None:
        """Close those whose time is up."""
        now = self._clock()
        while self._leaving and self._leaving[0].deadline <= now:
            self._close(self._leaving[0])

    def close_all(self) -> None:
        """Close all at once; the process ends."""
        while self._leaving:
            self._close(self._leaving[0])

    def _throw_away(self, entry: _ClosingConnection) -> None:
        try:
            count = entry.connection.recv_into(self._buffer)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        entry.thrown_away += count
        if count == 0 or entry.thrown_away > _MOST_BYTES:
            self._close(entry)

    def _close(self, entry: _ClosingConnection) -> None:
        self._leaving.remove(entry)
        if entry.polled:
            with suppress(OSError, KeyError, ValueError):  # the loop may have ended before
                self._poller().unregister(entry.connection)
        entry.connection.close()
        self._on_closed()
