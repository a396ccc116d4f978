"""Runs jobs inside a process of the service: a thread that works, and one that watches."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import nullcontext

from crnn_ocr.engine.ocr import OCR
from crnn_ocr.jobs.backends import Jobs, LazyJobs, has_table
from crnn_ocr.jobs.work.watcher import WatcherLoop
from crnn_ocr.jobs.work.worker import MOST_NOTIFIED, Beside, Watch, Worker, WorkerLoop


class EmbeddedJobs:
    """The threads that work on jobs in this process.

    As long as no job has ever been made, there is no table, and the threads look for its file alone.
    """

    def __init__(
        self,
        jobs: LazyJobs,
        ocr: OCR,
        *,
        stopping: Callable[[], bool],
        watch: Watch = lambda key, ticket: nullcontext(),
    ) -> None:
        """Prepare; nothing is started or opened yet.

        Args:
            jobs: The jobs of this process.
            ocr: Reads the pages.
            stopping: Returns whether the process is to end.
            watch: See `Worker`.
        """
        self._watch = watch
        self._jobs = jobs
        self._ocr = ocr
        self._stopping = stopping
        self._worker = WorkerLoop(self._open_worker)
        self._watcher = WatcherLoop(self._opened)

    def start(self) -> None:
        """Begin."""
        self._worker.start()
        self._watcher.start()

    def stop(self, timeout_s: float) -> None:
        """Take nothing any more, give back what is in hand, and wait for that for at most so many seconds."""
        self._watcher.stop(0.0)
        self._worker.stop(timeout_s)

    @property
    def cpu_s(self) -> float:
        """CPU seconds of this process that jobs have taken."""
        return self._worker.cpu_s + self._ocr.background_s

    def _opened(self) -> Jobs | None:
        return self._jobs.get() if has_table(self._jobs.settings) else None

    def _open_worker(self, ended: Callable[[], bool]) -> Worker | None:
        jobs = self._opened()
        if jobs is None:
            return None
        name = f"{socket.gethostname()}:{os.getpid()}"

        def stopping() -> bool:
            return ended() or self._stopping()

        beside = Beside(notify=MOST_NOTIFIED, assemble=1)
        return Worker(jobs, self._ocr, name=name, stopping=stopping, watch=self._watch, beside=beside)
