"""Requests of a worker process that died are answered by its supervisor: 503, send it again.

A process that is killed takes its connections with it, and its clients see them reset, as if the network had
failed. So while a request is worked on, the supervisor holds a second descriptor of its connection, which the
worker sends through a socket (`SCM_RIGHTS`) and takes back before the first byte of its answer; memory that
both share says who of the two may write. When a worker has ended, the supervisor answers what is still open.

The supervisor has one thread, and Gunicorn owns its loop, so messages reach it by a signal (SIGIO).
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from crnn_ocr.errors import WorkerLostError
from crnn_ocr.service.api.raw_response import bare_answer
from crnn_ocr.service.server import handover

_LONGEST_MESSAGE = 256
#: How long clients have for reading their answer, in seconds.
_PATIENCE_S = 3.0
_PIECE = 64 * 1024

_log = logging.getLogger("crnn_ocr.service.request")


class HeldRequests:
    """What the supervisor holds of all workers, as hooks of Gunicorn."""

    def __init__(self) -> None:
        """Make the socket that supervisor and workers share."""
        self._worker_end, self._supervisor_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._worker_end.setblocking(False)
        self._supervisor_end.setblocking(False)
        self._held: dict[tuple[int, int], tuple[int, str]] = {}  # key → descriptor, id of the request
        self._hearing = False
        self._again = False

    def begin(self) -> None:
        """Listen, in the supervisor's main thread."""
        signal.signal(signal.SIGIO, self.hear)
        fcntl.fcntl(self._supervisor_end, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(self._supervisor_end, fcntl.F_GETFL)
        fcntl.fcntl(self._supervisor_end, fcntl.F_SETFL, flags | os.O_ASYNC)

    def pre_fork(self, _arbiter: object, worker: Any) -> None:
        """In the supervisor, before a worker begins."""
        worker.open_requests = mmap.mmap(-1, handover.MOST_OPEN)

    def post_fork(self, _arbiter: object, worker: Any) -> None:
        """In a worker that begins: keep no connection of the others."""
        self._supervisor_end.close()
        for descriptor, _ in self._held.values():
            os.close(descriptor)
        self._held = {}
        handover.begin(self._worker_end, worker.age, worker.open_requests)

    def child_exit(self, _arbiter: object, worker: Any) -> None:
        """When a worker has ended, however it did: answer what it left, and let go of the rest."""
        self.hear()
        orphans = []
        for key in [key for key in list(self._held) if key[0] == worker.age]:
            descriptor, request_id = self._held.pop(key)
            if worker.open_requests[key[1] % handover.MOST_OPEN]:
                orphans.append((descriptor, request_id))
            else:
                os.close(descriptor)
        self._answer(orphans)

    def end(self, arbiter: Any) -> None:
        """At the end of the service: also answer those whose worker was killed for taking too long."""
        for worker in list(arbiter.WORKERS.values()):
            self.child_exit(arbiter, worker)
        # An interpreter that ends restores what the system does by default: a late message would kill it.
        signal.signal(signal.SIGIO, signal.SIG_IGN)

    def hear(self, *_signal: object) -> None:
        """Take all messages that are there, one after the other, though signals come meanwhile."""
        self._again = True
        if self._hearing:
            return
        self._hearing = True
        try:
            while self._again:
                self._again = False
                with suppress(BlockingIOError):
                    while True:
                        self._take(*socket.recv_fds(self._supervisor_end, _LONGEST_MESSAGE, 1)[:2])
        except Exception as error:  # must not end the supervisor
            _log.error("a request is not held", exc_info=error)
        finally:
            self._hearing = False

    def _take(self, message: bytes, descriptors: list[int]) -> None:
        key = handover.KEY.unpack_from(message)
        if descriptors:
            self._held[key] = descriptors[0], message[handover.KEY.size :].decode()
        elif key in self._held:
            os.close(self._held.pop(key)[0])

    def _answer(self, orphans: list[tuple[int, str]]) -> None:
        """Answer from a process of its own, for clients that still send need a while to read."""
        if orphans and os.fork() == 0:
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                _close_all_but({descriptor for descriptor, _ in orphans})
                with ThreadPoolExecutor(len(orphans)) as threads:
                    for descriptor, request_id in orphans:
                        threads.submit(answer, socket.socket(fileno=descriptor), request_id)
            finally:
                os._exit(0)
        for descriptor, request_id in orphans:
            os.close(descriptor)
            fields = {"status": WorkerLostError.http_status, "code": WorkerLostError.code}
            _log.warning("refused", extra={"fields": {"request_id": request_id, **fields}})


def _close_all_but(kept: set[int]) -> None:
    for descriptor in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        if descriptor > 2 and descriptor not in kept:
            with suppress(OSError):
                os.close(descriptor)


def answer(connection: socket.socket, request_id: str, *, patience_s: float = _PATIENCE_S) -> None:
    """Send the answer, and wait until the client has closed or has had its time."""
    error = WorkerLostError("The process that worked on this request has ended unexpectedly.", retry_after=1)
    deadline = time.monotonic() + patience_s
    with connection, suppress(OSError):
        connection.settimeout(patience_s)
        connection.sendall(bare_answer(error, "Service Unavailable", request_id))
        connection.shutdown(socket.SHUT_WR)
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            if not connection.recv(_PIECE):
                break
