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

#: Waiting: for room to work in, or for a free core.
QUEUE = "queue"
#: Stages of a reading in the order in which a page passes them; waiting can come anywhere.
STAGES = (QUEUE, "decode", "enhance", "detect", "recognise", "orient", "recheck", "layout")

#: Takes a stage's name, its begin and its end on `time.perf_counter`, and the seconds between them that were
#: not spent waiting.
Listener = Callable[[str, float, float, float], None]

#: Who is told about the stages of the reading that runs in this context; nobody, when None.
listener: ContextVar[Listener | None] = ContextVar("crnn_ocr_stage_listener", default=None)


#: What the stage under way in this context has waited, in seconds; None outside of stages.
_waits: ContextVar[list[float] | None] = ContextVar("crnn_ocr_waits", default=None)


def tell(stage: str, begin: float, end: float, spent: float | None = None) -> None:
    """Tell the listener, if there is one, about a stage that is over.

    Args:
        stage: Its name.
        begin: When it began, in seconds on `time.perf_counter`.
        end: When it was over.
        spent: Seconds that count as its own; all of them, when None.
    """
    heard = listener.get()
    if heard is not None:
        heard(stage, begin, end, end - begin if spent is None else spent)


def waited(begin: float, end: float) -> None:
    """Tell that the reading in this context waited; that time belongs to no other stage."""
    waits = _waits.get()
    if waits is not None:
        waits.append(end - begin)
    tell(QUEUE, begin, end)


class StageClock:
    """Adds up the wall time of each stage and of waiting; no stage begins once the ticket is invalid."""

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
        waits: list[float] = []
        token = _waits.set(waits)
        begin = time.perf_counter()
        try:
            yield
        finally:
            end = time.perf_counter()
            _waits.reset(token)
            spent = end - begin - sum(waits)
            self._add(stage, spent)
            if waits:
                self._add(QUEUE, sum(waits))
            tell(stage, begin, end, spent)

    def _add(self, stage: str, seconds: float) -> None:
        self.milliseconds[stage] = self.milliseconds.get(stage, 0.0) + seconds * 1000
