"""Defines the server's answers about jobs as frozen dataclasses. What newer servers add is ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crnn_ocr.jobs.records import FINISHED, Problem


@dataclass(frozen=True, slots=True)
class JobFile:
    """A file of a job.

    Attributes:
        number: Its place in the job, from 0.
        name: The name that it was sent with.
        size: Bytes.
        pages: Pages that are read of it; None until they have been counted.
        error: Why it cannot be read at all; None if it can.
    """

    number: int
    name: str
    size: int
    pages: int | None
    error: Problem | None


@dataclass(frozen=True, slots=True)
class JobStatus:
    """How far a job is.

    Attributes:
        id: Its id.
        state: "queued", "running", "succeeded", "partial" (some pages, files or formats failed), "failed",
            "cancelled" or "expired" (its files are deleted); a newer server may have others.
        created: When it was created.
        started: When work on it began; None if it has not.
        finished: When it ended; None if it has not.
        expires: When its files will be deleted; None until it has ended.
        formats: Formats in which its result can be had.
        files: Its files.
        pages_total: Pages of all files; None until all have been counted.
        pages_done: Pages that have been read.
        pages_failed: Pages that could not be read.
        position: Jobs ahead of it while it is queued; otherwise None.
        sequence: Grows with every change of the job or one of its pages.
        error: Why the whole job failed; None if it has not.
    """

    id: str
    state: str
    created: datetime
    started: datetime | None
    finished: datetime | None
    expires: datetime | None
    formats: tuple[str, ...]
    files: tuple[JobFile, ...]
    pages_total: int | None
    pages_done: int
    pages_failed: int
    position: int | None
    sequence: int
    error: Problem | None

    @property
    def is_finished(self) -> bool:
        """Whether nothing happens any more."""
        return self.state in FINISHED

    @property
    def has_result(self) -> bool:
        """Whether its result can be fetched."""
        return self.state in ("succeeded", "partial")


@dataclass(frozen=True, slots=True)
class JobPage:
    """How far a page of a job is.

    Attributes:
        file: Number of its file in the job, from 0.
        number: Its number in the file, from 1.
        state: "queued", "running", "done" or "failed".
        attempts: How often it has been begun.
        sequence: The job's `sequence` when it last changed.
        elapsed_ms: Time that reading it took, in milliseconds; 0 until then.
        error: Why it could not be read; None if it could.
    """

    file: int
    number: int
    state: str
    attempts: int
    sequence: int
    elapsed_ms: float
    error: Problem | None


@dataclass(frozen=True, slots=True)
class JobResult:
    """A file with a result.

    Attributes:
        name: Name under which the server would save it; without folders.
        media_type: What it is, such as "application/pdf"; "application/zip" for several files.
        content: Its bytes.
    """

    name: str
    media_type: str
    content: bytes


def parse_job(body: Mapping[str, Any]) -> JobStatus:
    """Convert a job in an answer.

    Raises:
        KeyError, TypeError, ValueError: It is not such a body.
    """
    return JobStatus(
        id=str(body["id"]),
        state=str(body["state"]),
        created=datetime.fromisoformat(body["created"]),
        started=_time(body["started"]),
        finished=_time(body["finished"]),
        expires=_time(body["expires"]),
        formats=tuple(body["formats"]),
        files=tuple(
            JobFile(entry["number"], entry["name"], entry["size"], entry["pages"], _problem(entry["error"]))
            for entry in body["files"]
        ),
        pages_total=body["pages_total"],
        pages_done=body["pages_done"],
        pages_failed=body["pages_failed"],
        position=body["position"],
        sequence=int(body["sequence"]),
        error=_problem(body["error"]),
    )


def parse_jobs(body: Mapping[str, Any]) -> tuple[JobStatus, ...]:
    """Convert the body of an answer to `GET /jobs`.

    Raises:
        KeyError, TypeError, ValueError: It is not such a body.
    """
    return tuple(parse_job(entry) for entry in body["jobs"])


def parse_pages(body: Mapping[str, Any]) -> tuple[tuple[JobPage, ...], int]:
    """Convert the body of an answer to `GET /jobs/{id}/pages`; return the pages, and where to go on.

    Raises:
        KeyError, TypeError, ValueError: It is not such a body.
    """
    pages = tuple(
        JobPage(
            entry["file"],
            entry["number"],
            str(entry["state"]),
            entry["attempts"],
            entry["sequence"],
            float(entry["elapsed_ms"]),
            _problem(entry["error"]),
        )
        for entry in body["pages"]
    )
    return pages, int(body["next"])


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _problem(detail: Mapping[str, str] | None) -> Problem | None:
    return None if detail is None else Problem(detail["code"], detail["message"], detail.get("hint", ""))
