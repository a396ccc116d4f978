"""Lets Celery's workers run the tasks of the table: in the main process, and in the processes of its pool.

ONNX Runtime does not survive a fork, so the main process never touches the engine: each process of the pool
makes its own after the fork. The main process runs the watcher, and replaces lost tokens.
"""

from __future__ import annotations

import logging
import mmap
import os
import socket
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from crnn_ocr.errors import OcrError, SettingsError
from crnn_ocr.jobs.messaging.configuration import TASK
from crnn_ocr.logging import configure_logging
from crnn_ocr.settings import Settings

if TYPE_CHECKING:
    from celery import Celery

_log = logging.getLogger(__name__)

#: Seconds for which a process that cannot work waits before it lets the next token go.
PAUSE_S = 5.0
#: Seconds that the main process waits at its end for what runs in its threads.
END_S = 5.0

#: Runs one task of the table, if there is one; returns whether there was.
RunOne = Callable[[], bool]


class OpenWorker(Protocol):
    """Makes what runs tasks, in a process of the pool."""

    def __call__(
        self, settings: Settings, *, processes: int, name: str, stopping: Callable[[], bool]
    ) -> RunOne:
        """Make it.

        Args:
            settings: The settings of the installation.
            processes: Processes of the pool, which share the cores.
            name: Name of the process in the table.
            stopping: Returns whether the worker has been told to stop.

        Raises:
            OcrError: It cannot work: the table is away, or a model is broken.
        """


class Background(Protocol):
    """A thread of the main process."""

    def start(self) -> None:
        """Begin."""

    def stop(self, timeout_s: float | None = None) -> None:
        """End, and wait for the end, at most for that many seconds."""


#: Makes the threads of the main process.
OpenBackground = Callable[[Settings], Sequence[Background]]


class _PoolProcess:
    """What a process of the pool needs; made in the main process, and used after the fork."""

    def __init__(self, settings: Settings, open_worker: OpenWorker) -> None:
        self.processes = 1
        # One byte that all processes share, however often those of the pool are replaced.
        self.stopping = mmap.mmap(-1, 1)
        self._settings = settings
        self._open_worker = open_worker
        self._run_one: RunOne | None = None

    def prepare(self) -> None:
        """Load the models and open the table.

        Raises:
            OcrError: That does not work.
        """
        if self._run_one is None:
            self._run_one = self._open_worker(
                self._settings,
                processes=self.processes,
                name=f"{socket.gethostname()}:{os.getpid()}",
                stopping=self._is_stopping,
            )

    def work(self) -> None:
        """Run one task of the table, if there is one."""
        if self._is_stopping():
            return  # the task stays in the table, and another worker gets a token for it
        try:
            self.prepare()
            assert self._run_one is not None
            self._run_one()
        except OcrError as error:
            self.complain(error)
            time.sleep(PAUSE_S)

    def complain(self, error: OcrError) -> None:
        """Log why this process cannot work."""
        fields = {"code": error.code, "reason": error.message}
        _log.error("jobs cannot be worked on", extra={"fields": fields})

    def _is_stopping(self) -> bool:
        return self.stopping[0] != 0


def equip(app: Celery, settings: Settings, open_worker: OpenWorker, open_background: OpenBackground) -> None:
    """Make an application run tasks of the table when it is started as a worker.

    Args:
        app: What `configuration.make_app` made.
        settings: The settings of the installation.
        open_worker: Makes what runs tasks.
        open_background: Makes the threads of the main process.

    Raises:
        SettingsError: Jobs are not run with Celery.
    """
    from celery import signals

    if settings.jobs != "celery":
        raise SettingsError(
            f"CRNN_OCR_JOBS is {settings.jobs}, so there is nothing to do for a worker.",
            hint="Set CRNN_OCR_JOBS=celery for the service and its workers alike.",
        )
    process = _PoolProcess(settings, open_worker)
    threads: list[Background] = []

    def work() -> None:
        process.work()

    def log(**_: object) -> None:
        configure_logging(settings.log_level, settings.log_format)

    def count(instance: Any, **_: object) -> None:
        process.processes = instance.concurrency

    def prepare(**_: object) -> None:
        try:
            process.prepare()
        except OcrError as error:  # it is tried again with every token
            process.complain(error)

    def begin(**_: object) -> None:
        threads.extend(open_background(settings))
        for thread in threads:
            thread.start()
        _log.info("ready for jobs", extra={"fields": {"processes": process.processes}})

    def tell(**_: object) -> None:
        process.stopping[0] = 1

    def end(**_: object) -> None:
        for thread in threads:
            thread.stop(END_S)

    app.task(work, name=TASK, ignore_result=True)
    for signal, hook in (
        (signals.setup_logging, log),  # Celery then leaves the log alone
        (signals.celeryd_after_setup, count),
        (signals.worker_process_init, prepare),
        (signals.worker_ready, begin),
        (signals.worker_shutting_down, tell),
        (signals.worker_shutdown, end),
    ):
        signal.connect(hook, weak=False)
