"""Bodies that arrive too slowly are given up, so that a few slow clients cannot hold all places."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any

from crnn_ocr.errors import UploadTimeoutError
from crnn_ocr.service.server.socket_watch import SocketWatcher

#: Time in which a body may be as slow as it likes: slow starts, lost packets, sleeping radios.
PATIENCE_S = 10.0
#: What is asked of the server at a time; the least that a client has to deliver per look at the clock.
_PIECE = 64 * 1024


def deadline_after(received: int, *, started: float, total_s: float, min_rate: float) -> float:
    """Return the time by which more than `received` bytes have to be there.

    Args:
        received: Bytes so far.
        started: When the body began, in seconds on some clock.
        total_s: Longest time for the whole body.
        min_rate: Slowest average after `PATIENCE_S`, in bytes per second.
    """
    return started + min(total_s, PATIENCE_S + received / min_rate)


class TimedBody:
    """A request's body as WSGI gives it, with limits of time; replaces `wsgi.input`.

    Only `read` is there: the other methods of a file would bypass the limits.

    Attributes:
        received: Bytes read so far.
    """

    def __init__(
        self,
        body: Any,
        connection: socket.socket,
        socket_watcher: SocketWatcher,
        *,
        total_s: float,
        min_rate: float,
    ) -> None:
        self._body = body
        self._connection = connection
        self._overseer = socket_watcher
        self._total_s = total_s
        self._min_rate = min_rate
        self._started = time.monotonic()
        self.received = 0

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, fewer at the end; all where it is negative.

        Raises:
            UploadTimeoutError: The client is too slow.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(_PIECE), b""))
        by = deadline_after(
            self.received, started=self._started, total_s=self._total_s, min_rate=self._min_rate
        )
        with self._overseer.limited(self._connection, by - time.monotonic()) as limit:
            try:
                piece: bytes = self._body.read(min(size, _PIECE))
            except Exception:
                if limit.expired:
                    raise self._too_slow() from None
                raise
        if limit.expired:
            raise self._too_slow()
        self.received += len(piece)
        return piece

    def _too_slow(self) -> UploadTimeoutError:
        with suppress(OSError):  # nobody will read the rest
            self._connection.shutdown(socket.SHUT_RD)
        seconds = time.monotonic() - self._started
        return UploadTimeoutError(f"After {seconds:.0f} seconds the body has still not arrived.")
