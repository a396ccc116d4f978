"""Processes that are killed in the middle of what they do to the table of jobs."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from crnn_ocr.errors import JobsUnavailableError
from crnn_ocr.jobs.redis_store import RedisStore, connect
from crnn_ocr.jobs.sqlite_store import SqliteStore
from crnn_ocr.jobs.store import JobStore
from tests.caching.redis_server import RedisServer, running_redis
from tests.jobs.stores import create, new_job, planned, take

KILLED = [sys.executable, "-m", "tests.jobs.killed"]
LIMIT_S = 240
FILES = 3


def dump(path: Path) -> list[str]:
    """Return everything in the file, without changing it."""
    copy = path.with_name("copy.sqlite")
    for suffix in ("", "-wal"):
        with_suffix = Path(f"{path}{suffix}")
        if with_suffix.exists():
            shutil.copy(with_suffix, f"{copy}{suffix}")
    connection = sqlite3.connect(copy)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    lines = [*connection.iterdump()]
    connection.close()
    return lines


def prepared(path: Path, operation: str) -> str:
    """Make a table in which the operation has something to do; return what it is done to."""
    store = SqliteStore(path)
    subject = ""
    if operation in ("plan", "fail"):
        create(store, new_job())
        subject = take(store, "plan").lease
    elif operation not in ("create", "take"):
        job = planned(store, [[1, 2]])
        lease = take(store, "read").lease
        store.begin_page(lease, 1)
        if operation == "finish":
            store.end_page(lease, 1)
            store.end_page(lease, 2)
        if operation == "expire":
            store.cancel(job)
        subject = job if operation in ("cancel", "expire") else lease
    create(store, new_job("bob"))
    store.close()
    return subject


#: Instructions of SQLite's virtual machine until a process dies: most operations take some hundreds.
INSTRUCTIONS = (40, 90, 150, 400, 1_000_000)


@pytest.mark.parametrize(
    "operation", ["create", "take", "plan", "end_page", "finish", "fail", "revoke", "cancel", "expire"]
)
def test_a_change_happens_as_a_whole_or_not_at_all(tmp_path: Path, operation: str) -> None:
    whole = tmp_path / "whole.sqlite"
    subject = prepared(whole, operation)
    before = dump(whole)
    for number in INSTRUCTIONS:
        shutil.copy(whole, tmp_path / f"{number}.sqlite")
    command = [*KILLED, str(tmp_path), operation, subject, *map(str, INSTRUCTIONS)]
    done = subprocess.run(command, timeout=LIMIT_S, check=True, capture_output=True)
    ends = [int(line) for line in done.stdout.split()]
    for number, end in zip(INSTRUCTIONS, ends, strict=True):
        assert (dump(tmp_path / f"{number}.sqlite") == before) == (end == -signal.SIGKILL)
    assert ends[0] == -signal.SIGKILL
    assert ends[-1] == 0


class Crew:
    """Processes that work, and are killed and replaced."""

    def __init__(self, place: str, folder: Path) -> None:
        self._place = place
        self._folder = folder
        self._started = 0
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self._started += 1
        journal = self._folder / f"journal-{self._started}"
        self.processes.append(subprocess.Popen([*KILLED, "work", self._place, str(journal)]))

    def replace_one(self) -> None:
        oldest = self.processes.pop(0)
        oldest.kill()
        oldest.wait()
        self.start()

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def journal(self) -> Counter[str]:
        """Return how often each page's end was acknowledged."""
        lines = [path.read_text("utf-8").splitlines() for path in self._folder.glob("journal-*")]
        return Counter(line for part in lines for line in part)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path, "--appendonly", "yes") as server:
        yield server


def all_ended(store: JobStore, jobs: list[str]) -> bool:
    found = [store.get(job) for job in jobs]
    return all(job is not None and job.finished is not None for job in found)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_killed_workers_lose_nothing_and_do_nothing_twice(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    """Leases are revoked at random besides, so that living workers report with leases that are lost."""
    place = str(tmp_path / "jobs.sqlite")
    store: JobStore
    if kind == "sqlite":
        store = SqliteStore(Path(place))
    else:
        place = request.getfixturevalue("own_redis").url
        store = RedisStore(connect(place))
    jobs = [create(store, new_job(files=FILES)) for _ in range(3)]
    crew = Crew(place, tmp_path)
    for _ in range(3):
        crew.start()
    killed_at = 0
    deadline = time.monotonic() + LIMIT_S
    try:
        while not all_ended(store, jobs):
            assert time.monotonic() < deadline, store.counts()
            done = sum(crew.journal().values())
            if done > killed_at + 20:
                killed_at = done
                crew.replace_one()
                for beat in store.beats():  # those of the living, too
                    store.revoke(beat)
            elif store.counts().waiting_tasks == 0:  # what the dead hold, or nothing
                for beat in store.beats():
                    store.revoke(beat)
    finally:
        crew.stop()
    journal = crew.journal()
    assert max(journal.values()) == 1
    for job in jobs:
        found = store.get(job)
        assert found is not None
        assert found.pages_total == FILES * 8
        assert found.pages_done + found.pages_failed == FILES * 8
        assert len(store.pages(job)) == FILES * 8
    counts = store.counts()
    assert counts.waiting_tasks == 0
    assert store.beats() == []
    assert killed_at > 0
    store.close()


def test_a_killed_redis_forgets_nothing(own_redis: RedisServer) -> None:
    store = RedisStore(connect(own_redis.url))
    job = planned(store, [[page] for page in range(1, 31)])
    ended: list[int] = []
    for page in range(1, 31):
        task = take(store, "read")
        if page % 10 == 0:
            own_redis.stop()
            for ask in (lambda: store.take("w"), lambda: store.get(job), store.counts, store.beats):
                with pytest.raises(JobsUnavailableError) as refused:
                    ask()
                assert refused.value.retry_after
            with pytest.raises(JobsUnavailableError):
                store.create(new_job(), most_unfinished=9)
            own_redis.start()
            for _ in range(LIMIT_S * 10):
                try:
                    store.counts()
                    break
                except JobsUnavailableError:  # it reads its file
                    time.sleep(0.1)
        ended += [number for number in task.pages if store.end_page(task.lease, number)]
        assert store.finish(task.lease)
    assert sorted(ended) == list(range(1, 31))
    store.finish(take(store, "assemble").lease)
    found = store.get(job)
    assert found is not None
    assert (found.state, found.pages_done) == ("succeeded", 30)
    assert [made.id for made in store.jobs("ann")] == [job]
    store.close()


def test_a_copy_of_a_process_has_connections_of_its_own(tmp_path: Path) -> None:
    code = """
import os, sys
from dataclasses import replace
from pathlib import Path
from crnn_ocr.jobs.sqlite_store import SqliteStore
from tests.jobs.stores import create, new_job
store = SqliteStore(Path(sys.argv[1]))
create(store, new_job())
child = os.fork()
create(store, new_job("parent") if child else replace(new_job("child"), id="c"))
if child == 0:
    store.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
create(store, new_job())
print(len(store.jobs("ann")), len(store.jobs("child")), len(store.jobs("parent")))
"""
    path = tmp_path / "jobs.sqlite"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, timeout=LIMIT_S)
    assert done.stdout.split() == [b"2", b"1", b"1"], done.stderr
