"""Requests of a worker process that died are answered by its supervisor: 503, send it again.

A process that is killed takes its connections with it, and its clients see them reset, as if the network had
failed. So while a request is worked on, the supervisor holds a second descriptor of its connection, which the
worker hands over through a socket (`SCM_RIGHTS`). Before the first byte of an answer the worker takes the
request back: a number in memory that both share says which of the two may write. When a worker has ended, the
supervisor answers what was still open in it.

The supervisor has one thread, and Gunicorn owns its loop, so messages reach it by a signal (SIGIO).
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import selectors
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Self

from crnn_ocr.errors import WorkerLostError
from crnn_ocr.service.api.raw_response import bare_answer

_MESSAGE = struct.Struct("=HQ")  # the slot; the number of the request that holds it now, 0: none
_NUMBER = struct.Struct("=Q")
_LONGEST_MESSAGE = 256
#: How long clients have for reading their answer, in seconds.
_PATIENCE_S = 3.0
_PIECE = 64 * 1024

_log = logging.getLogger("crnn_ocr.service.request")


def _nothing() -> None:
    pass


class Lifeline:
    """Between one worker and its supervisor; made before the fork, so that both have it."""

    def __init__(self, slots: int) -> None:
        """Prepare for so many requests at a time."""
        self._worker_end, self._supervisor_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._worker_end.setblocking(False)
        self._supervisor_end.setblocking(False)
        # Not on any disk. Written once here: every page has its place from now on.
        self._open = mmap.mmap(-1, slots * _NUMBER.size)
        self._open.write(bytes(slots * _NUMBER.size))
        self._slots = slots

    # ---- the worker ------------------------------------------------------------------------------

    def become_worker(self) -> None:
        """In the worker: use the worker's end."""
        self._supervisor_end.close()
        self._lock = threading.Lock()
        self._free = list(range(self._slots))
        self._count = 0

    def hold(self, connection: socket.socket, request_id: str) -> Callable[[], None]:
        """Let the supervisor answer if this process should die.

        Returns:
            What has to be called before the first byte of the answer is sent; more than once does no harm.
        """
        with self._lock:
            if not self._free:
                return _nothing
            slot = self._free.pop()
            self._count += 1
            number = self._count
        message = _MESSAGE.pack(slot, number) + request_id.encode()
        try:
            socket.send_fds(self._worker_end, [message], [connection.fileno()])
        except OSError:  # the supervisor is too busy, or gone
            self._give_back(slot)
            return _nothing
        self._mark(slot, number)
        over = False

        def release() -> None:
            nonlocal over
            if not over:
                over = True
                self._mark(slot, 0)
                with suppress(OSError):  # else the next one in that slot tells it
                    self._worker_end.send(_MESSAGE.pack(slot, 0))
                self._give_back(slot)

        return release

    def _give_back(self, slot: int) -> None:
        with self._lock:
            self._free.append(slot)  # taken again first

    def _mark(self, slot: int, number: int) -> None:
        _NUMBER.pack_into(self._open, slot * _NUMBER.size, number)

    # ---- the supervisor --------------------------------------------------------------------------

    def become_supervisor(self) -> None:
        """In the supervisor: hear of messages by SIGIO."""
        self._held: dict[int, tuple[int, int, str]] = {}  # slot → number, descriptor, id of the request
        descriptor = self._supervisor_end.fileno()
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(
            descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK
        )

    def hear(self) -> None:
        """Take all messages that are there."""
        while True:
            try:
                message, descriptors, _, _ = socket.recv_fds(self._supervisor_end, _LONGEST_MESSAGE, 1)
            except OSError:
                return
            if not message:
                return
            slot, number = _MESSAGE.unpack_from(message)
            before = self._held.pop(slot, None)
            if before is not None:
                os.close(before[1])
            if descriptors:
                self._held[slot] = number, descriptors[0], message[_MESSAGE.size :].decode()

    def orphans(self) -> list[tuple[int, str]]:
        """Once the worker has ended: connections that wait for an answer, and the ids of their requests."""
        self.hear()
        return [
            (descriptor, request_id)
            for slot, (number, descriptor, request_id) in self._held.items()
            if _NUMBER.unpack_from(self._open, slot * _NUMBER.size)[0] == number
        ]

    def close(self) -> None:
        """Let go of everything, in whichever process."""
        for _, descriptor, _ in getattr(self, "_held", {}).values():
            os.close(descriptor)
        self._held = {}
        self._worker_end.close()
        self._supervisor_end.close()
        self._open.close()


class Lifelines:
    """Those of all workers, as hooks of Gunicorn."""

    def __init__(self, slots: int) -> None:
        """Prepare for so many requests at a time in each worker."""
        self._slots = slots
        self._lines: dict[int, Lifeline] = {}
        self._hearing = False
        self._again = False

    def begin(self) -> None:
        """Listen, in the supervisor's main thread."""
        signal.signal(signal.SIGIO, self._hear)

    def pre_fork(self, _arbiter: object, worker: Any) -> None:
        """In the supervisor, before a worker begins."""
        line = Lifeline(self._slots)
        line.become_supervisor()
        self._lines[worker.age] = line

    def post_fork(self, _arbiter: object, worker: Any) -> None:
        """In a worker that begins: keep its own line, and no connection of the others."""
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        for age, line in self._lines.items():
            if age == worker.age:
                line.become_worker()
                _own.append(line)
            else:
                line.close()
        self._lines = {}

    def child_exit(self, arbiter: Any, worker: Any) -> None:
        """In the supervisor, when a worker has ended, however it did."""
        line = self._lines.pop(worker.age, None)
        if line is None:
            return
        orphans = line.orphans()
        if orphans:
            for _, request_id in orphans:
                fields = {"status": WorkerLostError.http_status, "code": WorkerLostError.code}
                _log.warning("refused", extra={"fields": {"request_id": request_id, **fields}})
            _answer(orphans)
        line.close()

    def end(self, arbiter: Any) -> None:
        """At the end of the service: also answer those whose worker was killed for taking too long."""
        for age in list(self._lines):
            self.child_exit(arbiter, _Ended(age))
        # An interpreter that ends restores what the system does by default: a late message would kill it.
        signal.signal(signal.SIGIO, signal.SIG_IGN)

    def _hear(self, *_: object) -> None:
        # A signal may come while one is being handled, and messages must not overtake each other.
        self._again = True
        if self._hearing:
            return
        self._hearing = True
        try:
            while self._again:
                self._again = False
                for line in list(self._lines.values()):
                    line.hear()
        except Exception as error:  # must not end the supervisor
            _log.error("a lifeline failed", exc_info=error)
        finally:
            self._hearing = False


class _Ended:
    def __init__(self, age: int) -> None:
        self.age = age


#: The line of this process, where it is a worker.
_own: list[Lifeline] = []


def hold(connection: socket.socket, request_id: str) -> Callable[[], None]:
    """As `Lifeline.hold` of this process; nothing happens where it has none."""
    return _own[-1].hold(connection, request_id) if _own else _nothing


class ReleasedFirst:
    """The same parts of an answer; the supervisor lets go before the first of them, or the end, is sent."""

    def __init__(self, parts: Iterable[Any], release: Callable[[], None]) -> None:
        """Let `release`, of `hold`, be called as soon as there is something to send."""
        self._parts = parts
        self._iterator = iter(parts)
        self._release = release

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._iterator)
        finally:
            self._release()

    def close(self) -> None:
        """The server calls it when the answer is sent or the client is gone."""
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()


def _answer(orphans: list[tuple[int, str]]) -> None:
    """Answer from a process of its own: clients that still send need a while to read, see `draining`."""
    if os.fork():
        return
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        kept = {descriptor for descriptor, _ in orphans}
        for descriptor in range(3, max(kept) + 1):
            if descriptor not in kept:
                with suppress(OSError):
                    os.close(descriptor)
        os.closerange(max(kept) + 1, os.sysconf("SC_OPEN_MAX"))
        see_off([(socket.socket(fileno=descriptor), request_id) for descriptor, request_id in orphans])
    finally:
        os._exit(0)


def see_off(connections: list[tuple[socket.socket, str]], *, patience_s: float = _PATIENCE_S) -> None:
    """Send the answer, and wait until the clients have closed or have had their time."""
    deadline = time.monotonic() + patience_s
    with selectors.DefaultSelector() as waiting:
        for connection, request_id in connections:
            connection.setblocking(False)
            with suppress(OSError):
                connection.send(_refusal(request_id))
                connection.shutdown(socket.SHUT_WR)
                waiting.register(connection, selectors.EVENT_READ, connection)
        while waiting.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                connection = key.data
                try:
                    ended = not connection.recv(_PIECE)
                except BlockingIOError:
                    continue
                except OSError:
                    ended = True
                if ended:
                    waiting.unregister(connection)
    for connection, _ in connections:
        connection.close()


def _refusal(request_id: str) -> bytes:
    error = WorkerLostError("The process that worked on this request has ended unexpectedly.", retry_after=1)
    return bare_answer(error, "Service Unavailable", request_id)
