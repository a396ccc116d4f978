"""Hardens Gunicorn's threaded worker: slow and broken clients occupy no thread, and errors are JSON."""

from __future__ import annotations

import errno
import logging
import os
import re
import selectors
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from types import FrameType
from typing import Any

from gunicorn.http import errors as http_errors
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from crnn_ocr.errors import BadRequestError, OcrError, UploadTimeoutError
from crnn_ocr.net.socket_watch import socket_watcher
from crnn_ocr.service.api.error_answers import InternalError
from crnn_ocr.service.api.raw_response import bare_answer
from crnn_ocr.service.server.client_name import client_name
from crnn_ocr.service.server.event_streams import is_stopping
from crnn_ocr.service.server.fork_signals import IGNORED, unblock_stop_signals
from crnn_ocr.service.server.graceful_close import ClosingConnections
from crnn_ocr.service.server.reply_and_drain import close_after_answer
from crnn_ocr.service.server.unsent_answers import AnswerSocket, UnsentAnswers

_log = logging.getLogger("crnn_ocr.service.request")

#: Longest time from the connection to the end of the first request's headers.
HEADERS_S = 10.0
#: Longest headers, in bytes.
_HEAD_BYTES = 16 * 1024
_HEAD_END = b"\r\n\r\n"
#: How long a connection with incomplete headers is not checked again, in seconds.
_LOOK_AGAIN_S = 0.1
#: Beginnings of requests that have threads of their own, so that they wait for nobody.
_PROBE = re.compile(rb"(?:GET|HEAD) /(?:healthz|readyz|metrics)[ ?]")
_PROBE_THREADS = 2
_GONE = (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK)
#: Errors that mean that no connection can be accepted now, from any client.
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
#: How long a process without descriptors waits before it tries to accept again, in seconds.
_PAUSE_S = 0.5

#: Errors of the parser whose status is not 400.
_STATUSES: dict[type[Exception], tuple[int, str]] = {
    http_errors.LimitRequestLine: (414, "URI Too Long"),
    http_errors.LimitRequestHeaders: (431, "Request Header Fields Too Large"),
    http_errors.ExpectationFailed: (417, "Expectation Failed"),
    http_errors.UnsupportedTransferCoding: (501, "Not Implemented"),
    http_errors.ForbiddenProxyRequest: (403, "Forbidden"),
}


class Connection(TConn):  # type: ignore[misc]  # Gunicorn has no types
    """Connection whose graceful close does not block the main loop, as Gunicorn's does for two seconds."""

    def __init__(self, *args: Any, linger: Callable[[socket.socket], None]) -> None:
        super().__init__(*args)
        self.watch = ExitStack()
        self._linger = linger

    def head(self) -> bytes | None:
        """Return the beginning of the next request, as far as it has arrived; None if the client is gone."""
        # What arrived together with the previous request is in the parser, not in the socket.
        held: bytes = b"" if self.parser is None else self.parser.unreader.buf.getvalue()
        try:
            come = self.sock.recv(_HEAD_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return held
        except OSError:
            return None
        return held + come if come else None

    def close(self, graceful: bool = False) -> None:
        """Close at once, or gracefully, so that the client can read its answer first."""
        if graceful:
            self._linger(self.sock)
        else:
            super().close()


class Worker(ThreadWorker):  # type: ignore[misc]
    """A gthread worker that a client cannot keep busy without sending a request.

    * A connection waits in the main loop, and gets a thread only when the headers of a request have arrived.
    * Headers must arrive within `HEADERS_S`.
    * Probes have threads of their own.
    * What a client does not take of its answer at once is sent by the main loop (`unsent_answers`).
    * A closing connection waits for its client in the main loop without blocking it.
    * If descriptors run out, new clients wait, and connected ones are not affected.
    * Requests that break the protocol are answered with the API's own error body.
    """

    SIGNALS = tuple(number for number in ThreadWorker.SIGNALS if number not in IGNORED)
    #: In the supervisor, once it has ended: whether it ended as it should, and the signal that ended it.
    left = False
    killed_by: int | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._closing = ClosingConnections(
            lambda: self.poller, most=max(1, self.worker_connections // 4), on_closed=self._forget
        )
        self._unsent = UnsentAnswers(lambda: self.poller)
        self._full_until = 0.0
        # Connections with incomplete headers: when to check again, and what to call when they are readable.
        self._incomplete: deque[tuple[float, Connection, Callable[[object], None]]] = deque()

    # ---- connections -----------------------------------------------------------------------------

    def accept(self, listener: socket.socket) -> bool:
        """Accept a new connection, which then waits for its first byte; return whether there was one."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in _GONE:
                return False
            if error.errno in _FULL:
                self._pause(error)
                return False
            raise
        client = AnswerSocket(
            client,
            on_unsent=partial(self.method_queue.defer, self._unsent.note),
            name=client_name(None, address[0]),
        )
        self.nr_conns += 1
        conn = Connection(self.cfg, client, address, listener.getsockname(), linger=self._linger)
        conn.timeout = time.monotonic() + HEADERS_S
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))
        return True

    def _pause(self, error: OSError) -> None:
        """Let new clients wait in the kernel, so that connected ones are still served."""
        _log.warning("takes no connections for now", extra={"fields": {"reason": error.strerror}})
        self._full_until = time.monotonic() + _PAUSE_S
        if self.alive:
            self.set_accept_enabled(False)

    def _linger(self, connection: socket.socket) -> None:
        self.nr_conns += 1  # it takes a descriptor until it is closed
        self._closing.add(connection)

    def _forget(self) -> None:
        self.nr_conns -= 1

    def on_pending_socket_readable(self, conn: Connection, client: object) -> None:
        """Hand a new connection to a thread once its headers have arrived."""
        if self._is_complete(conn, partial(self.on_pending_socket_readable, conn)):
            super().on_pending_socket_readable(conn, client)

    def on_client_socket_readable(self, conn: Connection, client: object) -> None:
        """Hand a kept-alive connection to a thread once its next headers have arrived."""
        if self._is_complete(conn, partial(self.on_client_socket_readable, conn)):
            super().on_client_socket_readable(conn, client)

    def _is_complete(self, conn: Connection, call: Callable[[object], None]) -> bool:
        head = conn.head()
        if head is None or _HEAD_END in head:  # a thread handles the end of the connection
            return True
        if len(head) >= _HEAD_BYTES:
            self._refuse_head(conn, head)
            return False
        # It would be readable again at once, so it is taken out of the poller for a moment.
        self.poller.unregister(conn.sock)
        self._incomplete.append((time.monotonic() + _LOOK_AGAIN_S, conn, call))
        return False

    def enqueue_req(self, conn: Connection) -> None:
        """Hand a connection with a request to a thread."""
        pool = self._probes if _PROBE.match(conn.head() or b"") else self.tpool
        future = pool.submit(self.handle, conn)
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def finish_request(self, conn: Connection, future: Future[object]) -> None:
        """After a request, send the rest of its answer."""
        self._unsent.finish(conn.sock, partial(self._finish_answered, conn, future))

    def _finish_answered(self, conn: Connection, future: Future[object]) -> None:
        """Close, wait for the next request, or handle it if it has arrived already."""
        if conn.sock.given_up:
            self.nr_conns -= 1
            conn.close()
            return
        if future.cancelled() or future.exception() or not future.result():
            super().finish_request(conn, future)
            return
        begun = conn.parser.unreader.buf.getvalue()
        if not begun or _HEAD_END in begun:
            super().finish_request(conn, future)
            return
        # Gunicorn would let a thread wait for the rest.
        conn.sock.setblocking(False)
        conn.set_timeout()
        if not self.alive:
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
        self.keepalived_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for sockets, and check those with incomplete headers again."""
        now = time.monotonic()
        while self._incomplete and self._incomplete[0][0] <= now:
            _, conn, call = self._incomplete.popleft()
            if conn.sock.fileno() >= 0:  # otherwise its time was up
                self.poller.register(conn.sock, selectors.EVENT_READ, call)
        if self._incomplete or len(self._unsent):
            timeout = min(timeout, _LOOK_AGAIN_S)
        super().wait_for_and_dispatch_events(timeout)

    def handle(self, conn: Connection) -> object:
        """Handle one request of a connection; runs in a thread."""
        limit = conn.watch.enter_context(socket_watcher.limited(conn.sock, HEADERS_S))
        try:
            again: object = super().handle(conn)
        finally:
            conn.watch.close()
        if limit.expired:
            self._refuse(conn.sock, conn.client, 408, "Request Timeout", "The headers arrived too slowly.")
            return False
        return again

    def handle_request(self, req: Any, conn: Connection) -> object:
        """Run the application for a request whose headers have arrived."""
        conn.watch.close()
        close_after_answer.set(req.force_close)
        is_stopping.set(lambda: not self.alive)
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """Close connections that have waited for too long; the main loop calls it at least once a second."""
        super().murder_pending()
        self._unsent.sweep()
        self._closing.sweep()

    # ---- the end ---------------------------------------------------------------------------------

    def init_process(self) -> None:
        """Serve until told to stop, at the root of the host."""
        # Gunicorn would refuse every path outside of it.
        os.environ.pop("SCRIPT_NAME", None)
        self._probes = ThreadPoolExecutor(_PROBE_THREADS, thread_name_prefix="probes")
        super().init_process()

    def init_signals(self) -> None:
        """Set the handlers, and deliver stop signals that arrived before."""
        super().init_signals()
        unblock_stop_signals()

    def run(self) -> None:
        """Serve until told to stop."""
        super().run()
        self._closing.close_all()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Start or stop accepting connections; a stopping worker closes its listeners."""
        if enabled and time.monotonic() < self._full_until:
            return
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            self._close_listeners()

    def _close_listeners(self) -> None:
        """Accept the connections that are already established, then close the listeners.

        Once every process of the service has closed them, the kernel refuses new connections. With open
        listeners, clients would connect and wait for answers that never come.
        """
        for listener in self.sockets:
            for _ in range(self.cfg.backlog + 1):  # as many as can be waiting
                if not self.accept(listener):
                    break
            listener.close()
        self.sockets.clear()

    def is_parent_alive(self) -> bool:
        """Return whether the supervisor is alive; without it the worker stops as if it had been told to."""
        lives: bool = super().is_parent_alive()
        if not lives:
            self.alive = False
        return lives

    def _cap_keepalive(self, deadline: float) -> None:
        """While stopping, limit the wait for connections without a request as that for kept-alive ones."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """End the process without waiting for anything, requests in flight included.

        Gunicorn's own handler shuts the thread pool down, which takes the pool's lock. A signal that arrives
        while the main loop hands a request to the pool, and so holds that lock, would wait for ever; the
        supervisor would kill the worker only after the graceful time-out.
        """
        self.alive = False
        logging.shutdown()
        os._exit(0)

    # ---- requests that never reach the application ---------------------------------------------------

    def handle_error(
        self, req: Any, client: socket.socket, addr: tuple[str, int], exc: BaseException
    ) -> None:
        """Answer requests that Gunicorn refuses or fails on, in the form of all other errors."""
        if not isinstance(exc, http_errors.ParseException):
            _log.error("request failed outside of the application", exc_info=exc)
            fault = InternalError("The server failed to handle this request.")
            self._answer(client, addr, fault, 500, "Internal Server Error")
            return
        status, reason = next(
            (known for kind, known in _STATUSES.items() if isinstance(exc, kind)), (400, "Bad Request")
        )
        # The parser's own message quotes the request, which may hold secrets.
        self._refuse(client, addr, status, reason, f"The request breaks the HTTP protocol: {_words(exc)}.")

    def _refuse_head(self, conn: Connection, head: bytes) -> None:
        """Refuse a request whose headers are too long, without a thread."""
        self.poller.unregister(conn.sock)
        (self.pending_conns if conn in self.pending_conns else self.keepalived_conns).remove(conn)
        status, reason = _STATUSES[
            http_errors.LimitRequestHeaders if b"\r\n" in head else http_errors.LimitRequestLine
        ]
        message = f"The request line and the headers take more than {_HEAD_BYTES} bytes."
        self._refuse(conn.sock, conn.client, status, reason, message)
        self.nr_conns -= 1
        conn.close(graceful=True)

    def _refuse(
        self, client: socket.socket, addr: tuple[str, int], status: int, reason: str, message: str
    ) -> None:
        kind = UploadTimeoutError if status == 408 else BadRequestError
        error = kind(message, hint="See /docs for the requests that this service takes.")
        self._answer(client, addr, error, status, reason)

    def _answer(
        self, client: socket.socket, addr: tuple[str, int], error: OcrError, status: int, reason: str
    ) -> None:
        answer = bare_answer(error, reason, uuid.uuid4().hex, status=status)
        fields = {"status": status, "code": error.code, "client": addr[0] if addr else None}
        _log.info("refused", extra={"fields": fields})
        with suppress(OSError):
            write_nonblock(client, answer)


def _words(error: Exception) -> str:
    """Return the kind of a parser's error in plain words: "InvalidHeaderName" → "invalid header name"."""
    name = type(error).__name__
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
