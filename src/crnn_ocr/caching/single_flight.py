"""Does equal work only once at a time: one caller does it, and the others wait for its result."""

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

#: Errors caused by the picture itself: everyone who sends the same picture gets the same error.
PICTURE_ERRORS = (
    ImageDecodeError,
    ImageEmptyError,
    ImageTooLargeError,
    PdfPasswordError,
    UnsupportedImageError,
)


class _Call(Generic[Result]):
    """Work that is being done for a key, and its result or error."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.results: list[Result] = []
        self.error: OcrError | None = None


class SingleFlight(Generic[Result]):
    """Lets one caller per key work while the others wait. It is safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, _Call[Result]] = {}

    def __len__(self) -> int:
        """Return how many keys are being worked on."""
        return len(self._calls)

    def do(self, key: str, work: Callable[[], Result], ticket: Ticket) -> tuple[Result, bool]:
        """Do the work, or wait for the caller that is doing it.

        If that caller fails for a reason of its own (it was cancelled, its time ran out, the service refused
        it), one of the waiting callers does the work instead. If the picture is at fault, all callers get the
        same error. No caller waits longer than its own ticket allows.

        Args:
            key: Equal for equal work.
            work: Does the work.
            ticket: The caller's own ticket.

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
            ticket.wait(call.done.wait)
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
