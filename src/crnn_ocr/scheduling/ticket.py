"""Carries the deadline of a request and its cancellation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from crnn_ocr.errors import DeadlineExceededError, RequestCancelledError

#: How often whoever waits for something checks whether its request goes on, in seconds.
POLL_S = 0.05


class Ticket:
    """Deadline and cancellation token of one request. It is safe to use from several threads.

    Nothing is interrupted: the engine checks the ticket between its stages and before every run of a network,
    so a cancelled request ends within one run.
    """

    def __init__(self, *, deadline: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Issue a ticket.

        Args:
            deadline: When the answer is no longer needed, in seconds on `clock`; None for no deadline.
            clock: Returns the time in seconds; it must never go back.
        """
        self.deadline = deadline
        self._clock = clock
        self._cancelled = threading.Event()

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline, 0 or less once it has passed; None without a deadline."""
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
        """Cancel the request, for example because its client is gone."""
        self._cancelled.set()

    def wait(self, attempt: Callable[[float], bool]) -> None:
        """Repeat an attempt until it succeeds, and check the ticket after each one that fails.

        Args:
            attempt: Waits for at most that many seconds, and returns whether it has succeeded; for example
                `threading.Event.wait`.

        Raises:
            RequestCancelledError: The request has been cancelled.
            DeadlineExceededError: Its deadline has passed.
        """
        remaining = self.remaining
        while not attempt(POLL_S if remaining is None else min(POLL_S, max(remaining, 0.0))):
            self.check()
            remaining = self.remaining

    def check(self) -> None:
        """Raise an error if the answer is no longer needed.

        Raises:
            RequestCancelledError: The request has been cancelled.
            DeadlineExceededError: Its deadline has passed.
        """
        if self.cancelled:
            raise RequestCancelledError("The request was cancelled before its answer was ready.")
        remaining = self.remaining
        if remaining is not None and remaining <= 0:
            raise DeadlineExceededError("The time for this request ran out before its answer was ready.")
