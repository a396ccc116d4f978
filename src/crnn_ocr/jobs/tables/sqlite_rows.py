"""Reads records of jobs out of rows of the SQLite table."""

from __future__ import annotations

import json
import sqlite3

from crnn_ocr.jobs.records import FileRecord, Job, PageRecord, Task
from crnn_ocr.jobs.store import JobCounts
from crnn_ocr.jobs.tables.encoding import decode_problem, decode_request


def job_by_id(connection: sqlite3.Connection, job_id: str) -> Job:
    """Return a job that exists."""
    return job(connection, connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone())


def job(connection: sqlite3.Connection, row: sqlite3.Row) -> Job:
    """Return the job of a row, with its files."""
    position = None
    if row["state"] == "queued":
        (position,) = connection.execute(
            "SELECT COUNT(*) FROM jobs WHERE state = 'queued' AND number < ?", (row["number"],)
        ).fetchone()
    files = connection.execute("SELECT * FROM files WHERE job = ? ORDER BY number", (row["number"],))
    planned = row["files_planned"] + row["files_failed"] == row["files"]
    return Job(
        id=row["id"],
        owner=row["owner"],
        request=decode_request(row["request"]),
        state=row["state"],
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
        expires=row["expires"],
        files=tuple(
            FileRecord(
                file["number"],
                json.loads(file["name"]),
                file["size"],
                file["pages"],
                decode_problem(file["problem"]),
            )
            for file in files
        ),
        pages_total=row["pages_total"] if planned else None,
        pages_done=row["pages_done"],
        pages_failed=row["pages_failed"],
        sequence=row["sequence"],
        position=position,
        problem=decode_problem(row["problem"]),
    )


def page(row: sqlite3.Row) -> PageRecord:
    """Return the page of a row."""
    return PageRecord(
        file=row["file"],
        number=row["number"],
        state=row["state"],
        attempts=row["attempts"],
        sequence=row["sequence"],
        problem=decode_problem(row["problem"]),
        elapsed_ms=row["elapsed_ms"],
    )


def task(job_row: sqlite3.Row, row: sqlite3.Row, lease: str) -> Task:
    """Return the task of a row, taken under a lease."""
    return Task(
        job=job_row["id"],
        lease=lease,
        kind=row["kind"],
        request=decode_request(job_row["request"]),
        owner=job_row["owner"],
        file=row["file"],
        pages=tuple(json.loads(row["pages"])),
        attempt=row["attempt"],
    )


def counts(connection: sqlite3.Connection, now: float) -> JobCounts:
    """Return the figures of all jobs."""
    jobs = connection.execute("SELECT state, COUNT(*) FROM jobs GROUP BY state").fetchall()
    total, running, done, failed, oldest = connection.execute(
        "SELECT TOTAL(pages_total), TOTAL(pages_running), TOTAL(pages_done), TOTAL(pages_failed),"
        " MIN(created) FROM jobs WHERE state IN ('queued', 'running')"
    ).fetchone()
    (waiting,) = connection.execute(
        "SELECT COUNT(*) FROM tasks WHERE lease IS NULL AND NOT (since <= ? AND ? < until)", (now, now)
    ).fetchone()
    figures = connection.execute("SELECT * FROM figures").fetchone()
    return JobCounts(
        jobs=dict(jobs),
        pages={
            "queued": int(total - running - done - failed),
            "running": int(running),
            "done": int(done),
            "failed": int(failed),
        },
        waiting_tasks=waiting,
        oldest=oldest,
        expired_leases=figures["expired_leases"],
        retries=figures["retries"],
    )
