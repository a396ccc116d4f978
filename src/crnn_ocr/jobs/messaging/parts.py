"""Makes the parts of a worker: the engine and the table in the pool, the watcher and the tokens beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from crnn_ocr.errors import JobsUnavailableError
from crnn_ocr.jobs.backends import LazyJobs
from crnn_ocr.jobs.messaging.configuration import table_url
from crnn_ocr.jobs.messaging.redis_check import warn_if_forgetful
from crnn_ocr.jobs.messaging.tokens import CeleryQueue, TokenKeeper, top_up
from crnn_ocr.jobs.messaging.worker import Background, RunOne
from crnn_ocr.runtime.cores import available_cores
from crnn_ocr.settings import Settings

_log = logging.getLogger(__name__)


def open_worker(settings: Settings, *, processes: int, name: str, stopping: Callable[[], bool]) -> RunOne:
    """Load the models and open the table, see `worker.OpenWorker`."""
    # Imported late: the main process, which is forked, must not load ONNX Runtime.
    from crnn_ocr.engine.ocr import OCR
    from crnn_ocr.jobs.backends import open_jobs
    from crnn_ocr.jobs.work.worker import MOST_NOTIFIED, Beside, Worker

    jobs = open_jobs(settings)
    threads = max(1, (settings.threads or available_cores()) // processes)
    ocr = OCR(settings, threads=threads)
    if settings.warm_up:
        ocr.warm_up()
    beside = Beside(notify=MOST_NOTIFIED)
    worker = Worker(jobs, ocr, name=name, stopping=stopping, beside=beside)
    queue = CeleryQueue(settings)

    def run_one() -> bool:
        if not worker.run_one():
            return False
        try:  # a file that was planned has brought many tasks, and the last page the one that assembles
            top_up(jobs.store, queue)
        except JobsUnavailableError as error:  # the main process does it as soon as it can be done
            _log.debug("jobs cannot be announced to workers", extra={"fields": {"reason": error.message}})
        return True

    return run_one


def open_background(settings: Settings) -> list[Background]:
    """Return the threads of the main process: the watcher, and what replaces lost tokens."""
    from crnn_ocr.jobs.redis_store import connect
    from crnn_ocr.jobs.work.watcher import WatcherLoop

    warn_if_forgetful(connect(table_url(settings)))
    lazy = LazyJobs(settings)
    return [WatcherLoop(lazy.get), TokenKeeper(lambda: lazy.get().store, CeleryQueue(settings))]
