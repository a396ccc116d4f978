"""Limits the time that a request body may take, so that a few slow clients cannot occupy all slots."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any

from crnn_ocr.errors import UploadTimeoutError
from crnn_ocr.net.socket_watch import SocketWatcher

#: Seconds in which the rate of a body does not matter, because of slow starts and lost packets.
PATIENCE_S = 10.0
#: Bytes to read from the server at a time; the clock is checked after each.
_PIECE = 64 * 1024


def deadline_after(received: int, *, started: float, total_s: float, min_rate: float) -> float:
    """Return the time until which more than `received` bytes must have arrived.

    Args:
        received: Bytes so far.
        started: When the body began, in seconds on some clock.
        total_s: Longest time for the whole body, in seconds.
        min_rate: Slowest average after `PATIENCE_S`, in bytes per second.
    """
    return started + min(total_s, PATIENCE_S + received / min_rate)


class TimedBody:
    """Body of a request with a time limit, which replaces `wsgi.input`.

    It has only `read`: the other methods of a file would bypass the limits.
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
        self._received = 0

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, fewer at the end; the whole body if `size` is negative.

        Raises:
            UploadTimeoutError: The client is too slow.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(_PIECE), b""))
        by = deadline_after(
            self._received, started=self._started, total_s=self._total_s, min_rate=self._min_rate
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
        self._received += len(piece)
        return piece

    def _too_slow(self) -> UploadTimeoutError:
        with suppress(OSError):  # the rest will not be read
            self._connection.shutdown(socket.SHUT_RD)
        seconds = time.monotonic() - self._started
        return UploadTimeoutError(f"After {seconds:.0f} seconds the body has still not arrived.")
