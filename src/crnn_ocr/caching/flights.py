"""Single flight: of equal readings at the same time one is done, and the others wait for it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from crnn_ocr.errors import (
    ImageDecodeError,
    ImageEmptyError,
    ImageTooLargeError,
    OcrError,
    PdfPasswordError,
    UnsupportedImageError,
)
from crnn_ocr.scheduling.ticket import Ticket

Result = TypeVar("Result")

#: Errors that lie in the picture: whoever sends the same one meets the same error.
PICTURE_ERRORS = (
    ImageDecodeError,
    ImageEmptyError,
    ImageTooLargeError,
    PdfPasswordError,
    UnsupportedImageError,
)

#: How often those who wait look whether they have been cancelled, in seconds.
_LOOK_UP_S = 0.05


class _Flight(Generic[Result]):
    """One reading under way, and how it ended."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.results: list[Result] = []
        self.error: OcrError | None = None


class SingleFlight(Generic[Result]):
    """Lets one caller per key work while the others wait; may be used by many threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight[Result]] = {}

    def __len__(self) -> int:
        """Readings under way."""
        return len(self._flights)

    def do(self, key: str, work: Callable[[], Result], ticket: Ticket) -> tuple[Result, bool]:
        """Do the work, or wait for the caller who is doing it.

        Where that caller fails for a reason of its own (it was cancelled, its time ran out, the service
        refused it), one of those who wait does the work in its place. Where the picture is at fault, they
        all meet that error. Nobody waits beyond the own ticket.

        Args:
            key: Equal for equal work.
            work: What is to be done.
            ticket: The caller's own.

        Returns:
            The result, and whether this caller did the work.

        Raises:
            DeadlineExceededError: The ticket's time ran out.
            RequestCancelledError: The ticket was cancelled.
            Exception: Whatever the work raises.
        """
        while True:
            with self._lock:
                flight = self._flights.get(key)
                leads = flight is None
                if flight is None:
                    flight = self._flights[key] = _Flight()
            if leads:
                return self._lead(key, flight, work), True
            _wait(flight, ticket)
            if flight.error is not None:
                raise copy.copy(flight.error)  # its traceback belongs to the other request
            if flight.results:
                return flight.results[0], False

    def _lead(self, key: str, flight: _Flight[Result], work: Callable[[], Result]) -> Result:
        try:
            result = work()
        except PICTURE_ERRORS as error:
            flight.error = copy.copy(error)
            raise
        else:
            flight.results.append(result)
            return result
        finally:
            with self._lock:
                del self._flights[key]
            flight.landed.set()


def _wait(flight: _Flight[Result], ticket: Ticket) -> None:
    """Until the flight has landed, or the ticket's end."""
    while not flight.landed.is_set():
        ticket.check()
        remaining = ticket.remaining
        flight.landed.wait(_LOOK_UP_S if remaining is None else min(_LOOK_UP_S, max(remaining, 0.0)))
