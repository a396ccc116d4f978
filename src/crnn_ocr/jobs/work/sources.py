"""Keeps the source file that a worker read last open, since its next task is mostly of the same file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from crnn_ocr.engine.ocr import OCR
from crnn_ocr.engine.page_readings import PageReadings
from crnn_ocr.imaging.process.stored_file import StoredFile
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.records import Task
from crnn_ocr.jobs.work.tasks import limits_of, reading_options, source_file
from crnn_ocr.scheduling.ticket import Ticket

#: Seconds for which a file stays open after a task. Opening a PDF takes 60 ms of CPU time, which is much
#: where the text of its pages is taken, at 10 ms a page.
KEEP_S = 3.0


@dataclass(slots=True)
class _Open:
    """The file that is open."""

    job: str
    file: int
    readings: PageReadings
    ticket: Ticket
    held: ExitStack = field(default_factory=ExitStack)


class Sources:
    """The sources of jobs, of which one at most is open; tasks use it one after the other."""

    def __init__(self, jobs: Jobs, ocr: OCR) -> None:
        """Open nothing yet.

        Args:
            jobs: The files of jobs, and their limits.
            ocr: Reads the pages.
        """
        self._jobs = jobs
        self._ocr = ocr
        self._lock = threading.Lock()
        self._open: _Open | None = None
        self._timer: threading.Timer | None = None
        self._ticket: Ticket | None = None

    @contextmanager
    def opened(self, task: Task) -> Iterator[PageReadings]:
        """Yield the source of a task while the block runs, which may read its pages.

        Raises:
            OcrError: It cannot be opened.
        """
        with self._lock:
            self._stop_timer()
            current = self._open
            known = current is not None and (current.job, current.file) == (task.job, task.file)
            if current is None or not known or not current.ticket.valid:
                self._close()
                current = self._opened(task)
            try:
                yield current.readings
            except BaseException:
                self._close()  # whatever state it is in
                raise
            self._timer = threading.Timer(KEEP_S, self._close_if_idle)
            self._timer.daemon = True
            self._timer.start()

    def cancel(self) -> None:
        """Stop what is being done with the open file, from another thread."""
        ticket = self._ticket
        if ticket is not None:
            ticket.cancel()

    def close(self) -> None:
        """Release the file that is open, once no task uses it."""
        with self._lock:
            self._stop_timer()
            self._close()

    def _opened(self, task: Task) -> _Open:
        ticket = self._ticket = Ticket()
        with ExitStack() as held:
            path = held.enter_context(source_file(self._jobs, task.job, task.file))
            readings = held.enter_context(
                self._ocr.open_pages(
                    StoredFile(path),
                    reading_options(task.request),
                    ticket=ticket,
                    limits=limits_of(self._jobs.settings),
                    background=True,
                )
            )
            self._open = _Open(task.job, task.file, readings, ticket, held.pop_all())
        return self._open

    def _close_if_idle(self) -> None:
        if self._lock.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._lock.release()

    def _close(self) -> None:
        current, self._open, self._ticket = self._open, None, None
        if current is not None:
            current.held.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
