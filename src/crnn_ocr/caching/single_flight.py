"""Single call: of equal readings at the same time one is done, and the others wait for it."""

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
_POLL_S = 0.05


class _Call(Generic[Result]):
    """One reading under way, and how it ended."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.results: list[Result] = []
        self.error: OcrError | None = None


class SingleFlight(Generic[Result]):
    """Lets one caller per key work while the others wait; may be used by many threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, _Call[Result]] = {}

    def __len__(self) -> int:
        """Readings under way."""
        return len(self._calls)

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
                call = self._calls.get(key)
                leads = call is None
                if call is None:
                    call = self._calls[key] = _Call()
            if leads:
                return self._lead(key, call, work), True
            _wait(call, ticket)
            if call.error is not None:
                raise copy.copy(call.error)  # its traceback belongs to the other request
            if call.results:
                return call.results[0], False

    def _lead(self, key: str, call: _Call[Result], work: Callable[[], Result]) -> Result:
        try:
            result = work()
        except PICTURE_ERRORS as error:
            call.error = copy.copy(error)
            raise
        else:
            call.results.append(result)
            return result
        finally:
            with self._lock:
                del self._calls[key]
            call.done.set()


def _wait(call: _Call[Result], ticket: Ticket) -> None:
    """Until the call has done, or the ticket's end."""
    while not call.done.is_set():
        ticket.check()
        remaining = ticket.remaining
        call.done.wait(_POLL_S if remaining is None else min(_POLL_S, max(remaining, 0.0)))
