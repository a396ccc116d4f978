"""Changes a job and its tasks within a transaction of the SQLite table."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Self

from crnn_ocr.jobs.records import JobState, Problem, TaskKind
from crnn_ocr.jobs.tables.decisions import Remainder, final_state, following
from crnn_ocr.jobs.tables.encoding import (
    decode_problem,
    decode_request,
    encode,
    encode_problem,
    encode_request,
)


class Change:
    """A transaction's changes of one job, and of the task that it is about.

    Attributes:
        job: The job's row as it was before the changes.
        task: The task's row likewise.
        task_pages: Pages of the task that are still to be read.
    """

    task: sqlite3.Row

    def __init__(self, connection: sqlite3.Connection, job: sqlite3.Row, now: float) -> None:
        """Change a job at a time, in seconds since 1970."""
        self._connection = connection
        self._now = now
        self._number: int = job["number"]
        self.job = job
        self.task_pages: list[int] = []

    @classmethod
    def of_job(cls, connection: sqlite3.Connection, job: str, now: float) -> Self | None:
        """Return the change of a job; None if there is no such job."""
        row = connection.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone()
        return None if row is None else cls(connection, row, now)

    @classmethod
    def of_task(cls, connection: sqlite3.Connection, task: sqlite3.Row, now: float) -> Self:
        """Return the change of a task and its job."""
        row = connection.execute("SELECT * FROM jobs WHERE number = ?", (task["job"],)).fetchone()
        change = cls(connection, row, now)
        change.task = task
        change.task_pages = json.loads(task["pages"])
        return change

    # ---- queue -------------------------------------------------------------------------------------

    def add_tasks(self, kind: TaskKind, tasks: Iterable[tuple[int, Sequence[int]]]) -> None:
        """Add tasks behind those of the job, each a file and its pages."""
        (place,) = self._row("SELECT places FROM jobs WHERE number = ?")
        added = [(file, encode(list(pages))) for file, pages in tasks]
        self._wake()
        self._connection.executemany(
            "INSERT INTO tasks (job, place, kind, file, pages) VALUES (?, ?, ?, ?, ?)",
            [(self._number, place + 1 + at, kind, file, pages) for at, (file, pages) in enumerate(added)],
        )
        self._update("places = places + ?, waiting = waiting + ?", len(added), len(added))

    def give(self, lease: str, worker: str) -> None:
        """Give the task to a worker."""
        self._connection.execute(
            "UPDATE tasks SET lease = ?, worker = ?, beat = 0, begun = 0 WHERE number = ?",
            (lease, worker, self.task["number"]),
        )
        self._update("waiting = waiting - 1")
        if self.job["state"] == "queued":
            self._update("state = 'running', started = ?, sequence = sequence + 1", self._now)

    def give_back(self, *, attempt: int, delay_s: float) -> None:
        """Put the task back into the queue, at the place that it had."""
        self._wake()
        self._connection.execute(
            "UPDATE tasks SET lease = NULL, worker = NULL, attempt = ?, since = ?, until = ?"
            " WHERE number = ?",
            (attempt, self._now, self._now + delay_s, self.task["number"]),
        )
        self._update("waiting = waiting + 1")
        if attempt > self.task["attempt"]:
            self.count("retries")

    def replace_task(self, remainders: Sequence[Remainder]) -> None:
        """Put what is left of a `read` task back into the queue, at the place that it had."""
        self._wake()
        for remainder in remainders:
            self._connection.execute(
                "INSERT INTO tasks (job, place, kind, file, pages, attempt) VALUES (?, ?, 'read', ?, ?, ?)",
                (
                    self._number,
                    self.task["place"],
                    self.task["file"],
                    encode(remainder.pages),
                    remainder.attempt,
                ),
            )
            self.count("retries")
        added = len(remainders)
        self._update("waiting = waiting + ?, open_tasks = open_tasks + ?", added, added)
        self.end_task()

    def end_task(self) -> None:
        """Delete the task, and let follow what does."""
        self._connection.execute("DELETE FROM tasks WHERE number = ?", (self.task["number"],))
        if self.task["kind"] not in ("plan", "read"):
            return
        self._update("open_tasks = open_tasks - 1")
        job = self._row("SELECT open_tasks, files, files_failed FROM jobs WHERE number = ?")
        follows = following(job["open_tasks"], job["files"], job["files_failed"])
        if follows == "assemble":
            self.add_tasks("assemble", [(0, ())])
        elif follows == "failed":
            self._end_job("failed", self._first_problem())

    def _wake(self) -> None:
        """Let the job, and its owner, start at the virtual time if they have had nothing to do."""
        owner = self.job["owner"]
        self._connection.execute("INSERT OR IGNORE INTO owners VALUES (?, 0, 0)", (owner,))
        busy = self._connection.execute(
            "SELECT 1 FROM jobs WHERE owner = ? AND waiting > 0 LIMIT 1", (owner,)
        )
        if busy.fetchone() is None:
            self._connection.execute(
                "UPDATE owners SET tag = MAX(tag, (SELECT virtual FROM figures)) WHERE owner = ?", (owner,)
            )
        self._connection.execute(
            "UPDATE jobs SET tag = MAX(tag, (SELECT virtual FROM owners WHERE owner = ?))"
            " WHERE number = ? AND waiting = 0",
            (owner, self._number),
        )

    # ---- pages -------------------------------------------------------------------------------------

    def plan_file(self, tasks: Sequence[Sequence[int]]) -> None:
        """Record the pages of the task's file, and queue them."""
        file = self.task["file"]
        numbers = [number for pages in tasks for number in pages]
        sequence = self.job["sequence"]
        self._connection.executemany(
            "INSERT INTO pages (job, file, number, sequence) VALUES (?, ?, ?, ?)",
            [(self._number, file, number, sequence + 1 + at) for at, number in enumerate(numbers)],
        )
        self._connection.execute(
            "UPDATE files SET pages = ? WHERE job = ? AND number = ?", (len(numbers), self._number, file)
        )
        self._update(
            "files_planned = files_planned + 1, pages_total = pages_total + ?, sequence = sequence + ? + 1,"
            " open_tasks = open_tasks + ?",
            len(numbers),
            len(numbers),
            len(tasks),
        )
        self.add_tasks("read", [(file, pages) for pages in tasks])

    def running_pages(self) -> dict[int, int]:
        """Return the attempts of the task's pages that are being read, by page."""
        pages = [(page, self._page(page)) for page in self.task_pages]
        return {page: row["attempts"] for page, row in pages if row["state"] == "running"}

    def begin_page(self, page: int) -> None:
        """Count an attempt at a page that the task still has to read."""
        if page not in self.task_pages or self._page(page)["state"] != "queued":
            return
        self._update_page(page, "state = 'running', attempts = attempts + 1")
        self._update("pages_running = pages_running + 1")
        self._connection.execute("UPDATE tasks SET begun = 1 WHERE number = ?", (self.task["number"],))

    def end_page(self, page: int, *, elapsed_ms: float, problem: Problem | None) -> None:
        """Record the end of a page that the task still has to read."""
        if page not in self.task_pages:
            return
        self._end_page(page, elapsed_ms, problem)
        self.task_pages.remove(page)
        self._connection.execute(
            "UPDATE tasks SET pages = ?, begun = 1 WHERE number = ?",
            (encode(self.task_pages), self.task["number"]),
        )

    def requeue_pages(self, *, counted: bool) -> None:
        """Let the task's pages that were being read wait again.

        Args:
            counted: Whether what was done counts as an attempt.
        """
        for page in self.running_pages():
            self._update_page(page, "state = 'queued', attempts = attempts - ?", 0 if counted else 1)
            self._update("pages_running = pages_running - 1")

    def _end_page(self, page: int, elapsed_ms: float, problem: Problem | None) -> None:
        running = 1 if self._page(page)["state"] == "running" else 0
        state = "failed" if problem else "done"
        self._update_page(
            page,
            "state = ?, elapsed_ms = ?, problem = ?",
            state,
            0.0 if problem else elapsed_ms,
            encode_problem(problem) if problem else None,
        )
        self._update(f"pages_running = pages_running - ?, pages_{state} = pages_{state} + 1", running)

    def _page(self, page: int) -> Any:
        return self._row(
            "SELECT * FROM pages WHERE job = ? AND file = ? AND number = ?", self.task["file"], page
        )

    def _update_page(self, page: int, assignments: str, *values: Any) -> None:
        """Change a page, which is a change of the job."""
        self._update("sequence = sequence + 1")
        self._connection.execute(
            f"UPDATE pages SET {assignments}, sequence = (SELECT sequence FROM jobs WHERE number = ?)"  # noqa: S608
            " WHERE job = ? AND file = ? AND number = ?",
            (*values, self._number, self._number, self.task["file"], page),
        )

    # ---- ends --------------------------------------------------------------------------------------

    def give_up(self, problem: Problem) -> None:
        """End the task without its result, for good."""
        kind = self.task["kind"]
        if kind == "plan":
            self._connection.execute(
                "UPDATE files SET problem = ? WHERE job = ? AND number = ?",
                (encode_problem(problem), self._number, self.task["file"]),
            )
            self._update("files_failed = files_failed + 1, sequence = sequence + 1")
        for page in self.task_pages:
            self._end_page(page, 0.0, problem)
        self.end_task()
        if kind == "assemble":
            self._end_job("failed", problem)

    def end_assembled(self, problem: Problem | None) -> None:
        """End an `assemble` task, and its job with it.

        Args:
            problem: Why some formats could not be written; None if all were.
        """
        self.end_task()
        job = self._row("SELECT * FROM jobs WHERE number = ?")
        state = final_state(
            job["pages_done"], job["pages_failed"], job["files_failed"], formats_failed=problem is not None
        )
        self._end_job(state, self._first_problem() if state == "failed" else problem)

    def cancel(self) -> None:
        """End the job as it is; nobody holds its tasks any more."""
        sequence = self.job["sequence"]
        running = self._connection.execute(
            "SELECT file, number FROM pages WHERE job = ? AND state = 'running'", (self._number,)
        ).fetchall()
        self._connection.executemany(
            "UPDATE pages SET state = 'queued', sequence = ? WHERE job = ? AND file = ? AND number = ?",
            [(sequence + 1 + at, self._number, *page) for at, page in enumerate(running)],
        )
        self._update("sequence = sequence + ?, pages_running = 0, open_tasks = 0", len(running))
        self._drop_tasks()
        self._end("cancelled", None)
        self._forget_secrets()

    def expire(self) -> None:
        """Mark the finished job as expired, and delete its pages."""
        self._drop_tasks()
        self._connection.execute("DELETE FROM pages WHERE job = ?", (self._number,))
        self._update("state = 'expired', expired = ?, sequence = sequence + 1", self._now)
        self._forget_secrets()

    def count(self, figure: str) -> None:
        """Count something that has happened."""
        self._connection.execute(f"UPDATE figures SET {figure} = {figure} + 1")  # noqa: S608

    def _forget_secrets(self) -> None:
        kept = decode_request(self.job["request"]).without_secrets()
        self._update("request = ?", encode_request(kept))

    def _end_job(self, state: JobState, problem: Problem | None) -> None:
        self._end(state, problem)
        if decode_request(self.job["request"]).webhook is not None:
            self.add_tasks("notify", [(0, ())])

    def _end(self, state: JobState, problem: Problem | None) -> None:
        self._update(
            "state = ?, finished = ?, expires = ?, problem = ?, sequence = sequence + 1",
            state,
            self._now,
            self._now + decode_request(self.job["request"]).ttl_s,
            encode_problem(problem) if problem else None,
        )

    def _drop_tasks(self) -> None:
        self._connection.execute("DELETE FROM tasks WHERE job = ?", (self._number,))
        self._update("waiting = 0")

    def _first_problem(self) -> Problem | None:
        """Return why the first file failed or, if all could be opened, the first page."""
        query = "SELECT problem FROM {} WHERE job = ? AND problem IS NOT NULL ORDER BY {} LIMIT 1"
        found = self._row(query.format("files", "number")) or self._row(query.format("pages", "file, number"))
        return decode_problem(found["problem"]) if found else None

    def _row(self, query: str, *values: Any) -> Any:
        """Return the row of a query whose first parameter is the job."""
        return self._connection.execute(query, (self._number, *values)).fetchone()

    def _update(self, assignments: str, *values: Any) -> None:
        self._connection.execute(
            f"UPDATE jobs SET {assignments} WHERE number = ?",  # noqa: S608
            (*values, self._number),
        )
