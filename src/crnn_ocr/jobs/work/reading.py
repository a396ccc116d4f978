"""Reads the pages of a task, and reports each one as it is finished."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

from crnn_ocr.document import Page, Remark
from crnn_ocr.engine.page_readings import PageReading, PageReadings
from crnn_ocr.engine.text_pages import unexpected
from crnn_ocr.errors import ImageKilledWorkerError, OcrError, RequestCancelledError
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.files import page_key
from crnn_ocr.jobs.records import Problem, Task
from crnn_ocr.jobs.work.page_codec import encode_page
from crnn_ocr.jobs.work.tasks import keeps_chars, problem_of

_log = logging.getLogger(__name__)


def read_pages(
    jobs: Jobs, task: Task, readings: PageReadings, watch: Callable[[str], AbstractContextManager[None]]
) -> None:
    """Read the pages of a task; one that cannot be read costs none of the others.

    Args:
        jobs: The table and the files.
        task: The task.
        readings: Its opened file.
        watch: Returns a context in which the page with a key is read.

    Raises:
        RequestCancelledError: The job was cancelled, or the task was given to another worker.
        OcrError: An error that is not the page's own, such as a full disk.
    """
    chars = keeps_chars(task.request)
    for number in task.pages:
        begin(jobs, task, number)
        key = page_key(task.job, task.file, number)
        try:
            with watch(key):
                reading = read_page(readings, number)
        except ImageKilledWorkerError as error:
            reading = failed_reading(number, error)
        problem = None if reading.error is None else problem_of(reading.error)
        jobs.files.put(key, encode_page(reading, chars=chars))
        end(jobs, task, number, reading.elapsed_ms, problem)
    jobs.store.finish(task.lease)


def read_page(readings: PageReadings, number: int) -> PageReading:
    """Read a page; an engine that fails at it is an error of that page.

    Raises:
        OcrError: An error that is not the page's own.
    """
    try:
        return readings.read(number)
    except OcrError:
        raise
    except Exception as error:
        return failed_reading(number, unexpected(error))


def failed_reading(number: int, error: OcrError) -> PageReading:
    """Return the reading of a page of which nothing is known but why it could not be read."""
    return PageReading(unread_page(number, Problem(error.code, error.message)), None, frozenset(), error)


def unread_page(number: int, problem: Problem) -> Page:
    """Return the page for one of which nothing is known but why it could not be read."""
    warning = Remark("PAGE_UNREAD", f"Page {number} could not be read: {problem.message}")
    error = Remark(problem.code, problem.message)
    return Page(0, 0, warnings=(warning,), number=number, error=error)


def begin(jobs: Jobs, task: Task, number: int) -> None:
    """Report that a page is being read.

    Raises:
        RequestCancelledError: The lease is no longer held.
    """
    if not jobs.store.begin_page(task.lease, number):
        raise RequestCancelledError("The task was given to another worker.")


def end(jobs: Jobs, task: Task, number: int, elapsed_ms: float, problem: Problem | None) -> None:
    """Report that a page has been read.

    Raises:
        RequestCancelledError: The lease is no longer held.
    """
    if not jobs.store.end_page(task.lease, number, elapsed_ms=elapsed_ms, problem=problem):
        raise RequestCancelledError("The task was given to another worker.")
    if problem is not None:
        fields = {"job": task.job, "file": task.file, "page": number, "code": problem.code}
        _log.info("a page of a job failed", extra={"fields": fields})
