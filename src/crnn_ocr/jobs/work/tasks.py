"""What tasks of all kinds have in common: options, limits, and what an error means for a task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from crnn_ocr.errors import (
    JobStorageFullError,
    JobsUnavailableError,
    ModelBrokenError,
    OcrError,
    OverloadedError,
)
from crnn_ocr.export import FORMATS, Writer
from crnn_ocr.export.files import layout_for
from crnn_ocr.imaging.limits import Limits
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.files import source_key
from crnn_ocr.jobs.records import JobRequest, Problem
from crnn_ocr.jobs.results import ALWAYS
from crnn_ocr.options import ReadOptions, parse_options
from crnn_ocr.settings import Settings

#: Seconds after which a task that failed for a reason that may pass is tried again for the first time; they
#: double with every attempt, up to `LONGEST_RETRY_S`. So eight attempts outlast a store that is away for a
#: quarter of an hour.
RETRY_S = 10.0
LONGEST_RETRY_S = 300.0
#: Reasons that may pass: a full disk, a store that is away, a model that is being repaired.
_MAY_PASS = (JobStorageFullError, JobsUnavailableError, ModelBrokenError, OverloadedError)


def writers_of(request: JobRequest) -> dict[str, Writer]:
    """Return the formats that a job writes, by name, first those of every job; unknown ones are left out."""
    names = dict.fromkeys((*ALWAYS, *request.formats))
    return {name: FORMATS[name] for name in names if name in FORMATS}


def reading_options(request: JobRequest) -> ReadOptions:
    """Return how the pages of a job are read.

    Raises:
        InvalidOptionError: An option is unknown to this version.
    """
    return parse_options(request.options).with_layout(layout_for(writers_of(request).values()))


def keeps_chars(request: JobRequest) -> bool:
    """Return whether a format of the job writes what only single characters tell."""
    return any(writer.needs_chars for writer in writers_of(request).values())


def limits_of(settings: Settings) -> Limits:
    """Return the limits of a file of a job."""
    return Limits(
        max_bytes=settings.jobs_max_file_bytes,
        max_pixels=settings.max_pixels,
        max_side=settings.max_side,
        max_pages=settings.jobs_max_pages,
        max_text_pages=settings.jobs_max_pages,
    )


@contextmanager
def source_file(jobs: Jobs, job: str, file: int) -> Iterator[Path]:
    """Yield a path at which a file of a job can be read while the block runs.

    Raises:
        JobsUnavailableError: It is missing, or the store of files cannot be reached.
    """
    with ExitStack() as held:
        try:
            path = held.enter_context(jobs.files.local(source_key(job, file)))
        except KeyError:
            raise JobsUnavailableError("The file of this job is missing.") from None
        yield path


def problem_of(error: OcrError) -> Problem:
    """Return an error as it is recorded."""
    return Problem(error.code, error.message, error.hint)


def may_pass(error: OcrError) -> bool:
    """Return whether it is of use to try again."""
    return isinstance(error, _MAY_PASS)


def wait_after(attempt: int) -> float:
    """Return the seconds between an attempt, counted from 1, that failed and the next one."""
    return float(min(LONGEST_RETRY_S, RETRY_S * 2 ** (attempt - 1)))
