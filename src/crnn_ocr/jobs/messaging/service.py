"""What a process of the service runs where workers elsewhere do the jobs: the watcher and the tokens."""

from __future__ import annotations

from dataclasses import replace

from crnn_ocr.jobs.backends import LazyJobs, open_jobs
from crnn_ocr.jobs.messaging.tokens import CeleryQueue, TokenKeeper
from crnn_ocr.jobs.work.watcher import WatcherLoop
from crnn_ocr.settings import Settings


class DistributedJobs:
    """The jobs of a process of the service, which others work on. Make it after a fork, not before.

    Attributes:
        jobs: The table and the files. A job that is created in it is announced at once.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare; nothing is started or connected yet.

        Raises:
            SettingsError: There is no Redis for the table, or a URL is not valid.
            MissingExtraError: Celery is not installed.
        """
        keeper = TokenKeeper(lambda: self.jobs.get().store, CeleryQueue(settings))
        self.jobs = LazyJobs(settings, lambda given: replace(open_jobs(given), announce=keeper.wake))
        self._threads = (WatcherLoop(self.jobs.get), keeper)

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float) -> None:
        """End; wait for it at most for that many seconds per thread."""
        for thread in self._threads:
            thread.stop(timeout_s)
