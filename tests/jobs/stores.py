"""Stores of jobs for tests, both kinds, with a clock that the test moves."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crnn_ocr.jobs.records import JobRequest, NewJob, Problem, SourceFile, Task
from crnn_ocr.jobs.store import JobStore

BROKEN = Problem("IMAGE_BROKEN", "The picture is broken.", "Save it again.")
_ids = itertools.count(1)


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def new_job(
    owner: str = "ann",
    *,
    files: int = 1,
    webhook: str | None = None,
    ttl_s: float = 100.0,
    key: str | None = None,
    digest: str = "digest",
    options: Mapping[str, Any] | None = None,
) -> NewJob:
    request = JobRequest({"layout": "blocks", **(options or {})}, ("pdf", "md"), webhook, ttl_s)
    sources = tuple(SourceFile(f"文 {number}.pdf", 100 + number) for number in range(files))
    return NewJob(f"{next(_ids):032x}", owner, request, sources, key, digest)


def create(store: JobStore, new: NewJob, *, most: int = 100) -> str:
    job, made = store.create(new, most_unfinished=most)
    assert made
    return job.id


def take(store: JobStore, kind: str) -> Task:
    task = store.take("worker")
    assert task is not None
    assert task.kind == kind
    return task


def planned(store: JobStore, tasks: Sequence[Sequence[int]], *, new: NewJob | None = None) -> str:
    """Create a job of one file, and plan it."""
    job = create(store, new or new_job())
    assert store.plan(take(store, "plan").lease, tasks)
    return job


def read(store: JobStore, task: Task) -> None:
    """Read all pages of a task, and end it."""
    for page in task.pages:
        assert store.begin_page(task.lease, page)
        assert store.end_page(task.lease, page, elapsed_ms=12.5)
    assert store.finish(task.lease)
