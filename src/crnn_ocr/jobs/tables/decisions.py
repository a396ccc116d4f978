"""Decides what happens to jobs and tasks: who is served next, what follows, what is tried again. It is pure.

Whose task is next is decided by start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996), first between
owners, then between the jobs of an owner. Every owner and every job is a flow with a tag; the flow with the
lowest tag is next, and its tag grows by what it gets. A flow that comes, or has had nothing to do, starts at
the virtual time, which is the tag of whoever was served last: a job of one page is served next, however many
pages are waiting before it.

If that were all, a crowd of new jobs, each starting at the virtual time, would hold it up, and a large job
would never end. So the virtual time grows by at least 1/`CROWD` of what is served. Up to `CROWD` flows share
the workers equally; with more, those that came first are served first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from crnn_ocr.errors import JobWorkerLostError
from crnn_ocr.jobs.records import MOST_ATTEMPTS, MOST_DELIVERIES, JobState, Problem, TaskKind

#: Number of flows that share the workers equally: more than the jobs that a key may have by default.
CROWD = 128
#: Seconds after which an owner with too many unfinished jobs may ask again.
RETRY_S = 30
#: Largest number of a page; the Redis store keeps file and page in one number.
LARGEST_PAGE = 2**18 - 1


def serve(virtual: float, tag: float, cost: float) -> tuple[float, float]:
    """Return the virtual time and the tag of a flow after the flow has been served.

    Args:
        virtual: The virtual time before.
        tag: The flow's tag before.
        cost: What it is given, see `cost_of`.
    """
    return max(virtual + cost / CROWD, tag), tag + cost


def cost_of(pages: int) -> int:
    """Return the cost of a task with that many pages; tasks without pages cost as much as one page."""
    return max(1, pages)


def most_attempts(kind: TaskKind) -> int:
    """Return how often a task of a kind is given out at most."""
    return MOST_DELIVERIES if kind == "notify" else MOST_ATTEMPTS


def following(open_tasks: int, files: int, files_failed: int) -> Literal["nothing", "assemble", "failed"]:
    """Return what follows when a `plan` or `read` task has ended.

    Args:
        open_tasks: `plan` and `read` tasks of the job that have not ended.
        files: Files of the job.
        files_failed: Those that cannot be read at all.
    """
    if open_tasks:
        return "nothing"
    return "failed" if files_failed >= files else "assemble"


def final_state(
    pages_done: int, pages_failed: int, files_failed: int, *, formats_failed: bool = False
) -> JobState:
    """Return the state of a job that has been assembled."""
    if not pages_failed and not files_failed:
        return "partial" if formats_failed else "succeeded"
    return "partial" if pages_done else "failed"


@dataclass(frozen=True, slots=True)
class Remainder:
    """Pages of a `read` task that are given out again, as a task of their own."""

    pages: tuple[int, ...]
    attempt: int


def after_loss(
    running: Mapping[int, int], waiting: Iterable[int], attempt: int, *, begun: bool
) -> tuple[list[Remainder], list[int]]:
    """Return what is given out again of a `read` task whose worker was lost, and which pages fail.

    A page that was being read is under suspicion, and becomes a task of its own; the others are not, and keep
    the attempt. If no page had been begun, opening the file may be what kills workers, so that all pages are
    suspects together.

    Args:
        running: Attempts of the pages that were being read, by page.
        waiting: The pages that had still to be read.
        attempt: The task's attempt.
        begun: Whether the worker had begun any page.
    """
    rest = tuple(sorted(waiting))
    if not begun and not running:
        if attempt >= MOST_ATTEMPTS:
            return [], list(rest)
        return [Remainder(rest, attempt + 1)] if rest else [], []
    failed = sorted(page for page, attempts in running.items() if attempts >= MOST_ATTEMPTS)
    again = [
        Remainder((page,), attempts + 1) for page, attempts in running.items() if attempts < MOST_ATTEMPTS
    ]
    if rest:
        again.append(Remainder(rest, attempt))
    return sorted(again, key=lambda remainder: remainder.pages), failed


def worker_lost() -> Problem:
    """Return why a page or a task failed whose workers died."""
    error = JobWorkerLostError("Every process that worked on it died.")
    return Problem(error.code, error.message, error.hint)


def checked_plan(tasks: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Return the pages of each `read` task, ascending, without empty tasks.

    Raises:
        ValueError: A page is planned twice, or is not a page number.
    """
    planned = [tuple(sorted(pages)) for pages in tasks if pages]
    every = [page for pages in planned for page in pages]
    if (
        len(set(every)) != len(every)
        or not 1 <= min(every, default=1) <= max(every, default=1) <= LARGEST_PAGE
    ):
        raise ValueError(f"every page belongs to one task, and pages count from 1 to {LARGEST_PAGE}")
    return planned
