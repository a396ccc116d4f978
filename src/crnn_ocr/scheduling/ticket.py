"""What a request carries along: until when its answer is wanted, and whether anybody still wants it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from crnn_ocr.errors import DeadlineExceededError, RequestCancelledError


class Ticket:
    """One per request; any thread may ask it or cancel it.

    Nothing is interrupted: the engine asks between its stages and before every run of a network, so a
    request that nobody wants any more ends within one run.
    """

    def __init__(self, *, deadline: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Issue a ticket.

        Args:
            deadline: When the answer is of no more use, in seconds on `clock`; None: it always is.
            clock: Tells the time in seconds; it never goes back.
        """
        self.deadline = deadline
        self._clock = clock
        self._cancelled = threading.Event()

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline, 0 or less once it has passed; None without one."""
        return None if self.deadline is None else self.deadline - self._clock()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` has been called."""
        return self._cancelled.is_set()

    @property
    def valid(self) -> bool:
        """Whether `check` would let the request go on."""
        remaining = self.remaining
        return not self.cancelled and (remaining is None or remaining > 0)

    def cancel(self) -> None:
        """Nobody waits for the answer any more, for example because the client is gone."""
        self._cancelled.set()

    def check(self) -> None:
        """Return as long as the answer is wanted.

        Raises:
            RequestCancelledError: The request has been cancelled.
            DeadlineExceededError: Its deadline has passed.
        """
        if self.cancelled:
            raise RequestCancelledError("The request was cancelled before its answer was ready.")
        remaining = self.remaining
        if remaining is not None and remaining <= 0:
            raise DeadlineExceededError("The time for this request ran out before its answer was ready.")
