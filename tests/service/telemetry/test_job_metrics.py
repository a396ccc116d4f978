"""Metrics of jobs are read from the table, not too often, and a table that is away is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from crnn_ocr.errors import JobsUnavailableError
from crnn_ocr.jobs.backends import Jobs, LazyJobs, open_jobs
from crnn_ocr.jobs.files import source_key
from crnn_ocr.jobs.records import JobRequest, NewJob, SourceFile
from crnn_ocr.jobs.store import JobCounts
from crnn_ocr.service.telemetry.collectors import JOB_FILES_S, JOBS_S, jobs
from crnn_ocr.service.telemetry.metrics import Metrics
from crnn_ocr.settings import Settings
from tests.jobs.stores import Clock


@pytest.fixture
def lazy(tmp_path: Path) -> Iterator[LazyJobs]:
    found = LazyJobs(Settings(jobs_dir=tmp_path / "jobs", jobs_quota_bytes=2**30))
    yield found
    if (tmp_path / "jobs").exists():
        found.get().store.close()


def submit(opened: Jobs, name: str) -> None:
    opened.files.put(source_key(name, 0), b"content of a file")
    new = NewJob(name, "", JobRequest(), (SourceFile("a.png", 17),))
    opened.store.create(new, most_unfinished=10)


def values(metrics: Metrics) -> dict[str, float]:
    text = metrics.exposition()[0].decode()
    return {
        sample.name.removeprefix("crnn_ocr_")
        + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in parse(text)
        for sample in family.samples
        if sample.name.startswith("crnn_ocr_job")
    }


def test_figures_are_those_of_the_table(lazy: LazyJobs) -> None:
    clock, metrics = Clock(), Metrics()
    metrics.add_probe(jobs(lazy, clock=clock))
    for name in ("1" * 32, "2" * 32):
        submit(lazy.get(), name)
    found = values(metrics)
    assert (found["jobs queued"], found["jobs running"], found["job_tasks_waiting"]) == (2, 0, 2)
    assert found["job_files_bytes"] >= 2 * 17
    assert found["job_files_limit_bytes"] == 2**30
    assert found["job_oldest_age_seconds"] >= 0
    task = lazy.get().store.take("worker")
    assert task is not None
    assert lazy.get().store.plan(task.lease, [[1], [2, 3]])
    assert lazy.get().store.take("worker") is not None
    clock.now += JOBS_S
    found = values(metrics)
    assert found["job_leases"] == 1
    assert found["jobs running"] >= 1
    assert found["job_pages queued"] + found["job_pages running"] == 3
    assert found["job_leases_lost"] == found["job_retries"] == found["jobs_failing"] == 0


def test_scrapes_do_not_ask_the_table_each_time(lazy: LazyJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"counts": 0, "bytes": 0}
    opened = lazy.get()
    counts, used = opened.store.counts, opened.files.used_bytes

    def counted_counts() -> JobCounts:
        asked["counts"] += 1
        return counts()

    def counted_bytes(_files: object) -> int:
        asked["bytes"] += 1
        return used()

    monkeypatch.setattr(opened.store, "counts", counted_counts)
    monkeypatch.setattr(type(opened.files), "used_bytes", counted_bytes)
    clock, metrics = Clock(), Metrics()
    metrics.add_probe(jobs(lazy, clock=clock))
    for _ in range(5):
        values(metrics)
    assert asked == {"counts": 1, "bytes": 1}
    clock.now += JOBS_S
    values(metrics)
    assert asked == {"counts": 2, "bytes": 1}
    clock.now += JOB_FILES_S
    values(metrics)
    assert asked == {"counts": 3, "bytes": 2}


def test_a_table_that_is_away_is_told_until_it_is_back(tmp_path: Path) -> None:
    away = True

    def opening(settings: Settings) -> Jobs:
        if away:
            raise JobsUnavailableError("away")
        return open_jobs(settings)

    lazy = LazyJobs(Settings(jobs="celery"), opening)
    clock, metrics = Clock(), Metrics()
    metrics.add_probe(jobs(lazy, clock=clock))
    assert values(metrics)["jobs_failing"] == 1
    lazy = LazyJobs(Settings(jobs_dir=tmp_path), opening)
    away = False
    submit(lazy.get(), "3" * 32)
    other = Metrics()
    other.jobs_failing.set(1)
    other.add_probe(jobs(lazy, clock=clock))
    assert values(other)["jobs_failing"] == 0
    lazy.get().store.close()


def test_a_scrape_makes_no_table(lazy: LazyJobs, tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.add_probe(jobs(lazy, clock=Clock()))
    found = values(metrics)
    assert found["jobs queued"] == found["jobs_failing"] == 0
    assert not (tmp_path / "jobs").exists()
