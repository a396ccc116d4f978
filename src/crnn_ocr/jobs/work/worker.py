"""Takes tasks from the table, does them, and tells the table that it is alive meanwhile."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial

from crnn_ocr.engine.ocr import OCR
from crnn_ocr.errors import JobWorkerLostError, OcrError, RequestCancelledError, WebhookFailedError
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.records import Problem, Task
from crnn_ocr.jobs.store import BEAT_S
from crnn_ocr.jobs.webhooks import wait_s
from crnn_ocr.jobs.work.assembling import assemble
from crnn_ocr.jobs.work.isolated import COMMAND, assemble_isolated, plan_isolated, read_isolated
from crnn_ocr.jobs.work.loop import Loop
from crnn_ocr.jobs.work.notifying import notify
from crnn_ocr.jobs.work.planning import plan
from crnn_ocr.jobs.work.reading import read_pages
from crnn_ocr.jobs.work.sources import Sources
from crnn_ocr.jobs.work.tasks import may_pass, problem_of, reading_options, wait_after
from crnn_ocr.scheduling.ticket import Ticket

_log = logging.getLogger(__name__)

#: Seconds between two looks into the table that find nothing. One look takes 60 µs of CPU time.
POLL_S = 0.5
#: Jobs of more pages are assembled in a process of their own, which gives the memory back at its end.
MOST_PAGES_HERE = 20
#: Attempt at planning or assembling from which on the death of an isolated process is final; the first one is
#: made here.
_LAST_DEATH = 3
#: Webhooks that a process tells at a time beside its other work: one that does not answer takes 15 s.
MOST_NOTIFIED = 32

#: Tells the webhook of a job that it is finished; raises `OcrError` where it cannot be told.
Notify = Callable[[Jobs, Task], None]
#: Watches a page while it is read, so that it can be told what ended a process.
Watch = Callable[[str, Ticket], AbstractContextManager[None]]


class Beside:
    """Does tasks in threads beside the one that takes them, as far as there are places."""

    def __init__(self, **places: int) -> None:
        """Make the places.

        Args:
            **places: Tasks at a time, by their kind; those of other kinds are done at once.
        """
        self._places = {kind: threading.BoundedSemaphore(count) for kind, count in places.items()}

    def do(self, kind: str, do: Callable[[], None]) -> None:
        """Do a task of a kind in a thread of its own or, where it has no place, in this one."""
        places = self._places.get(kind)
        if places is None or not places.acquire(blocking=False):
            do()
            return

        def run() -> None:
            try:
                do()
            finally:
                places.release()

        try:
            # A daemon: it does not keep the process from ending, and its lease then ends by itself.
            threading.Thread(target=run, name="job-beside", daemon=True).start()
        except RuntimeError:  # no more threads can be had
            run()


class Worker:
    """Does the tasks of one process, one after the other."""

    def __init__(
        self,
        jobs: Jobs,
        ocr: OCR,
        *,
        name: str,
        stopping: Callable[[], bool] = lambda: False,
        notify: Notify = notify,
        watch: Watch = lambda key, ticket: nullcontext(),
        command: Sequence[str] = COMMAND,
        beside: Beside | None = None,
    ) -> None:
        """Prepare; nothing is taken yet.

        Args:
            jobs: The table and the files.
            ocr: Reads the pages.
            name: Name of the worker in the table.
            stopping: Returns whether the process is to end: then nothing is taken any more, and the task in
                hand is given back.
            notify: Does `notify` tasks.
            watch: Returns a context in which a page is read, given its key in the file store; it may wait.
            command: The program for pages that are read in a process of their own.
            beside: Does tasks of some kinds in threads of their own; by default none.
        """
        self._jobs = jobs
        self._ocr = ocr
        self._name = name
        self._stopping = stopping
        self._notify = notify
        self._watch = watch
        self._command = command
        self._beside = beside or Beside()
        self._sources = Sources(jobs, ocr)

    def run_one(self) -> bool:
        """Do the next task, or begin it where it is done beside; return whether there was one.

        Raises:
            JobsUnavailableError: The table cannot be reached.
        """
        task = None if self._stopping() else self._jobs.store.take(self._name)
        if task is None:
            return False
        self._beside.do(task.kind, partial(self._do, task))
        return True

    def close(self) -> None:
        """Release the file that is open."""
        self._sources.close()

    def _do(self, task: Task) -> None:
        """Do a task that was taken, and report how it ended. No error of a task leaves it."""
        store = self._jobs.store
        ticket = Ticket()
        try:
            with self._beating(task, ticket):
                try:
                    self._run(task, ticket)
                except RequestCancelledError:
                    # Or the beat of an earlier task came too late, and found that task ended.
                    if self._stopping() or store.beat(task.lease):
                        store.release(task.lease)
                except OcrError as error:
                    store.fail(task.lease, problem_of(error), retry_after_s=_patience(task, error))
                    fields = {"job": task.job, "task": task.kind, "code": error.code}
                    _log.info("a task of a job failed", extra={"fields": fields})
                except Exception as error:
                    _log.exception("a task of a job failed", extra={"fields": {"job": task.job}})
                    problem = Problem("INTERNAL_ERROR", f"The worker failed with {type(error).__name__}.")
                    store.fail(task.lease, problem, retry_after_s=wait_after(task.attempt))
        except OcrError as error:  # the table is away: the lease ends by itself
            fields = {"job": task.job, "code": error.code, "reason": error.message}
            _log.warning("the end of a task could not be told", extra={"fields": fields})

    def _run(self, task: Task, ticket: Ticket) -> None:
        store = self._jobs.store
        match task.kind:
            case "plan" if task.attempt > 1:
                store.plan(task.lease, plan_isolated(self._jobs, self._ocr, task, ticket, self._command))
            case "plan":
                options = reading_options(task.request)
                with self._sources.opened(task) as readings:
                    blocks = options.layout == "blocks"
                    tasks = plan(readings, blocks=blocks, takes_text=options.ocr != "force")
                store.plan(task.lease, tasks)
            case "read" if task.attempt > 1:
                self._sources.close()
                read_isolated(self._jobs, self._ocr, task, ticket, self._command)
            case "read":
                with self._sources.opened(task) as readings:
                    read_pages(self._jobs, task, readings, lambda key: self._watch(key, ticket))
            case "assemble":
                job = store.get(task.job)
                if task.attempt > 1 or (job is not None and (job.pages_total or 0) > MOST_PAGES_HERE):
                    problem = assemble_isolated(self._jobs, task, ticket, self._command)
                else:
                    problem = assemble(self._jobs, task.job, ticket)
                store.finish(task.lease, problem=problem)
            case "notify":
                self._tell(task)

    def _tell(self, task: Task) -> None:
        self._notify(self._jobs, task)
        self._jobs.store.finish(task.lease)

    @contextmanager
    def _beating(self, task: Task, ticket: Ticket) -> Iterator[None]:
        """Renew the lease while the block runs; stop it once the lease is lost or the process is to end."""
        done = threading.Event()

        def stop() -> None:
            ticket.cancel()
            if task.kind in ("plan", "read"):
                self._sources.cancel()

        def beat() -> None:
            while not done.wait(BEAT_S):
                if self._stopping():
                    stop()
                with suppress(OcrError):  # the table is away; the lease may be lost, and the next beat tells
                    if not self._jobs.store.beat(task.lease):
                        if not done.is_set():
                            stop()
                        return

        thread = threading.Thread(target=beat, name="job-beat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()


def _patience(task: Task, error: OcrError) -> float | None:
    """Return the seconds after which a task that failed is tried again; None if that is of no use."""
    if isinstance(error, WebhookFailedError):
        return wait_s(task.attempt, error)
    # An isolated process died, or failed for a reason that nobody foresaw, and one more may.
    if isinstance(error, JobWorkerLostError) or type(error) is OcrError:
        return 0.0 if task.attempt < _LAST_DEATH else None
    return wait_after(task.attempt) if may_pass(error) else None


class WorkerLoop(Loop):
    """Thread that does tasks as long as its process lives.

    Webhooks and the assembling of large jobs are done beside it, so that pages need not wait for them.
    """

    def __init__(self, open_worker: Callable[[Callable[[], bool]], Worker | None]) -> None:
        """Prepare; nothing is started yet.

        Args:
            open_worker: Makes the worker once there is something to do, from a function that tells whether to
                stop; returns None as long as there is nothing.
        """
        super().__init__("job-worker", outage="jobs cannot be worked on", fault="the worker of jobs failed")
        self._open_worker = open_worker
        #: CPU seconds that the thread itself has taken.
        self.cpu_s = 0.0

    def _run(self) -> None:
        worker: Worker | None = None
        while not self._ended.is_set():
            found = False
            with self._logged():
                worker = worker or self._open_worker(self._ended.is_set)
                found = worker is not None and worker.run_one()
            self.cpu_s = time.thread_time()
            if not found:
                self._ended.wait(POLL_S)
        if worker is not None:
            worker.close()
