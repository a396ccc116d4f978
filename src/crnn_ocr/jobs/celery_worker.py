"""Lets Celery's workers run the tasks of the table: what happens in the main process and in those of its pool.

ONNX Runtime does not survive a fork, so the main process never touches the engine: each process of the pool
makes its own after the fork. The main process runs the watcher and replaces lost tokens.
"""

from __future__ import annotations

import logging
import mmap
import os
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from crnn_ocr.errors import OcrError, SettingsError
from crnn_ocr.jobs.celery_config import TASK
from crnn_ocr.logging import configure_logging
from crnn_ocr.settings import Settings

if TYPE_CHECKING:
    from celery import Celery

_log = logging.getLogger(__name__)

#: Seconds for which a process whose engine cannot be made waits before it lets the next token go.
PAUSE_S = 5.0
#: Seconds that the main process waits at its end for the watcher and the tokens.
END_S = 5.0

#: Runs one task of the table, if there is one; returns whether there was.
RunOne = Callable[[], bool]
#: Makes what runs tasks, in a process of the pool: from the settings, a function that tells whether the worker
#: has been told to stop, and the name of the worker.
OpenWorker = Callable[[Settings, Callable[[], bool], str], RunOne]


class Background(Protocol):
    """What runs beside the pool in the main process."""

    def start(self) -> None:
        """Begin."""

    def stop(self, timeout_s: float | None = None) -> None:
        """End, and wait for the end, at most for that many seconds."""


#: Makes what runs in the main process.
OpenBackground = Callable[[Settings], list[Background]]


class _PoolProcess:
    """What a process of the pool has."""

    def __init__(self, settings: Settings, stopping: mmap.mmap, open_worker: OpenWorker) -> None:
        self._settings = settings
        self._stopping = stopping
        self._open_worker = open_worker
        self._run_one: RunOne | None = None

    def prepare(self) -> bool:
        """Make the engine and open the table, unless that is done; return whether it worked."""
        if self._run_one is not None:
            return True
        name = f"{socket.gethostname()}:{os.getpid()}"
        try:
            self._run_one = self._open_worker(self._settings, lambda: self._stopping[0] != 0, name)
        except OcrError as error:
            fields = {"code": error.code, "reason": error.message}
            _log.error("this process cannot work on jobs", extra={"fields": fields})
            return False
        return True

    def work(self) -> None:
        """Run one task of the table, if there is one."""
        if self._stopping[0]:
            return  # the task is still in the table, and another worker gets a token for it
        if not self.prepare():
            time.sleep(PAUSE_S)
            return
        assert self._run_one is not None
        self._run_one()


def equip(
    app: Celery,
    settings: Settings,
    *,
    concurrency: int | None = None,
    open_worker: OpenWorker | None = None,
    open_background: OpenBackground | None = None,
) -> None:
    """Make an application run tasks of the table when it is started as a worker.

    Args:
        app: What `celery_config.make_app` made.
        settings: The settings of the installation.
        concurrency: Processes of the pool, which share the cores; what Celery's command line says when None.
        open_worker: Makes what runs tasks; that of `celery_runtime` when None.
        open_background: Makes what runs in the main process; that of `celery_runtime` when None.

    Raises:
        SettingsError: Jobs are not run with Celery.
    """
    from celery import signals

    if settings.jobs != "celery":
        raise SettingsError(
            f"CRNN_OCR_JOBS is {settings.jobs}, so there is nothing to do for a worker.",
            hint="Set CRNN_OCR_JOBS=celery for the service and its workers alike.",
        )
    # One byte that the main process shares with those of its pool, however often they are replaced.
    stopping = mmap.mmap(-1, 1)
    process = _PoolProcess(settings, stopping, open_worker or _open_worker)
    running: list[Background] = []

    def work() -> None:
        process.work()

    def begin(**_: object) -> None:
        _warn_of_redis(settings)
        running.extend((open_background or _open_background)(settings))
        for each in running:
            each.start()

    def end(**_: object) -> None:
        for each in running:
            each.stop(END_S)

    def tell(**_: object) -> None:
        stopping[0] = 1

    def log(**_: object) -> None:
        configure_logging(settings.log_level, settings.log_format)

    def prepare(**_: object) -> None:
        process.prepare()

    app.task(work, name=TASK, ignore_result=True)
    signals.setup_logging.connect(log, weak=False)
    signals.worker_process_init.connect(prepare, weak=False)
    signals.worker_ready.connect(begin, weak=False)
    signals.worker_shutting_down.connect(tell, weak=False)
    signals.worker_shutdown.connect(end, weak=False)
