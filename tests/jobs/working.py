"""Jobs in a folder, and what tests of the workers do with them."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from crnn_ocr import Settings
from crnn_ocr.jobs.backends import Jobs, open_jobs
from crnn_ocr.jobs.files import result_key, source_key
from crnn_ocr.jobs.records import FINISHED, Job, JobRequest, NewJob, SourceFile
from crnn_ocr.jobs.sqlite_store import SqliteStore
from crnn_ocr.jobs.work.worker import Worker


def opened(folder: Path, *, clock: Callable[[], float] | None = None, **settings: Any) -> Jobs:
    """Open jobs in a folder, with a clock of the test's own where it matters."""
    jobs = open_jobs(Settings(jobs="embedded", jobs_dir=folder, **settings))
    if clock is None:
        return jobs
    jobs.store.close()
    return replace(jobs, store=SqliteStore(folder / "jobs.sqlite", clock=clock))


def submitted(
    jobs: Jobs,
    *files: tuple[str, bytes],
    formats: Sequence[str] = (),
    options: dict[str, Any] | None = None,
    webhook: str | None = None,
) -> str:
    """Make a job of files and return its id."""
    job = secrets.token_hex(16)
    for number, (_, content) in enumerate(files):
        jobs.files.put(source_key(job, number), content)
    request = JobRequest(options or {}, tuple(formats), webhook)
    sources = tuple(SourceFile(name, len(content)) for name, content in files)
    jobs.store.create(NewJob(job, "", request, sources), most_unfinished=100)
    return job


def record(jobs: Jobs, job: str) -> Job:
    """Return the record of a job."""
    found = jobs.store.get(job)
    assert found is not None
    return found


def worked_off(jobs: Jobs, worker: Worker, job: str, *, limit: float = 240) -> Job:
    """Do tasks until a job is finished; what failed for a reason that may pass is waited for."""
    end = time.monotonic() + limit
    while record(jobs, job).state not in FINISHED:
        assert time.monotonic() < end, "the job is not finished"
        if not worker.run_one():
            time.sleep(0.05)
    return record(jobs, job)


def result(jobs: Jobs, job: str, name: str = "json") -> Any:
    """Return the JSON of a result."""
    return json.loads(jobs.files.get(result_key(job, name)))
