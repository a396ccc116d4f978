"""Carries the policy out: as many tasks run as there are cores, of whatever requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from crnn_ocr.scheduling import stage_clock
from crnn_ocr.scheduling.policy import Grant, Policy
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.scheduling.work import Outcome, Task, Work

T = TypeVar("T")

#: What running tasks may take together, for each core …
MEMORY_PER_CORE = 115 * 1024 * 1024
#: … and at least. Two cores: one run of the detector at its largest, or two at half of it, or it and a line.
LEAST_MEMORY = 2 * MEMORY_PER_CORE


@dataclass(frozen=True, slots=True)
class SchedulerStats:
    """What a scheduler tells of itself.

    Attributes:
        waiting: Tasks that wait for a core.
        busy: Cores that are in use.
        cores: Cores that may be.
        requests: Requests that have been let in.
        done: Tasks that have been done since the start, failed ones included.
        waited_s: Seconds that they waited, in all.
    """

    waiting: int
    busy: int
    cores: int
    requests: int
    done: int
    waited_s: float


class Scheduler:
    """One per process; may be used by many requests at once.

    Its threads start with the first task, so an object that was made before a fork and not used yet works
    after it.
    """

    def __init__(self, cores: int, *, memory: int | None = None) -> None:
        """Prepare; no thread is started yet.

        Args:
            cores: How many cores may be kept busy, at least 1.
            memory: Bytes that running tasks may take together; by the number of cores, when None.
        """
        self.cores = cores
        if memory is None:
            memory = max(LEAST_MEMORY, cores * MEMORY_PER_CORE)
        self._policy: Policy[_OpenRequest, _Entry[Any]] = Policy(cores, memory=memory)
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(cores, thread_name_prefix="crnn-ocr-core")
        self._closed = False
        self._done = 0
        self._waited_s = 0.0

    @property
    def waiting(self) -> int:
        """Tasks that wait for a core."""
        with self._lock:
            return self._policy.waiting

    @property
    def busy(self) -> int:
        """Cores that are in use."""
        with self._lock:
            return self._policy.busy

    def stats(self) -> SchedulerStats:
        """What it does now, and has done so far."""
        with self._lock:
            policy = self._policy
            requests = len(policy.requests)
            return SchedulerStats(
                policy.waiting, policy.busy, self.cores, requests, self._done, self._waited_s
            )

    @contextmanager
    def admit(self, ticket: Ticket) -> Iterator[Work]:
        """Let a request in, until the block ends.

        Args:
            ticket: Its own; tasks that wait when it becomes invalid are never started.
        """
        request = _OpenRequest(self, ticket)
        with self._lock:
            self._policy.open(request)
        try:
            yield request
        finally:
            with self._lock:
                _abandon(self._policy.close(request))

    @contextmanager
    def reserve(self, memory: int) -> Iterator[None]:
        """Let tasks take so many bytes less while the block runs; one at a time may run all the same."""
        with self._lock:
            self._policy.reserve(memory)
        try:
            yield
        finally:
            with self._lock:
                self._policy.reserve(-memory)
                if not self._closed:
                    self._start()

    def close(self) -> None:
        """Stop the threads; tasks that run end first, those that wait fail."""
        with self._lock:
            self._closed = True
            for request in self._policy.requests:
                _abandon(self._policy.drop(request))
        self._threads.shutdown(wait=True)

    def _run(self, request: _OpenRequest, tasks: Sequence[Task[T]]) -> list[Outcome[T]]:
        if not tasks:
            return []
        added = time.perf_counter()
        batch: _Batch[T] = _Batch(len(tasks), added)
        entries = [_Entry(task, batch, index) for index, task in enumerate(tasks)]
        with self._lock:
            if self._closed:
                raise RuntimeError("this scheduler is closed")
            self._policy.add(request, ((entry.task.demand, entry) for entry in entries))
            self._start()
        # Nobody has to wake this thread at the deadline: while something waits something runs, and whenever
        # that ends, what is not wanted any more is given up.
        batch.done.wait()
        stage_clock.waited(added, time.perf_counter() if batch.began is None else batch.began)
        if batch.abandoned:
            request.ticket.check()
            raise RuntimeError("this scheduler is closed")
        return [outcome for outcome in batch.outcomes if outcome is not None]

    def _start(self) -> None:
        """Hand out what can run now; the lock is held."""
        for request in self._policy.requests:
            if not request.ticket.valid:
                _abandon(self._policy.drop(request))
        while (grant := self._policy.start()) is not None:
            try:
                self._threads.submit(self._work, grant)
            except RuntimeError:  # the program is at its end
                self._policy.finish(grant)
                _abandon([grant.payload])

    def _work(self, grant: Grant[_OpenRequest, _Entry[Any]]) -> None:
        """Run in one of the threads."""
        began = time.perf_counter()
        outcome = Outcome.of(grant.payload.task, grant.cores)
        with self._lock:
            self._policy.finish(grant)
            self._done += 1
            self._waited_s += grant.payload.begin(began)
            if not self._closed:
                self._start()
            grant.payload.finish(outcome)


class _OpenRequest:
    """A request that is being worked on."""

    def __init__(self, scheduler: Scheduler, ticket: Ticket) -> None:
        self._scheduler = scheduler
        self.ticket = ticket

    def run(self, tasks: Sequence[Task[T]]) -> list[Outcome[T]]:
        """As `Work.run`."""
        self.ticket.check()
        return self._scheduler._run(self, tasks)


class _Batch(Generic[T]):
    """Tasks that somebody waits for together; guarded by the scheduler's lock."""

    def __init__(self, count: int, added: float) -> None:
        self.added = added
        self.began: float | None = None
        self.outcomes: list[Outcome[T] | None] = [None] * count
        self.left = count
        self.abandoned = False
        self.done = threading.Event()


class _Entry(Generic[T]):
    """One task of a batch."""

    def __init__(self, task: Task[T], batch: _Batch[T], index: int) -> None:
        self.task = task
        self._batch = batch
        self._index = index

    def begin(self, moment: float) -> float:
        """It was started then; returns how long it had waited, in seconds."""
        batch = self._batch
        batch.began = moment if batch.began is None else min(batch.began, moment)
        return moment - batch.added

    def finish(self, outcome: Outcome[T] | None) -> None:
        """Tell what became of it; None where it was not started."""
        batch = self._batch
        batch.outcomes[self._index] = outcome
        batch.abandoned |= outcome is None
        batch.left -= 1
        if batch.left == 0:
            batch.done.set()


def _abandon(entries: Sequence[_Entry[Any]]) -> None:
    for entry in entries:
        entry.finish(None)
