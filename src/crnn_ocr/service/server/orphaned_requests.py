"""Lets the supervisor answer the requests of a worker process that died: 503, try again.

When a process is killed, its connections are reset, and its clients see that as a network failure. So while a
request is in work, the supervisor holds a second descriptor of its connection, which the worker sends through
a socket (`SCM_RIGHTS`) and takes back before the first byte of its answer; shared memory says which of the
two may write. When a worker has ended, the supervisor answers its open requests.

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
#: Time that clients have to read their answer, in seconds.
_PATIENCE_S = 3.0
_PIECE = 64 * 1024

_log = logging.getLogger("crnn_ocr.service.request")


class HeldRequests:
    """Connections of all workers that the supervisor holds; its methods are hooks of Gunicorn."""

    def __init__(self) -> None:
        """Make the socket between supervisor and workers."""
        self._worker_end, self._supervisor_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._worker_end.setblocking(False)
        self._supervisor_end.setblocking(False)
        self._held: dict[tuple[int, int], tuple[int, str]] = {}  # key → descriptor, id of the request
        self._receiving = False
        self._again = False

    def begin(self) -> None:
        """Start to receive messages, in the supervisor's main thread."""
        signal.signal(signal.SIGIO, self.receive)
        fcntl.fcntl(self._supervisor_end, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(self._supervisor_end, fcntl.F_GETFL)
        fcntl.fcntl(self._supervisor_end, fcntl.F_SETFL, flags | os.O_ASYNC)

    def pre_fork(self, _arbiter: object, worker: Any) -> None:
        """In the supervisor, before a fork: make the memory shared with the worker."""
        worker.open_requests = mmap.mmap(-1, handover.MOST_OPEN)

    def post_fork(self, _arbiter: object, worker: Any) -> None:
        """In a new worker: close the connections of other workers, and start to hand over its own."""
        self._supervisor_end.close()
        for descriptor, _ in self._held.values():
            os.close(descriptor)
        self._held = {}
        handover.begin(self._worker_end, worker.age, worker.open_requests)

    def child_exit(self, _arbiter: object, worker: Any) -> None:
        """When a worker has ended: answer its open requests, and close its other connections."""
        self.receive()
        orphans = []
        for key in [key for key in list(self._held) if key[0] == worker.age]:
            descriptor, request_id = self._held.pop(key)
            if worker.open_requests[key[1] % handover.MOST_OPEN]:
                orphans.append((descriptor, request_id))
            else:
                os.close(descriptor)
        self._answer(orphans)

    def end(self, arbiter: Any) -> None:
        """At the end of the service: also answer requests of workers that were killed for taking too long."""
        for worker in list(arbiter.WORKERS.values()):
            self.child_exit(arbiter, worker)
        # At exit the interpreter restores the default action, so that a late message would kill it.
        signal.signal(signal.SIGIO, signal.SIG_IGN)

    def receive(self, *_signal: object) -> None:
        """Receive all pending messages; safe if another signal arrives meanwhile."""
        self._again = True
        if self._receiving:
            return
        self._receiving = True
        try:
            while self._again:
                self._again = False
                with suppress(BlockingIOError):
                    while True:
                        self._take(*socket.recv_fds(self._supervisor_end, _LONGEST_MESSAGE, 1)[:2])
        except Exception as error:  # this must not end the supervisor
            _log.error("a message of a worker was not received", exc_info=error)
        finally:
            self._receiving = False

    def _take(self, message: bytes, descriptors: list[int]) -> None:
        key = handover.KEY.unpack_from(message)
        if descriptors:
            self._held[key] = descriptors[0], message[handover.KEY.size :].decode()
        elif key in self._held:
            os.close(self._held.pop(key)[0])

    def _answer(self, orphans: list[tuple[int, str]]) -> None:
        """Answer requests in a new process, because clients that are still sending need time to read."""
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
    """Send the answer, and wait until the client has closed or its time is up."""
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
