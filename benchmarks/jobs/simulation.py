"""Shows how far the table of jobs goes: 100 workers and a million pages on a clock that is not real.

    python -m benchmarks.jobs.simulation [--pages 10000] [--simulated 1000000]

First the queue is simulated with the decisions of `jobs/tables/decisions.py` alone: how long jobs take that
come while large ones are read, and how many operations a second that makes. Then the same simulation drives
each real store with fewer pages, and the CPU time of every operation is measured, that of Redis too. At last
the memory that Redis takes is measured with many pages. Times on the clock mean nothing here.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import statistics
import tempfile
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.jobs.redis_memory import redis, weigh
from crnn_ocr.jobs.records import JobRequest, NewJob, SourceFile, Task
from crnn_ocr.jobs.redis_store import RedisStore
from crnn_ocr.jobs.sqlite_store import SqliteStore
from crnn_ocr.jobs.store import BEAT_S, JobStore
from crnn_ocr.jobs.tables.decisions import cost_of, serve

WORKERS = 100
#: Seconds for a page on one core: 4.7 pictures per core second, as docs/operations.md has measured.
PAGE_S = 1 / 4.7
#: Seconds to count a file's pages, and to write the files of a job with that many pages; guesses.
PLAN_S = 0.05
ASSEMBLE_S = 0.5
ASSEMBLE_PAGE_S = 0.002
#: Seconds until a worker that has found nothing asks again.
POLL_S = 0.5
TASK_PAGES = 8
LARGE = 5000


# ---- what is simulated ---------------------------------------------------------------------------------


@dataclass
class Clock:
    """Seconds that only the simulation moves."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@dataclass(frozen=True)
class Arrival:
    """A job that comes at some time."""

    at: float
    owner: str
    pages: int


def split(pages: int) -> list[range]:
    """Return the pages of each `read` task."""
    return [range(at, min(at + TASK_PAGES, pages + 1)) for at in range(1, pages + 1, TASK_PAGES)]


class PaperStore:
    """The queue without a table: what of a store the simulation needs."""

    def __init__(self) -> None:
        """Start without jobs."""
        self._virtual = 0.0
        self._owners: dict[str, list[float]] = {}  # tag and virtual time
        self._ready: dict[str, list[tuple[float, int, str]]] = defaultdict(list)
        self._tasks: dict[str, deque[tuple[str, Sequence[int]]]] = defaultdict(deque)
        self._tags: dict[str, float] = defaultdict(float)
        self._open: Counter[str] = Counter()
        self._owner: dict[str, str] = {}
        self._number: dict[str, int] = {}
        self._leases = itertools.count()
        self._held: dict[str, Task] = {}

    def create(self, new: NewJob, *, most_unfinished: int) -> None:
        """Add a job of one file."""
        self._owner[new.id] = new.owner
        self._number[new.id] = len(self._number)
        self._open[new.id] = 1
        self._push(new.id, [("plan", ())])

    def take(self, worker: str) -> Task | None:
        """Take the task whose owner's and job's tags are the lowest."""
        owners = [owner for owner, ready in self._ready.items() if ready]
        if not owners:
            return None
        owner = min(owners, key=lambda owner: (self._owners[owner][0], owner))
        _, number, job = heapq.heappop(self._ready[owner])
        kind, pages = self._tasks[job].popleft()
        flow = self._owners[owner]
        cost = cost_of(len(pages))
        self._virtual, flow[0] = serve(self._virtual, flow[0], cost)
        flow[1], self._tags[job] = serve(flow[1], self._tags[job], cost)
        if self._tasks[job]:
            heapq.heappush(self._ready[owner], (self._tags[job], number, job))
        task = Task(job, f"{next(self._leases)}", kind, JobRequest(), owner, 0, tuple(pages))  # type: ignore[arg-type]
        self._held[task.lease] = task
        return task

    def plan(self, lease: str, tasks: Sequence[Sequence[int]]) -> None:
        """Queue the tasks of a file."""
        task = self._held.pop(lease)
        self._open[task.job] += len(tasks) - 1
        self._push(task.job, [("read", pages) for pages in tasks])

    def begin_page(self, lease: str, page: int) -> None:
        """Do nothing."""

    end_page = begin_page

    def finish(self, lease: str) -> None:
        """End a task, after the last one with assembling."""
        task = self._held.pop(lease)
        self._open[task.job] -= 1
        if task.kind == "read" and not self._open[task.job]:
            self._push(task.job, [("assemble", ())])

    def _push(self, job: str, tasks: list[tuple[str, Sequence[int]]]) -> None:
        owner = self._owner[job]
        flow = self._owners.setdefault(owner, [0.0, 0.0])
        if not self._tasks[job]:
            if not self._ready[owner]:
                flow[0] = max(flow[0], self._virtual)
            self._tags[job] = max(self._tags[job], flow[1])
            heapq.heappush(self._ready[owner], (self._tags[job], self._number[job], job))
        self._tasks[job].extend(tasks)


@dataclass
class Run:
    """Workers that take tasks from a store until no job is left.

    Attributes:
        took: Seconds from a job's arrival to its end, in order of arrival.
        operations: How often each operation was called.
        cpu: CPU seconds of this process in each operation.
    """

    store: Any
    clock: Clock
    took: dict[str, float] = field(default_factory=dict)
    operations: Counter[str] = field(default_factory=Counter)
    cpu: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    busy_s: float = 0.0
    _came: dict[str, Arrival] = field(default_factory=dict)
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def go(self, arrivals: Sequence[Arrival]) -> float:
        """Let them come; return when the last has ended."""
        for arrival in arrivals:
            self._at(arrival.at, partial(self._come, arrival))
        for worker in range(WORKERS):
            self._at(worker / WORKERS * POLL_S, partial(self._look, len(arrivals)))
        while self._events:
            self.clock.now, _, what = heapq.heappop(self._events)
            what()
        return self.clock.now

    def _at(self, moment: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), what))

    def _come(self, arrival: Arrival) -> None:
        job = f"{len(self._came):032x}"
        self._came[job] = arrival
        files = (SourceFile("scan.pdf", 1),)
        self.call("create", NewJob(job, arrival.owner, JobRequest(), files), most_unfinished=100_000)

    def _look(self, jobs: int) -> None:
        """Let a worker take a task, or ask again later as long as not all jobs have ended."""
        task = self.call("take", "worker")
        if task is not None:
            seconds = _seconds(task, self._came[task.job].pages)
            self.busy_s += seconds
            self.operations["beat"] += int(seconds / BEAT_S)
            self._at(self.clock.now + seconds, partial(self._end, task, jobs))
        elif len(self.took) < jobs:
            self._at(self.clock.now + POLL_S, partial(self._look, jobs))

    def _end(self, task: Task, jobs: int) -> None:
        arrival = self._came[task.job]
        if task.kind == "plan":
            self.call("plan", task.lease, split(arrival.pages))
        else:
            for page in task.pages:
                self.call("begin_page", task.lease, page)
                self.call("end_page", task.lease, page)
            self.call("finish", task.lease)
        if task.kind == "assemble":
            self.took[task.job] = self.clock.now - arrival.at
        self._look(jobs)

    def call(self, name: str, *values: Any, **named: Any) -> Any:
        """Call the store, and count it."""
        method = getattr(self.store, name)
        started = time.process_time()
        answer = method(*values, **named)
        self.cpu[name] += time.process_time() - started
        self.operations[name] += 1
        return answer


def _seconds(task: Task, pages: int) -> float:
    if task.kind == "plan":
        return PLAN_S
    return len(task.pages) * PAGE_S if task.kind == "read" else ASSEMBLE_S + pages * ASSEMBLE_PAGE_S


def crowd(pages: int, small: int) -> list[Arrival]:
    """Return large jobs of twenty owners that come at once, and small ones of old and new owners."""
    jobs = pages // LARGE
    large = [Arrival(0.0, f"owner {job % 20}", LARGE) for job in range(jobs)]
    span = pages * PAGE_S / WORKERS * 0.9
    return large + [
        Arrival(span * (number + 1) / (small + 1), f"owner {number % 40}", 1) for number in range(small)
    ]


def spread(seconds: Sequence[float]) -> str:
    """Return median, the 99th percentile and the maximum."""
    ordered = sorted(seconds)
    return f"{statistics.median(ordered):.1f} | {ordered[int(len(ordered) * 0.99)]:.1f} | {ordered[-1]:.1f}"


def simulate(pages: int) -> None:
    """Print what jobs and operations come to with that many pages."""
    arrivals = crowd(pages, 1000)
    run = Run(PaperStore(), Clock())
    span = run.go(arrivals)
    took = list(run.took.items())
    print(
        f"{WORKERS} workers, {pages} pages in jobs of {LARGE}, 1000 jobs of one page while those are read:\n"
    )
    print("| jobs | seconds from arrival to end: median | 99 % | most |\n|---|---:|---:|---:|")
    small = [seconds for job, seconds in took if arrivals[int(job, 16)].pages == 1]
    large = [seconds for job, seconds in took if arrivals[int(job, 16)].pages > 1]
    print(f"| one page | {spread(small)} |\n| {LARGE} pages | {spread(large)} |")
    lone = Run(PaperStore(), Clock())
    lone.go([Arrival(0.0, "owner", LARGE)])
    print(f"| {LARGE} pages, alone | {spread([*lone.took.values()])} |")
    print(f"\nWorkers are busy for {run.busy_s / (span * WORKERS):.1%} of {span:.0f} s.")
    total = sum(run.operations.values())
    print(f"{total} operations, {total / span:.0f} a second, {total / pages:.2f} a page:", end=" ")
    print(", ".join(f"{name} {count}" for name, count in sorted(run.operations.items())) + ".\n")


# ---- what is measured ----------------------------------------------------------------------------------


def measure(name: str, store: JobStore, clock: Clock, pages: int, server: Callable[[], float]) -> None:
    """Print the CPU time of each operation while the simulation drives a store."""
    run = Run(store, clock)
    before = server()
    arrivals = crowd(pages, pages // 100)
    span = run.go(arrivals)
    beating = store.create(NewJob("b" * 32, "b", JobRequest(), (SourceFile("a", 1),)), most_unfinished=1)[0]
    task = store.take("worker")
    assert task is not None
    for _ in range(1000):
        run.call("beat", task.lease)
        run.call("get", beating.id)
    run.operations["beat"] = 1000
    for at in range(0, LARGE, 1000):
        run.call("pages", f"{0:032x}", after=at)
    for _ in range(100):
        run.call("counts")
    served = server() - before
    total = sum(run.operations.values())
    small = [seconds for job, seconds in run.took.items() if arrivals[int(job, 16)].pages == 1]
    print(f"{name}: {pages} pages, {total} operations, {span:.0f} s on paper; one-page jobs took")
    print(f"{spread(small)} s (median, 99 %, most). CPU of an operation: ", end="")
    print(f"{sum(run.cpu.values()) / total * 1e6:.0f} µs", end="")
    print(f", and {served / total * 1e6:.0f} µs of the server.\n" if served else ".\n")
    print("| operation | times | µs of CPU each |\n|---|---:|---:|")
    for operation, count in sorted(run.operations.items()):
        print(f"| {operation} | {count} | {run.cpu[operation] / count * 1e6:.0f} |")
    print()


def main() -> None:
    """Simulate, then measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--pages", type=int, default=10_000, help="pages for the real stores (default: 10000)"
    )
    parser.add_argument("--simulated", type=int, default=1_000_000, help="pages on paper (default: 1000000)")
    args = parser.parse_args()
    simulate(args.simulated)
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        sqlite = SqliteStore(Path(folder) / "jobs.sqlite", clock=clock)
        measure("SQLite", sqlite, clock, args.pages, lambda: 0.0)
        sqlite.close()
        with redis(folder) as client:

            def server() -> float:
                info = client.info("cpu")
                return float(info["used_cpu_sys"]) + float(info["used_cpu_user"])

            clock = Clock()
            measure("Redis", RedisStore(client, clock=clock), clock, args.pages, server)
            weigh(client, args.simulated, split(LARGE))


if __name__ == "__main__":
    main()
