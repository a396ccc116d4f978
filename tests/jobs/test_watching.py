"""The watcher: leases by its own clock alone, and nothing kept longer than it should be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crnn_ocr.errors import JobStorageFullError, JobsUnavailableError
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.files import result_key, source_key
from crnn_ocr.jobs.records import MOST_ATTEMPTS
from crnn_ocr.jobs.store import LEASE_S, Beat
from crnn_ocr.jobs.work.watcher import FORGET_S, LOOK_S, ORPHAN_S, PURGE_S, Watcher
from tests.jobs.stores import Clock
from tests.jobs.working import opened, record, submitted


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    found = opened(tmp_path / "jobs")
    yield found
    found.store.close()


def looked(watcher: Watcher, clock: Clock, seconds: float) -> None:
    """Look as often as the thread does for so many seconds."""
    for _ in range(round(seconds / LOOK_S)):
        clock.now += LOOK_S
        watcher.look()


def test_a_lease_that_does_not_beat_is_lost_by_the_watchers_clock(jobs: Jobs) -> None:
    clock = Clock()
    watcher = Watcher(jobs, clock=clock)
    job = submitted(jobs, ("a", b"content"))
    task = jobs.store.take("dead")
    assert task is not None
    looked(watcher, clock, LEASE_S)
    assert jobs.store.beat(task.lease)  # still held
    looked(watcher, clock, LEASE_S)
    assert jobs.store.beat(task.lease)
    looked(watcher, clock, LEASE_S + 2 * LOOK_S)
    assert not jobs.store.beat(task.lease)
    again = jobs.store.take("alive")
    assert again is not None
    assert (again.job, again.kind, again.attempt) == (job, "plan", 2)


def test_a_wall_clock_that_jumps_takes_no_lease(jobs: Jobs) -> None:
    clock, today = Clock(), Clock()
    watcher = Watcher(jobs, clock=clock, today=today)
    submitted(jobs, ("a", b"content"))
    task = jobs.store.take("alive")
    assert task is not None
    for jump in (1e6, -2e6, 1e7):
        today.now += jump
        watcher.look()
        clock.now += LOOK_S
    assert jobs.store.beat(task.lease)


def test_a_table_that_was_away_takes_no_lease(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    watcher = Watcher(jobs, clock=clock)
    submitted(jobs, ("a", b"content"))
    task = jobs.store.take("alive")
    assert task is not None
    looked(watcher, clock, LEASE_S / 2)

    def away() -> list[Beat]:
        raise JobsUnavailableError("away")

    with monkeypatch.context() as broken:
        broken.setattr(jobs.store, "beats", away)
        clock.now += LEASE_S
        with pytest.raises(JobsUnavailableError):
            watcher.look()
    clock.now += LEASE_S  # the worker could not tell that it lives
    watcher.look()
    assert jobs.store.beat(task.lease)
    looked(watcher, clock, 2 * LEASE_S)
    assert not jobs.store.beat(task.lease), "it is watched anew"


def test_many_watchers_count_a_loss_once(jobs: Jobs) -> None:
    clock = Clock()
    watchers = [Watcher(jobs, clock=clock) for _ in range(3)]
    submitted(jobs, ("a", b"content"))
    assert jobs.store.take("dead") is not None
    for _ in range(round(LEASE_S) + 3):
        clock.now += LOOK_S
        for watcher in watchers:
            watcher.look()
    assert jobs.store.counts().expired_leases == 1


def test_workers_that_always_die_fail_the_file_with_a_reason(jobs: Jobs) -> None:
    clock = Clock()
    watcher = Watcher(jobs, clock=clock)
    job = submitted(jobs, ("a", b"content"))
    for _ in range(MOST_ATTEMPTS):
        assert jobs.store.take("dead") is not None
        looked(watcher, clock, LEASE_S + 2 * LOOK_S)
    found = record(jobs, job)
    assert found.state == "failed"
    assert found.files[0].problem is not None
    assert found.files[0].problem.code == "JOB_WORKER_LOST"


def test_what_is_over_is_deleted_and_later_forgotten(tmp_path: Path) -> None:
    clock, today = Clock(), Clock()
    jobs = opened(tmp_path / "jobs", clock=today)
    watcher = Watcher(jobs, clock=clock, today=today)
    job = submitted(jobs, ("a", b"content"))
    jobs.store.cancel(job)
    expires = record(jobs, job).expires
    assert expires is not None

    def at(seconds: float) -> None:
        today.now = seconds
        clock.now += PURGE_S
        watcher.look()

    at(expires - 1)
    assert jobs.files.get(source_key(job, 0)) == b"content"
    at(expires + 1)
    assert record(jobs, job).state == "expired"
    assert jobs.files.job_ids() == []
    at(expires + FORGET_S)
    assert record(jobs, job).state == "expired"
    at(expires + FORGET_S + 2)
    assert jobs.store.get(job) is None


@pytest.mark.parametrize("which", ["files", "table"])
def test_a_job_that_cannot_be_deleted_does_not_keep_the_others(
    tmp_path: Path, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, today = Clock(), Clock()
    jobs = opened(tmp_path / "jobs", clock=today)
    watcher = Watcher(jobs, clock=clock, today=today)
    made = [submitted(jobs, ("a", b"content")) for _ in range(4)]
    for job in made:
        jobs.store.cancel(job)
    jobs.files.put(source_key("f" * 32, 0), b"half an upload")
    watcher.look()
    today.now += 100 * FORGET_S
    clock.now += 100 * FORGET_S
    owner: object = jobs.files if which == "files" else jobs.store
    name = "delete_job" if which == "files" else "expire"
    delete = getattr(owner, name)

    def failing(job: str) -> None:
        if job in made[:2]:
            raise JobStorageFullError("The disk is full.")
        delete(job)

    with monkeypatch.context() as broken:
        broken.setattr(owner, name, failing)
        watcher.look()
    assert [record(jobs, job).state for job in made] == ["cancelled"] * 2 + ["expired"] * 2
    assert jobs.files.job_ids() == (sorted(made[:2]) if which == "files" else [])
    clock.now += PURGE_S
    watcher.look()
    assert [record(jobs, job).state for job in made] == ["expired"] * 4
    assert jobs.files.job_ids() == []


def test_files_that_are_away_do_not_hold_up_the_watch(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    watcher = Watcher(jobs, clock=clock, today=lambda: 1e12)
    for _ in range(3):
        jobs.store.cancel(submitted(jobs, ("a", b"content")))
    tried: list[str] = []

    def silent(job: str) -> None:
        tried.append(job)
        clock.now += LEASE_S
        raise JobsUnavailableError("The bucket does not answer.")

    monkeypatch.setattr(jobs.files, "delete_job", silent)
    with pytest.raises(JobsUnavailableError):
        watcher.look()
    assert len(tried) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"jobs_quota_bytes": 2**40, "jobs_max_file_bytes": 2**32},
        {"jobs_max_files": 1, "jobs_max_file_bytes": 1024},
        {"upload_timeout_s": 3600.0},
    ],
)
def test_files_without_a_job_are_deleted_once_no_upload_can_last_so_long(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    clock = Clock()
    jobs = opened(tmp_path / "jobs", **settings)
    found = jobs.settings
    # As the gate has it: the time for a body grows with its length.
    longest = min(found.jobs_max_file_bytes * found.jobs_max_files, found.jobs_quota_bytes)
    upload_s = found.upload_timeout_s * max(1, longest / found.max_body_bytes)
    watcher = Watcher(jobs, clock=clock)
    job = submitted(jobs, ("a", b"content"))
    jobs.files.put(source_key("f" * 32, 0), b"half an upload")
    watcher.look()
    clock.now += upload_s + PURGE_S
    watcher.look()
    assert len(jobs.files.job_ids()) == 2
    clock.now += 2 * ORPHAN_S
    watcher.look()
    assert jobs.files.job_ids() == [job]
    jobs.store.close()


def test_what_a_late_worker_wrote_into_a_job_that_is_over_is_deleted(tmp_path: Path) -> None:
    clock, today = Clock(), Clock()
    folder = tmp_path / "jobs"
    jobs = opened(folder, clock=today)
    watcher = Watcher(jobs, clock=clock, today=today)
    job = submitted(jobs, ("a", b"content"))
    jobs.store.cancel(job)
    expires = record(jobs, job).expires
    assert expires is not None
    today.now = expires + 1
    watcher.look()
    assert record(jobs, job).state == "expired"
    # As of a process that has not seen that the job was deleted.
    late = folder / "files" / result_key(job, "json")
    late.parent.mkdir(parents=True)
    late.write_bytes(b"{}")
    clock.now += PURGE_S
    watcher.look()
    assert jobs.files.job_ids() == []
