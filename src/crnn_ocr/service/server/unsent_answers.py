"""Sends answers without ever blocking a thread, and gives up clients that do not take theirs.

A thread that sends to a client that does not read is lost to everybody else. So a thread only gives its
answer to the socket; what the kernel does not take at once is kept, and the worker's main loop sends it as
the client reads. What is kept is bounded in time, by a least rate, and in bytes, of which the client that
keeps the most has to give.
"""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal

#: Seconds in which the rate of a client does not matter …
PATIENCE_S = 10.0
#: … and the slowest average at which it may take its answer after them, in bytes per second.
MIN_RATE = 4 * 1024
#: Bytes of all answers of a worker that are kept for their clients; more cost the greediest a connection.
#: Converted documents of 20 MiB are ordinary, so it is two of them and some more.
MOST_BYTES = 48 * 1024 * 1024
#: Least time between two looks at all connections, in seconds.
_SWEEP_S = 0.1
#: What the kernel keeps of an answer, in bytes; Linux doubles it. Its own choice is up to 4 MiB a connection.
_KERNEL_BYTES = 64 * 1024
#: Least time between two log lines about clients that were given up, in seconds.
_LOG_EVERY_S = 10.0

#: Why a client was given up: it took its answer too slowly, or kept the most of too much.
Reason = Literal["slow", "crowded"]

#: Connections of this process that were given up, for the metrics.
given_up: Counter[Reason] = Counter()

_log = logging.getLogger("crnn_ocr.service.request")


class AnswerSocket(socket.socket):
    """A client's socket to which sending never blocks.

    Attributes:
        name: Whose connection it is.
    """

    def __init__(
        self,
        client: socket.socket,
        *,
        on_unsent: Callable[[AnswerSocket], None],
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take over an accepted connection.

        Args:
            client: Its socket, which is detached.
            on_unsent: Called in the sending thread when the client does not take all of an answer at once.
            name: Whose connection it is.
            clock: Returns the time in seconds; it must never go back.
        """
        super().__init__(client.family, client.type, client.proto, fileno=client.detach())
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
        self.name = name
        self._on_unsent = on_unsent
        self._clock = clock
        self._lock = threading.Lock()
        self._parts: deque[tuple[bytes, int]] = deque()  # and how much of each has been sent
        self._given_up = False
        self._since = 0.0
        self._taken = 0

    @property
    def unsent(self) -> int:
        """Bytes that the client has still to take."""
        with self._lock:
            return sum(len(part) - sent for part, sent in self._parts)

    @property
    def kept(self) -> int:
        """Bytes of memory that they take: a part is kept whole until half of it has been sent."""
        with self._lock:
            return sum(len(part) for part, _ in self._parts)

    @property
    def given_up(self) -> bool:
        """Whether the client is gone, or has not taken its answer."""
        return self._given_up

    @property
    def since(self) -> float:
        """When the client ceased to take everything at once, in seconds on the clock."""
        return self._since

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send what the client takes at once, and keep the rest.

        Raises:
            BrokenPipeError: The client is gone, or was given up.
        """
        with self._lock:
            if self._given_up:
                raise BrokenPipeError(errno.EPIPE, "the client does not read its answer")
            waited = bool(self._parts)
            if data:
                self._parts.append((data, 0))
            try:
                self._send_on()
            except OSError:
                self._give_up()
                raise
            begins = bool(self._parts) and not waited
            if begins:
                self._since, self._taken = self._clock(), 0
        if begins:
            self._on_unsent(self)

    def send(self, data: Any, flags: int = 0, /) -> int:
        """Do the same as `sendall`; Gunicorn sends its "100 Continue" so."""
        self.sendall(data)
        return len(data)

    def send_on(self) -> None:
        """Send what the client takes now of what is kept; a client that is gone is given up."""
        with self._lock:
            try:
                self._send_on()
            except OSError:
                self._give_up()

    def is_late(self, now: float) -> bool:
        """Return whether the client takes its answer too slowly."""
        with self._lock:
            return bool(self._parts) and now > self._since + PATIENCE_S + self._taken / MIN_RATE

    def give_up(self) -> None:
        """Forget what is kept; whoever sends more meets a broken pipe."""
        with self._lock:
            self._give_up()

    def _give_up(self) -> None:
        self._given_up = True
        self._parts.clear()
        with suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)

    def _send_on(self) -> None:
        while self._parts:
            part, start = self._parts[0]
            try:
                sent = super().send(memoryview(part)[start:], socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            self._taken += sent
            start += sent
            if start == len(part):
                self._parts.popleft()
            elif 2 * start < len(part):
                self._parts[0] = part, start
            else:  # so that what has been sent takes no more memory than what has not
                self._parts[0] = part[start:], 0


class UnsentAnswers:
    """The connections of a worker whose clients have not taken all of their answers. For its main loop."""

    def __init__(
        self,
        poller: Callable[[], selectors.BaseSelector],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without connections.

        Args:
            poller: Returns the main loop's selector, whose entries hold the function to call with the socket.
            clock: Returns the time in seconds; it must never go back.
        """
        self._poller = poller
        self._clock = clock
        self._next_sweep = self._next_report = 0.0
        self._unreported: Counter[tuple[Reason, str]] = Counter()
        # What to call in the end; None while a thread still answers, which may close the socket meanwhile.
        self._waiting: dict[AnswerSocket, Callable[[], None] | None] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def note(self, client: AnswerSocket) -> None:
        """Watch a connection on which a thread still answers."""
        self._waiting.setdefault(client, None)

    def finish(self, client: AnswerSocket, then: Callable[[], None]) -> None:
        """Call a function once everything has been sent, or the client has been given up."""
        if client.fileno() < 0 or not client.unsent:
            self._waiting.pop(client, None)
            then()
            return
        self._waiting[client] = then
        self._poller().register(client, selectors.EVENT_WRITE, self._send_on)

    def _send_on(self, client: AnswerSocket) -> None:
        client.send_on()
        if not client.unsent:
            self._end(client)

    def _end(self, client: AnswerSocket) -> None:
        then = self._waiting.pop(client)
        if then is not None:
            self._poller().unregister(client)
            then()

    def sweep(self) -> None:
        """Give up who is late, or the greediest of too much; send on where a thread still answers."""
        now = self._clock()
        if now < self._next_sweep:
            return
        self._next_sweep = now + _SWEEP_S
        for client, then in list(self._waiting.items()):
            if then is None:
                client.send_on()
            if client.is_late(now):
                self._give_up(client, "slow")
        self._make_room()
        for client in list(self._waiting):
            if not client.unsent:
                self._end(client)
        self._report(now)

    def _make_room(self) -> None:
        """Close the largest connection of whoever keeps the most, or the oldest of equals, until all fits."""
        kept = {client: client.kept for client in self._waiting}
        of_name: Counter[str] = Counter()
        for client, size in kept.items():
            of_name[client.name] += size
        while sum(of_name.values()) > MOST_BYTES and sum(size > 0 for size in kept.values()) > 1:
            greediest = max(of_name, key=lambda name: of_name[name])
            chosen = max(
                (client for client in kept if client.name == greediest),
                key=lambda client: (kept[client], -client.since),
            )
            of_name[greediest] -= kept.pop(chosen)
            self._give_up(chosen, "crowded")

    def _give_up(self, client: AnswerSocket, reason: Reason) -> None:
        client.give_up()
        given_up[reason] += 1
        self._unreported[reason, client.name] += 1

    def _report(self, now: float) -> None:
        """Log how many were given up since the last time, and the client that most often was."""
        if not self._unreported or now < self._next_report:
            return
        self._next_report = now + _LOG_EVERY_S
        (_, name), _ = self._unreported.most_common(1)[0]
        counts: Counter[str] = Counter()
        for (reason, _), count in self._unreported.items():
            counts[reason] += count
        self._unreported.clear()
        fields = {**counts, "client": name}
        _log.warning("gave up connections that do not take their answers", extra={"fields": fields})
