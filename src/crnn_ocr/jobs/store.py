"""Defines what a store of jobs does: the table of jobs and pages, and the queue of their tasks.

`sqlite_store` keeps it in a file for the processes of one host, `redis_store` in Redis for many hosts. Both
pass the same tests (`tests/jobs/test_stores.py`).

A worker *takes* a task, and holds it by a lease as long as it *beats*. A lease is lost when its beat has not
changed for `LEASE_S` seconds **of the watcher's own monotonic clock**: neither a clock that jumps nor clocks
that differ between hosts matter. Whatever a worker reports with a lease that is no longer its own changes
nothing, so a task that was given to another worker is never counted twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from crnn_ocr.jobs.records import Job, JobState, NewJob, PageRecord, Problem, Task

#: Seconds between two beats of a worker, in which it learns that its job has been cancelled.
BEAT_S = 0.5
#: Seconds without a beat after which a task is given to another worker.
LEASE_S = 8.0


@dataclass(frozen=True, slots=True)
class Beat:
    """A lease and the number of beats that its worker has given."""

    lease: str
    count: int


@dataclass(frozen=True, slots=True)
class JobCounts:
    """Figures of all jobs, for metrics.

    Attributes:
        jobs: Number of jobs by state.
        pages: Number of pages of unfinished jobs by state.
        waiting_tasks: Tasks that could be taken now.
        oldest: When the oldest unfinished job was created, in seconds since 1970; None without one.
        expired_leases: Leases that were lost, ever.
        retries: Tasks that were given out again, ever.
    """

    jobs: Mapping[JobState, int]
    pages: Mapping[str, int]
    waiting_tasks: int
    oldest: float | None
    expired_leases: int
    retries: int


class JobStore(Protocol):
    """Table of jobs and queue of their tasks; safe to use from several threads and processes.

    Every method raises `JobsUnavailableError` if the store cannot be reached or written.
    """

    # ---- for clients -------------------------------------------------------------------------------

    def create(self, new: NewJob, *, most_unfinished: int) -> tuple[Job, bool]:
        """Create a job with one `plan` task per file.

        Returns:
            The job, and whether it is the new one: a request that is repeated with its idempotency key gives
            the job that it made before. A job that is created again with its own id, because the answer was
            lost, is made once, and is the new one both times.

        Raises:
            TooManyJobsError: The owner has that many unfinished jobs.
            IdempotencyKeyReusedError: The key was used with another request.
        """

    def get(self, job: str) -> Job | None:
        """Return a job; None if there is no such job (any more)."""

    def jobs(self, owner: str, *, states: Sequence[JobState] = (), limit: int = 100) -> list[Job]:
        """Return the newest jobs of an owner, the newest first."""

    def pages(self, job: str, *, after: int = 0, limit: int = 1000) -> list[PageRecord]:
        """Return the pages of a job that changed after a sequence number, in the order of their changes."""

    def page(self, job: str, file: int, number: int) -> PageRecord | None:
        """Return a page of a job, however many pages there are; None if there is no such page (any more)."""

    def cancel(self, job: str) -> bool:
        """Cancel a job; return False if it was finished already. Its workers learn it by their next beat.

        The secret options of its request are forgotten at once.
        """

    def expire(self, job: str) -> None:
        """Mark a finished job as expired; its files must be deleted first. It is forgotten a day later.

        Its pages, the secret options of its request, and a webhook that has not been told yet, are forgotten
        at once.
        """

    def due(self, now: float) -> list[str]:
        """Return the ids of finished jobs whose time to live is over, at most 100.

        Args:
            now: Seconds since 1970.
        """

    def forget(self, before: float) -> None:
        """Delete the records of jobs that expired before that time, in seconds since 1970."""

    # ---- for workers -------------------------------------------------------------------------------

    def take(self, worker: str) -> Task | None:
        """Take the next task; None if there is none now.

        Unfinished jobs share the workers fairly, whatever their size: next is the job that has been served
        least since it came (as `scheduling.policy` does it among requests). Within a job tasks keep their
        order: what is planned first is read first.

        Args:
            worker: Name of the worker, for people who look into the table.
        """

    def beat(self, lease: str) -> bool:
        """Renew a lease; return False if the job is cancelled or the lease lost: the worker then stops."""

    def plan(self, lease: str, tasks: Sequence[Sequence[int]]) -> bool:
        """End a `plan` task: its file has these pages, each inner sequence being one `read` task.

        Returns:
            Whether the lease was still held; otherwise nothing changes. So it is below.
        """

    def begin_page(self, lease: str, page: int) -> bool:
        """Say that a page is being read, before it is: its attempts are counted even if the worker dies."""

    def end_page(
        self, lease: str, page: int, *, elapsed_ms: float = 0.0, problem: Problem | None = None
    ) -> bool:
        """Say that a page has been read, and its content is in the file store, or that it has failed."""

    def finish(self, lease: str, *, problem: Problem | None = None) -> bool:
        """End a task. After the last `read` task of a job follows `assemble`, after that `notify`.

        `assemble` ends the job: as `succeeded`, as `partial` if some pages, files or formats failed, as
        `failed` if all pages or files did. A job whose files all failed while they were planned ends without
        `assemble`. Pages that a `read` task leaves behind are given out again, as if its worker had been
        lost.

        Args:
            lease: The lease.
            problem: Why `assemble` could not write some of the formats, which the job then tells; None if it
                wrote all of them.
        """

    def fail(self, lease: str, problem: Problem, *, retry_after_s: float | None = None) -> bool:
        """End a task without its result.

        Args:
            lease: The lease.
            problem: The reason.
            retry_after_s: Seconds after which the task is given out again, unless it has had
                `MOST_ATTEMPTS` (`notify`: `MOST_DELIVERIES`); None to give up at once. Given up, a
                `plan` fails its file, a `read` its unfinished pages, an `assemble` its job; a `notify`
                changes nothing.
        """

    def release(self, lease: str) -> bool:
        """Give a task back, as a worker does that is told to stop; it does not count as an attempt."""

    # ---- for the watcher ---------------------------------------------------------------------------

    def beats(self) -> list[Beat]:
        """Return all leases that are held."""

    def revoke(self, beat: Beat) -> bool:
        """Give the task of a lease out again if its beat is still that one.

        A page that was being read has had an attempt; one with `MOST_ATTEMPTS` fails as `JOB_WORKER_LOST`,
        and a task without pages likewise. A `read` task with several pages is split, so that each page that
        was being read is a task of its own. The other pages keep the task's attempt, unless no page had been
        begun: then all of them are given out with an attempt more, or fail after `MOST_ATTEMPTS`.
        """

    def counts(self) -> JobCounts:
        """Return the figures of all jobs."""

    def close(self) -> None:
        """Release connections."""
