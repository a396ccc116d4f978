"""Times the stages of a reading, starts none once the ticket is invalid, and reports each to a listener.

Through the listener the service learns how long each stage of a request took, even if the request failed
half-way and has no Document. The listener is a context variable, so the engine does not import the service.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from crnn_ocr.scheduling.ticket import Ticket

#: The stage of waiting for memory or for a free core.
QUEUE = "queue"
#: Stages of a reading in the order in which a page passes them; waiting can happen anywhere.
STAGES = (QUEUE, "decode", "enhance", "detect", "recognise", "orient", "recheck", "layout")

#: Takes a stage's name, its start and end on `time.perf_counter`, and the seconds between them that were not
#: spent waiting.
Listener = Callable[[str, float, float, float], None]

#: Receives the stages of the reading that runs in this context; None if nobody listens.
listener: ContextVar[Listener | None] = ContextVar("crnn_ocr_stage_listener", default=None)


#: The waits of the stage that runs in this context, in seconds; None outside a stage.
_waits: ContextVar[list[float] | None] = ContextVar("crnn_ocr_waits", default=None)


def tell(stage: str, begin: float, end: float, spent: float | None = None) -> None:
    """Report a stage that has ended to the listener, if there is one.

    Args:
        stage: Name of the stage.
        begin: When it started, in seconds on `time.perf_counter`.
        end: When it ended, in the same seconds.
        spent: Seconds that count as its own; all of them when None.
    """
    heard = listener.get()
    if heard is not None:
        heard(stage, begin, end, end - begin if spent is None else spent)


def waited(begin: float, end: float) -> None:
    """Report that the reading in this context waited; that time is not counted for the current stage.

    Args:
        begin: When the wait started, in seconds on `time.perf_counter`.
        end: When it ended.
    """
    waits = _waits.get()
    if waits is not None:
        waits.append(end - begin)
    tell(QUEUE, begin, end)


class StageClock:
    """Clock that adds up the wall time of each stage and of waiting; an invalid ticket starts no stage.

    Attributes:
        milliseconds: Time so far, by the name of the stage.
    """

    def __init__(self, ticket: Ticket) -> None:
        """Start at zero.

        Args:
            ticket: The ticket of the reading.
        """
        self._ticket = ticket
        self.milliseconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count the time of the block for that stage.

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
