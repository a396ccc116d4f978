"""Run as a process of its own: `operation` dies in the middle of one, `work` works until it is killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crnn_ocr.jobs.records import JobRequest, NewJob, Problem, SourceFile
from crnn_ocr.jobs.redis_store import RedisStore, connect
from crnn_ocr.jobs.sqlite_store import SqliteStore
from crnn_ocr.jobs.store import Beat, JobStore

PROBLEM = Problem("CODE", "message")
NEW = NewJob("f" * 32, "ann", JobRequest(), (SourceFile("a", 1), SourceFile("b", 2)), "key", "digest")


def opened(place: str) -> JobStore:
    return RedisStore(connect(place)) if place.startswith("redis:") else SqliteStore(Path(place))


def operation(place: str, name: str, subject: str, instructions: int) -> None:
    """Do something with a job or a lease, and die after so many instructions of SQLite's virtual machine."""
    connect_to = sqlite3.connect
    store = SqliteStore(Path(place))

    def deadly(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect_to(*args, **kwargs)
        connection.set_progress_handler(lambda: os.kill(os.getpid(), signal.SIGKILL), instructions)
        return connection

    store._database._idle.clear()
    sqlite3.connect = deadly  # type: ignore[assignment]
    operations: dict[str, Callable[[], object]] = {
        "create": lambda: store.create(NEW, most_unfinished=9),
        "take": lambda: store.take("worker"),
        "plan": lambda: store.plan(subject, [[1, 2, 3], [4, 5]]),
        "end_page": lambda: store.end_page(subject, 1),
        "finish": lambda: store.finish(subject),
        "fail": lambda: store.fail(subject, PROBLEM),
        "revoke": lambda: store.revoke(Beat(subject, 0)),
        "cancel": lambda: store.cancel(subject),
        "expire": lambda: store.expire(subject),
    }
    operations[name]()


def in_copies(folder: str, name: str, subject: str, *instructions: int) -> None:
    """Let a copy of this process do the operation to each file, and print how it ended."""
    for number in instructions:
        child = os.fork()
        if child == 0:
            operation(f"{folder}/{number}.sqlite", name, subject, number)
            os._exit(0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")


def work(place: str, journal: str) -> None:
    """Take tasks and do them; write into a journal what was acknowledged."""
    store = opened(place)
    with Path(journal).open("a", encoding="utf-8", buffering=1) as lines:
        while True:
            task = store.take(f"process {os.getpid()}")
            if task is None:
                continue
            if task.kind == "plan":
                store.plan(task.lease, [[1, 2, 3], [4], [5, 6, 7, 8]])
                continue
            for page in task.pages:
                store.begin_page(task.lease, page)
                store.beat(task.lease)
                if store.end_page(task.lease, page, elapsed_ms=1):
                    lines.write(f"{task.job} {task.file} {page}\n")
            store.finish(task.lease)


if __name__ == "__main__":
    if sys.argv[1] == "work":
        work(*sys.argv[2:])
    else:
        in_copies(sys.argv[1], sys.argv[2], sys.argv[3], *map(int, sys.argv[4:]))
