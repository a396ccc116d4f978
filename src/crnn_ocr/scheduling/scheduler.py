"""Runs the tasks of all requests on a thread pool with one thread per core, as the policy decides."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from crnn_ocr.scheduling import stage_clock
from crnn_ocr.scheduling.policy import Grant, Policy
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.scheduling.work import Outcome, Task, Work

T = TypeVar("T")

#: Memory budget of running tasks per core, in bytes.
MEMORY_PER_CORE = 115 * 1024 * 1024
#: Smallest memory budget, in bytes. It holds one run of the detector at its largest, alone or with a line, or
#: two runs at half that size.
LEAST_MEMORY = 2 * MEMORY_PER_CORE


@dataclass(frozen=True, slots=True)
class SchedulerStats:
    """State and totals of a scheduler.

    Attributes:
        waiting: Tasks that wait for a core.
        busy: Cores that are in use.
        cores: Cores that may be in use.
        requests: Requests that are being worked on.
        done: Tasks that have ended since the start, failed ones included.
        waited_s: Seconds that these tasks waited, in total.
    """

    waiting: int
    busy: int
    cores: int
    requests: int
    done: int
    waited_s: float


class Scheduler:
    """Thread pool of a process, shared by all of its requests. It is safe to use from several threads.

    Its threads start with the first task, so a scheduler that was made before a fork and not used yet works
    after it.
    """

    def __init__(
        self,
        cores: int,
        *,
        memory: int | None = None,
        contended: Callable[[], bool] = lambda: False,
    ) -> None:
        """Prepare the thread pool; no thread is started yet.

        Args:
            cores: Number of cores that may be busy, at least 1.
            memory: Bytes that running tasks may take together; derived from the number of cores when None.
            contended: Returns whether a request waits for what another one holds, such as a share of a
                budget, so that requests in the background must go on as all others.
        """
        self.cores = cores
        if memory is None:
            memory = max(LEAST_MEMORY, cores * MEMORY_PER_CORE)
        self._policy: Policy[_OpenRequest, _Entry[Any]] = Policy(cores, memory=memory)
        self._contended = contended
        self._background_s = 0.0
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

    @property
    def background_s(self) -> float:
        """CPU seconds that tasks in the background have taken so far."""
        with self._lock:
            return self._background_s

    def stats(self) -> SchedulerStats:
        """Return the current state and the totals since the start."""
        with self._lock:
            policy = self._policy
            requests = len(policy.requests)
            return SchedulerStats(
                policy.waiting, policy.busy, self.cores, requests, self._done, self._waited_s
            )

    @contextmanager
    def admit(self, ticket: Ticket, *, background: bool = False) -> Iterator[Work]:
        """Admit a request until the block ends.

        Args:
            ticket: The request's ticket; tasks that still wait when it becomes invalid are never started.
            background: Whether its tasks run only where no task of another request waits.
        """
        request = _OpenRequest(self, ticket, background)
        with self._lock:
            self._policy.open(request, background=background)
        try:
            yield request
        finally:
            with self._lock:
                _abandon(self._policy.close(request))

    @contextmanager
    def reserve(self, memory: int) -> Iterator[None]:
        """Reduce the memory budget of tasks by that many bytes while the block runs.

        One task that needs memory may always run.
        """
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
        """Stop the threads; running tasks end first, waiting tasks fail."""
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
        # Nothing has to wake this thread at the deadline: while a task waits another one runs, and whenever
        # one ends, the tasks of invalid tickets are abandoned.
        batch.done.wait()
        stage_clock.waited(added, time.perf_counter() if batch.began is None else batch.began)
        if batch.abandoned:
            request.ticket.check()
            raise RuntimeError("this scheduler is closed")
        return [outcome for outcome in batch.outcomes if outcome is not None]

    def _start(self) -> None:
        """Start all tasks that can run now; the caller holds the lock."""
        for request in self._policy.requests:
            if not request.ticket.valid:
                _abandon(self._policy.drop(request))
        pressed = self._contended()
        while (grant := self._policy.start(pressed=pressed)) is not None:
            try:
                self._threads.submit(self._work, grant)
            except RuntimeError:  # the interpreter is shutting down
                self._policy.finish(grant)
                _abandon([grant.payload])

    def _work(self, grant: Grant[_OpenRequest, _Entry[Any]]) -> None:
        """Run one task in a thread of the pool."""
        began, spent = time.perf_counter(), time.thread_time()
        outcome = Outcome.of(grant.payload.task, grant.cores)
        with self._lock:
            self._policy.finish(grant)
            self._done += 1
            if grant.request.background:
                # What the other cores have done for it is not measured: as much as this one.
                self._background_s += (time.thread_time() - spent) * grant.cores
            self._waited_s += grant.payload.begin(began)
            if not self._closed:
                self._start()
            grant.payload.finish(outcome)


class _OpenRequest:
    """A request that is being worked on."""

    def __init__(self, scheduler: Scheduler, ticket: Ticket, background: bool) -> None:
        self._scheduler = scheduler
        self.ticket = ticket
        self.background = background

    def run(self, tasks: Sequence[Task[T]]) -> list[Outcome[T]]:
        """Run tasks and wait for them, see `Work.run`."""
        self.ticket.check()
        return self._scheduler._run(self, tasks)


class _Batch(Generic[T]):
    """Tasks that a caller waits for together; guarded by the scheduler's lock."""

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
        """Note that it was started at that moment, and return how long it had waited, in seconds."""
        batch = self._batch
        batch.began = moment if batch.began is None else min(batch.began, moment)
        return moment - batch.added

    def finish(self, outcome: Outcome[T] | None) -> None:
        """Store its outcome; None if it was not started."""
        batch = self._batch
        batch.outcomes[self._index] = outcome
        batch.abandoned |= outcome is None
        batch.left -= 1
        if batch.left == 0:
            batch.done.set()


def _abandon(entries: Sequence[_Entry[Any]]) -> None:
    for entry in entries:
        entry.finish(None)
