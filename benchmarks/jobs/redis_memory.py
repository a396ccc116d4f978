"""A Redis of its own for the simulation of jobs, and the memory that jobs take in it."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks.harness.ports import free_port
from crnn_ocr.jobs.records import JobRequest, NewJob, SourceFile
from crnn_ocr.jobs.redis_store import RedisStore, connect

_START_S = 20


@contextmanager
def redis(folder: str) -> Iterator[Any]:
    """Yield a client of a Redis of its own."""
    if shutil.which("redis-server") is None:
        raise SystemExit("redis-server is not installed")
    port = free_port()
    options = [
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "yes",
        "--dir",
        folder,
    ]
    with subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL) as process:
        client = connect(f"redis://127.0.0.1:{port}/0")
        deadline = time.monotonic() + _START_S
        while True:
            try:
                client.ping()
                break
            except OSError as error:
                raise SystemExit(f"Redis did not start: {error}") from None
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        try:
            yield client
        finally:
            client.close()
            process.kill()


def weigh(client: Any, pages: int, tasks: Sequence[Sequence[int]]) -> None:
    """Print the memory that Redis takes for jobs that wait, that have been read, and that have expired.

    Args:
        client: Of a Redis of its own.
        pages: Pages of all jobs together.
        tasks: The pages of each task of a job.
    """
    large = tasks[-1][-1]
    client.flushall()
    store = RedisStore(client)
    numbers = itertools.count()

    def used() -> int:
        return int(client.info("memory")["used_memory"])

    def fill(jobs: int, tasks: Sequence[Sequence[int]]) -> int:
        """Return the bytes that jobs of one file take once they are planned."""
        before = used()
        for _ in range(jobs):
            job = f"{next(numbers):032x}"
            store.create(NewJob(job, "a", JobRequest(), (SourceFile("scan.pdf", 1),)), most_unfinished=10**6)
        # All are planned before any is read, since tasks of equal jobs are taken in turn.
        for _ in range(jobs):
            task = store.take("worker")
            assert task is not None
            store.plan(task.lease, tasks)
        return used() - before

    def read() -> None:
        while (task := store.take("worker")) is not None:
            for page in task.pages:
                store.begin_page(task.lease, page)
                store.end_page(task.lease, page, elapsed_ms=212.5)
            store.finish(task.lease)

    jobs = pages // large
    print(f"Redis {client.info('server')['redis_version']}, bytes of memory:\n")
    print("| what | bytes a page | bytes a job |\n|---|---:|---:|")
    waiting = fill(jobs, tasks)
    print(
        f"| {pages} pages wait, in tasks of {len(tasks[0])} | {waiting / pages:.1f} | {waiting / jobs:.0f} |"
    )
    print(f"| all of Redis then | {used() / pages:.1f} | |")
    client.flushall()
    waiting = fill(20, [[page] for page in range(1, large + 1)])
    print(f"| tasks of one page | {waiting / 20 / large:.1f} | {waiting / 20:.0f} |")
    client.flushall()
    empty = used()
    fill(2, tasks)
    read()
    print(f"| read, assembled | {(used() - empty) / 2 / large:.1f} | {(used() - empty) / 2:.0f} |")
    client.flushall()
    empty = used()
    fill(1000, [[1]])
    read()
    print(f"| 1000 jobs of one page, assembled | | {(used() - empty) / 1000:.0f} |")
    while due := store.due(1e12):
        for job in due:
            store.expire(job)
    print(f"| those, expired | | {(used() - empty) / 1000:.0f} |\n")
