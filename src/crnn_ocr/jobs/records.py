"""Defines the records of jobs: what was asked for, how far it is, and what a worker is to do next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

#: State of a job. `partial`: finished, and some pages, files or formats
#: failed. `expired`: its files are gone.
JobState = Literal["queued", "running", "succeeded", "partial", "failed", "cancelled", "expired"]
#: States in which nothing happens any more, but that the files expire.
FINISHED: frozenset[JobState] = frozenset({"succeeded", "partial", "failed", "cancelled", "expired"})
PageState = Literal["queued", "running", "done", "failed"]
#: `plan` counts the pages of a file, `read` reads some of them, `assemble` writes the files asked for, and
#: `notify` tells the webhook.
TaskKind = Literal["plan", "read", "assemble", "notify"]

#: Most attempts at a page, and at planning or assembling, before it fails with its last problem. From the
#: second on it is tried in a process of its own, so that no worker dies of it, whatever it is: a worker that
#: is lost then was killed for other reasons, as when a machine is restarted. With 3 attempts, 3 of 200 pages
#: failed while the whole service was killed every 20 s on a very busy machine.
MOST_ATTEMPTS = 8
#: Most attempts at telling a webhook, after which it is left alone.
MOST_DELIVERIES = 7

#: Reading options that are never shown, and are forgotten when the files of the job go.
SECRET_OPTIONS = frozenset({"password"})


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a page, a file or a job failed: code, message and hint of an `OcrError`."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that is to be read, whose content is in the file store.

    Attributes:
        name: Name that its sender gave it; only shown, and used in archives after cleaning.
        size: Bytes.
    """

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a client asks of a job.

    Attributes:
        options: The reading options that differ from their defaults, as `ReadOptions` takes them.
        formats: Names of the formats that are written at the end (`export.FORMATS`).
        webhook: URL that is told about the end; None for none.
        ttl_s: Seconds after the end of the job until its files are deleted.
    """

    options: dict[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    webhook: str | None = None
    ttl_s: float = 86_400.0

    def without_secrets(self) -> Self:
        """Return the request as it may be kept after the files of the job are gone."""
        shown = {name: value for name, value in self.options.items() if name not in SECRET_OPTIONS}
        return replace(self, options=shown)


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job that is to be created; its source files are in the file store already.

    Attributes:
        id: Its id, which nobody can guess (128 random bits, hexadecimal).
        owner: Name of the API key that makes it; "" without keys.
        request: What is asked for.
        files: Its source files.
        idempotency_key: What the client sent as `Idempotency-Key`; None for none.
        digest: SHA-256 of request and files, which tells a repeated request from another one with the same
            key.
    """

    id: str
    owner: str
    request: JobRequest
    files: tuple[SourceFile, ...]
    idempotency_key: str | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A source file of a job.

    Attributes:
        number: Its place in the job, from 0.
        name: Name that its sender gave it.
        size: Bytes.
        pages: Number of pages that are read; None until it has been planned.
        problem: Why it cannot be read at all; None if it can.
    """

    number: int
    name: str
    size: int
    pages: int | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its owner sees it. Times are seconds since 1970.

    Attributes:
        sequence: Grows with every change of the job or of its pages.
        position: Jobs ahead of a queued one; None otherwise.
        problem: Why the whole job failed, or a format could not be written; None otherwise.
    """

    id: str
    owner: str
    request: JobRequest
    state: JobState
    created: float
    started: float | None
    finished: float | None
    expires: float | None
    files: tuple[FileRecord, ...]
    pages_total: int | None
    pages_done: int
    pages_failed: int
    sequence: int
    position: int | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class PageRecord:
    """A page of a job.

    Attributes:
        file: Number of its file in the job, from 0.
        number: Its number in the file, from 1.
        state: How far it is.
        attempts: How often it has been begun.
        sequence: The job's `sequence` when this page last changed.
        problem: Why it failed; None if it did not.
        elapsed_ms: Time that reading it took, in milliseconds; 0 until it is done.
    """

    file: int
    number: int
    state: PageState
    attempts: int
    sequence: int
    problem: Problem | None = None
    elapsed_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work that a worker has taken, and holds as long as it renews its lease.

    Attributes:
        job: Id of its job.
        lease: Id of the lease; every change that the worker reports names it.
        kind: What is to be done.
        request: What the job's client asked for.
        owner: The job's owner.
        file: Number of the file; 0 for `assemble` and `notify`.
        pages: Numbers of the pages that are still to be read, ascending; empty unless it is a `read` task.
        attempt: 1 for the first attempt. From the second on a worker was lost, so that the pages are read in
            a process of their own.
    """

    job: str
    lease: str
    kind: TaskKind
    request: JobRequest
    owner: str
    file: int = 0
    pages: tuple[int, ...] = ()
    attempt: int = 1
