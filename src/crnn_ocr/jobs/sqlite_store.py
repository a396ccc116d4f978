"""Keeps the table of jobs in a SQLite file, for the threads and processes of one host.

Every method is one short transaction, so that the death of a process at any moment leaves a whole table.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from crnn_ocr.errors import IdempotencyKeyReusedError, TooManyJobsError
from crnn_ocr.jobs.records import FINISHED, Job, JobState, NewJob, PageRecord, Problem, Task
from crnn_ocr.jobs.store import Beat, JobCounts
from crnn_ocr.jobs.tables import sqlite_rows as rows
from crnn_ocr.jobs.tables.decisions import (
    RETRY_S,
    after_loss,
    checked_plan,
    cost_of,
    most_attempts,
    serve,
    worker_lost,
)
from crnn_ocr.jobs.tables.encoding import encode, encode_request
from crnn_ocr.jobs.tables.sqlite_changes import Change
from crnn_ocr.jobs.tables.sqlite_database import BUSY_S, Database

_DUE = 100


class SqliteStore:
    """The table in a file, see `JobStore`."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time, busy_s: float = BUSY_S) -> None:
        """Open the table, which is made if it does not exist.

        Args:
            path: Its file.
            clock: Returns seconds since 1970.
            busy_s: Seconds to wait for another process that writes.

        Raises:
            JobsUnavailableError: The file cannot be opened, is damaged or of a newer version.
            JobStorageFullError: The disk is full.
        """
        self._database = Database(path, busy_s=busy_s)
        self._clock = clock

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # ---- for clients -------------------------------------------------------------------------------

    def create(self, new: NewJob, *, most_unfinished: int) -> tuple[Job, bool]:
        """Create a job, see `JobStore.create`."""
        if not new.files:
            raise ValueError("a job has at least one file")
        with self._database.writing(durable=True) as connection:
            known = connection.execute(
                "SELECT * FROM jobs WHERE id = ? OR (owner = ? AND idempotency_key = ?)",
                (new.id, new.owner, new.idempotency_key),
            ).fetchone()
            if known is not None:
                if known["digest"] != new.digest:
                    raise IdempotencyKeyReusedError("This Idempotency-Key was used with another request.")
                return rows.job(connection, known), known["id"] == new.id
            unfinished = connection.execute(
                "SELECT COUNT(*) FROM jobs WHERE owner = ? AND state IN ('queued', 'running')", (new.owner,)
            ).fetchone()[0]
            if unfinished >= most_unfinished:
                raise TooManyJobsError(
                    f"There are {unfinished} unfinished jobs already.", retry_after=RETRY_S
                )
            number = connection.execute(
                "INSERT INTO jobs (id, owner, request, idempotency_key, digest, created, files, open_tasks)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    new.id,
                    new.owner,
                    encode_request(new.request),
                    new.idempotency_key,
                    new.digest,
                    self._clock(),
                    len(new.files),
                    len(new.files),
                ),
            ).lastrowid
            connection.executemany(
                "INSERT INTO files (job, number, name, size) VALUES (?, ?, ?, ?)",
                [(number, place, encode(file.name), file.size) for place, file in enumerate(new.files)],
            )
            change = Change.of_job(connection, new.id, self._clock())
            assert change is not None
            change.add_tasks("plan", [(file, ()) for file in range(len(new.files))])
            return rows.job_by_id(connection, new.id), True

    def get(self, job: str) -> Job | None:
        """Return a job, see `JobStore.get`."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone()
            return None if row is None else rows.job(connection, row)

    def jobs(self, owner: str, *, states: Sequence[JobState] = (), limit: int = 100) -> list[Job]:
        """Return the newest jobs of an owner, see `JobStore.jobs`."""
        chosen = f"AND state IN ({', '.join('?' * len(states))})" if states else ""
        with self._database.reading() as connection:
            found = connection.execute(
                f"SELECT * FROM jobs WHERE owner = ? {chosen} ORDER BY number DESC LIMIT ?",  # noqa: S608
                (owner, *states, limit),
            ).fetchall()
            return [rows.job(connection, row) for row in found]

    def pages(self, job: str, *, after: int = 0, limit: int = 1000) -> list[PageRecord]:
        """Return the pages of a job that changed, see `JobStore.pages`."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT * FROM pages WHERE job = (SELECT number FROM jobs WHERE id = ?) AND sequence > ?"
                " ORDER BY sequence LIMIT ?",
                (job, after, limit),
            ).fetchall()
        return [rows.page(row) for row in found]

    def page(self, job: str, file: int, number: int) -> PageRecord | None:
        """Return a page of a job, see `JobStore.page`."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT * FROM pages WHERE job = (SELECT number FROM jobs WHERE id = ?) AND file = ?"
                " AND number = ?",
                (job, file, number),
            ).fetchone()
        return None if found is None else rows.page(found)

    def cancel(self, job: str) -> bool:
        """Cancel a job, see `JobStore.cancel`."""
        with self._database.writing() as connection:
            change = Change.of_job(connection, job, self._clock())
            if change is None or change.job["state"] in FINISHED:
                return False
            change.cancel()
            return True

    def expire(self, job: str) -> None:
        """Mark a finished job as expired, see `JobStore.expire`."""
        with self._database.writing() as connection:
            change = Change.of_job(connection, job, self._clock())
            if change is not None and change.job["state"] in FINISHED - {"expired"}:
                change.expire()

    def due(self, now: float) -> list[str]:
        """Return jobs whose time is over, see `JobStore.due`."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT id FROM jobs WHERE expires IS NOT NULL AND expires <= ? AND expired IS NULL"
                " ORDER BY expires LIMIT ?",
                (now, _DUE),
            ).fetchall()
        return [row["id"] for row in found]

    def forget(self, before: float) -> None:
        """Delete the records of jobs that expired, see `JobStore.forget`."""
        with self._database.writing() as connection:
            gone = "(SELECT number FROM jobs WHERE expires IS NOT NULL AND expired < ?)"
            connection.execute(f"DELETE FROM files WHERE job IN {gone}", (before,))  # noqa: S608
            connection.execute("DELETE FROM jobs WHERE expires IS NOT NULL AND expired < ?", (before,))

    # ---- for workers -------------------------------------------------------------------------------

    def take(self, worker: str) -> Task | None:
        """Take the next task, see `JobStore.take`."""
        with self._database.reading() as connection:  # without a lock, as most calls find nothing
            if connection.execute("SELECT 1 FROM tasks WHERE lease IS NULL LIMIT 1").fetchone() is None:
                return None
        with self._database.writing() as connection:
            now = self._clock()
            task = _next(connection, now)
            if task is None:
                return None
            change = Change.of_task(connection, task, now)
            self._serve(connection, change)
            lease = secrets.token_hex(16)
            change.give(lease, worker)
            return rows.task(change.job, change.task, lease)

    @staticmethod
    def _serve(connection: sqlite3.Connection, change: Change) -> None:
        """Count what a job and its owner are given."""
        cost = cost_of(len(change.task_pages))
        owner = change.job["owner"]
        flow = connection.execute("SELECT * FROM owners WHERE owner = ?", (owner,)).fetchone()
        (virtual,) = connection.execute("SELECT virtual FROM figures").fetchone()
        virtual, owner_tag = serve(virtual, flow["tag"], cost)
        owner_virtual, tag = serve(flow["virtual"], change.job["tag"], cost)
        connection.execute("UPDATE figures SET virtual = ?", (virtual,))
        connection.execute(
            "UPDATE owners SET tag = ?, virtual = ? WHERE owner = ?", (owner_tag, owner_virtual, owner)
        )
        connection.execute("UPDATE jobs SET tag = ? WHERE number = ?", (tag, change.job["number"]))

    def beat(self, lease: str) -> bool:
        """Renew a lease, see `JobStore.beat`."""
        with self._database.writing() as connection:
            changed = connection.execute("UPDATE tasks SET beat = beat + 1 WHERE lease = ?", (lease,))
            return changed.rowcount > 0

    def plan(self, lease: str, tasks: Sequence[Sequence[int]]) -> bool:
        """End a `plan` task, see `JobStore.plan`."""
        planned = checked_plan(tasks)

        def change(change: Change) -> None:
            change.plan_file(planned)
            change.end_task()

        return self._report(lease, change, kinds=("plan",))

    def begin_page(self, lease: str, page: int) -> bool:
        """Count an attempt at a page, see `JobStore.begin_page`."""
        return self._report(lease, lambda change: change.begin_page(page), kinds=("read",))

    def end_page(
        self, lease: str, page: int, *, elapsed_ms: float = 0.0, problem: Problem | None = None
    ) -> bool:
        """Record the end of a page, see `JobStore.end_page`."""
        return self._report(
            lease,
            lambda change: change.end_page(page, elapsed_ms=elapsed_ms, problem=problem),
            kinds=("read",),
        )

    def finish(self, lease: str, *, problem: Problem | None = None) -> bool:
        """End a task, see `JobStore.finish`."""

        def change(change: Change) -> None:
            if change.task["kind"] == "assemble":
                change.end_assembled(problem)
            elif change.task_pages:  # a worker that leaves pages behind is as good as lost
                _lose(change)
            else:
                change.end_task()

        return self._report(lease, change, kinds=("read", "assemble", "notify"))

    def fail(self, lease: str, problem: Problem, *, retry_after_s: float | None = None) -> bool:
        """End a task without its result, see `JobStore.fail`."""

        def change(change: Change) -> None:
            attempt = change.task["attempt"]
            if retry_after_s is not None and attempt < most_attempts(change.task["kind"]):
                change.requeue_pages(counted=True)
                change.give_back(attempt=attempt + 1, delay_s=max(0.0, retry_after_s))
            else:
                change.give_up(problem)

        return self._report(lease, change)

    def release(self, lease: str) -> bool:
        """Give a task back, see `JobStore.release`."""

        def change(change: Change) -> None:
            change.requeue_pages(counted=False)
            change.give_back(attempt=change.task["attempt"], delay_s=0.0)

        return self._report(lease, change)

    def _report(
        self,
        lease: str,
        change: Callable[[Change], None],
        *,
        kinds: Sequence[str] = (),
        beat: int | None = None,
    ) -> bool:
        """Apply what a worker reports, if its lease is still held."""
        with self._database.writing() as connection:
            row = connection.execute("SELECT * FROM tasks WHERE lease = ?", (lease,)).fetchone()
            if row is None or (kinds and row["kind"] not in kinds):
                return False
            if beat is not None and row["beat"] != beat:
                return False
            change(Change.of_task(connection, row, self._clock()))
            return True

    # ---- for the watcher ---------------------------------------------------------------------------

    def beats(self) -> list[Beat]:
        """Return all leases that are held."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT lease, beat FROM tasks WHERE lease IS NOT NULL").fetchall()
        return [Beat(row["lease"], row["beat"]) for row in found]

    def revoke(self, beat: Beat) -> bool:
        """Give the task of a lost lease out again, see `JobStore.revoke`."""

        def change(change: Change) -> None:
            change.count("expired_leases")
            _lose(change)

        return self._report(beat.lease, change, beat=beat.count)

    def counts(self) -> JobCounts:
        """Return the figures of all jobs."""
        with self._database.reading() as connection:
            return rows.counts(connection, self._clock())


def _next(connection: sqlite3.Connection, now: float) -> Any:
    """Return the row of the task that is to be given out next; None without one."""
    owners = "SELECT owner FROM owners ORDER BY tag, owner"
    jobs = "SELECT number FROM jobs WHERE owner = ? AND waiting > 0 ORDER BY tag, number"
    tasks = (
        "SELECT * FROM tasks WHERE job = ? AND lease IS NULL AND NOT (since <= ? AND ? < until)"
        " ORDER BY place LIMIT 1"
    )
    for (owner,) in connection.execute(owners).fetchall():
        for (job,) in connection.execute(jobs, (owner,)):
            task = connection.execute(tasks, (job, now, now)).fetchone()
            if task is not None:
                return task
    return None


def _lose(change: Change) -> None:
    """Give out again what a lost worker left behind."""
    kind, attempt = change.task["kind"], change.task["attempt"]
    if kind != "read":
        if attempt < most_attempts(kind):
            change.give_back(attempt=attempt + 1, delay_s=0.0)
        else:
            change.give_up(worker_lost())
        return
    running = change.running_pages()
    waiting = [page for page in change.task_pages if page not in running]
    again, failed = after_loss(running, waiting, attempt, begun=bool(change.task["begun"]))
    for page in failed:
        change.end_page(page, elapsed_ms=0.0, problem=worker_lost())
    change.requeue_pages(counted=True)
    change.replace_task(again)
