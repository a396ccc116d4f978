"""What makes spans of requests and readings, and the tracer that makes none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from flask import Response

from crnn_ocr.document import Document
from crnn_ocr.logging import TraceIds


class ReadingSpan(Protocol):
    """The span of one reading."""

    def stage(self, stage: str, begin: float, end: float) -> None:
        """A stage is over; seconds on `time.perf_counter`."""

    def read(self, document: Document) -> None:
        """It was read: tells how much, never what."""

    def failed(self, code: str) -> None:
        """It could not be read."""


class RequestSpan(Protocol):
    """The span of one request."""

    @property
    def ids(self) -> TraceIds:
        """What the log lines of this request refer to."""
        ...

    def finish(self, response: Response) -> None:
        """The answer is known: call it inside the request."""

    def leave(self) -> None:
        """What runs in this context from now on is no part of it."""

    def end(self) -> None:
        """The answer is sent; calling it twice does no harm."""


class Tracer(Protocol):
    """Makes spans."""

    def request(self) -> RequestSpan | None:
        """Begin the span of the current request; None where nothing is traced."""
        ...

    def reading(self) -> AbstractContextManager[ReadingSpan]:
        """The span of a reading, part of the current request's where there is one."""
        ...


class _NoSpan:
    def stage(self, stage: str, begin: float, end: float) -> None: ...

    def read(self, document: Document) -> None: ...

    def failed(self, code: str) -> None: ...


class NoTracer:
    """Traces nothing."""

    def request(self) -> None:
        """No span."""
        return

    @contextmanager
    def reading(self) -> Iterator[ReadingSpan]:
        """A span that nobody sees."""
        yield _NoSpan()
