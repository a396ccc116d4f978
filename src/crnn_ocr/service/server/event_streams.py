"""Limits answers that last, such as streams of events: their number, and that they end with their worker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar

from crnn_ocr.errors import OverloadedError

#: Streams of a worker at a time. Each takes a thread, so they have threads of their own.
MOST_STREAMS = 24
#: Seconds after which a client that finds too many streams should ask for one again.
_RETRY_AFTER_S = 10

#: Tells whether the worker is told to stop; set by the worker for each request.
is_stopping: ContextVar[Callable[[], bool]] = ContextVar("is_stopping", default=lambda: False)


class StreamPlaces:
    """Places for streams, limited in number; one client may take half of them."""

    def __init__(self, most: int = MOST_STREAMS) -> None:
        """Set the limit."""
        self._most = most
        self._lock = threading.Lock()
        self._taken: dict[str, int] = {}

    def take(self, client: str) -> Callable[[], None]:
        """Take a place for a client, and return the function that frees it, once.

        Raises:
            OverloadedError: All places are taken.
        """
        with self._lock:
            own = self._taken.get(client, 0)
            if sum(self._taken.values()) >= self._most or own >= max(1, self._most // 2):
                raise OverloadedError(
                    "The service holds as many streams of events as it may.",
                    hint="Ask for the state itself instead, now and then.",
                    retry_after=_RETRY_AFTER_S,
                )
            self._taken[client] = own + 1

        def free() -> None:
            with self._lock:
                self._taken[client] -= 1
                if not self._taken[client]:
                    del self._taken[client]

        return free
