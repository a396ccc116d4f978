"""What tasks of all kinds have in common: options, limits, and what an error means for a task."""

from __future__ import annotations

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
from crnn_ocr.jobs.records import JobRequest, Problem
from crnn_ocr.jobs.results import ALWAYS
from crnn_ocr.options import ReadOptions, parse_options
from crnn_ocr.settings import Settings

#: Seconds after which a task that failed for a reason that may pass is tried again.
RETRY_S = 10.0
#: Reasons that may pass: a full disk, a store that is away, a model that is being repaired.
_MAY_PASS = (JobStorageFullError, JobsUnavailableError, ModelBrokenError, OverloadedError)


def writers_of(request: JobRequest) -> dict[str, Writer]:
    """Return the formats that a job writes, by name; those that no longer exist are left out."""
    names = dict.fromkeys((*request.formats, *ALWAYS))
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


def problem_of(error: OcrError) -> Problem:
    """Return an error as it is recorded."""
    return Problem(error.code, error.message, error.hint)


def retry_after(error: OcrError) -> float | None:
    """Return the seconds after which to try again; None if that is of no use."""
    return RETRY_S if isinstance(error, _MAY_PASS) else None
