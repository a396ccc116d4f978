"""The stages of a reading: each begins only while its answer is wanted, is timed, and is told to a listener.

Listening is how the service knows where the time of a request went, also of one that failed half-way and so
has no Document. It hangs on a context variable: the engine neither knows nor imports who listens.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from crnn_ocr.scheduling.ticket import Ticket

#: Stages of a reading in the order in which a page passes them; "queue" is waiting for a free core.
STAGES = ("decode", "enhance", "queue", "detect", "recognise", "orient", "recheck", "layout")

#: Takes a stage's name, its begin and its end, both in seconds on `time.perf_counter`.
Listener = Callable[[str, float, float], None]

#: Who is told about the stages of the reading that runs in this context; nobody, when None.
listener: ContextVar[Listener | None] = ContextVar("crnn_ocr_stage_listener", default=None)


def tell(stage: str, begin: float, end: float) -> None:
    """Tell the listener, if there is one, about a stage that is over."""
    heard = listener.get()
    if heard is not None:
        heard(stage, begin, end)


class StageClock:
    """Adds up the wall time of each stage; none begins once the ticket has become invalid."""

    def __init__(self, ticket: Ticket) -> None:
        """Start at nothing.

        Args:
            ticket: The reading's own.
        """
        self._ticket = ticket
        self.milliseconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time the block as a part of that stage.

        Raises:
            RequestCancelledError: The ticket has been cancelled.
            DeadlineExceededError: Its deadline has passed.
        """
        self._ticket.check()
        begin = time.perf_counter()
        try:
            yield
        finally:
            end = time.perf_counter()
            self.milliseconds[stage] = self.milliseconds.get(stage, 0.0) + (end - begin) * 1000
            tell(stage, begin, end)
