"""Watches over the workers of jobs: gives lost tasks out again, and deletes what is kept no longer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from crnn_ocr.errors import OcrError
from crnn_ocr.jobs.backends import Jobs
from crnn_ocr.jobs.files import unconfirmed_key
from crnn_ocr.jobs.store import LEASE_S, Beat
from crnn_ocr.jobs.upload_limits import longest_upload_s
from crnn_ocr.jobs.work.loop import Loop

_log = logging.getLogger(__name__)

#: Seconds between two looks at the leases.
LOOK_S = 1.0
#: Seconds between two looks for jobs and files that are kept no longer.
PURGE_S = 60.0
#: Seconds for which the record of a job whose files are gone is kept.
FORGET_S = 86_400.0
#: Seconds for which files without a job are left alone after the longest time that an upload may take: they
#: are stored before the job is created, and archives are expanded in between.
ORPHAN_S = 3_600.0
#: Seconds for which files stay that are marked as those of a job that perhaps exists, after the table has
#: answered that it does not: a request that was on its way when the table failed has arrived by then.
UNCONFIRMED_S = 60.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """A beat, and when it was seen first, in seconds on the watcher's clock."""

    count: int
    since: float


class _Deletions:
    """Deletions of one look, of which some may fail."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lost_s = 0.0
        self._reason = ""
        self.failed: set[str] = set()

    @contextmanager
    def of(self, job: str) -> Iterator[None]:
        """Delete a job in the block; if that fails, others may be tried.

        Raises:
            OcrError: Failing takes so long, as where a bucket is away, that nobody watches the leases.
        """
        began = self._clock()
        try:
            yield
        except OcrError as error:
            self.failed.add(job)
            self._reason = error.message
            self._lost_s += self._clock() - began
            if self._lost_s >= LOOK_S:
                raise

    def log(self) -> None:
        """Log what failed."""
        if self.failed:
            fields = {"jobs": len(self.failed), "reason": self._reason}
            _log.warning("jobs could not be deleted", extra={"fields": fields})


class Watcher:
    """Looks at the table from time to time. Several of them do no harm: each change is made once.

    A lease is judged by the watcher's own monotonic clock alone, see `crnn_ocr.jobs.store`.
    """

    def __init__(
        self,
        jobs: Jobs,
        *,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], float] = time.time,
    ) -> None:
        """Prepare.

        Args:
            jobs: The table and the files.
            clock: Returns seconds that never go back.
            today: Returns seconds since 1970.
        """
        self._jobs = jobs
        self._clock = clock
        self._today = today
        self._seen: dict[str, _Seen] = {}
        #: When files were first seen without a job, and when they were first seen with the mark, too.
        self._orphans: dict[str, float] = {}
        self._unconfirmed: dict[str, float] = {}
        self._purged: float | None = None

    def look(self) -> None:
        """Give out lost tasks again and, once in a while, delete what is kept no longer.

        Raises:
            JobsUnavailableError: The table or the files cannot be reached.
        """
        self._revoke_lost()
        now = self._clock()
        if self._purged is None or now - self._purged >= PURGE_S:
            self._purged = now
            deletions = _Deletions(self._clock)
            try:
                self._purge(deletions)
                self._delete_orphans(deletions)
            finally:
                deletions.log()
            self._jobs.store.forget(self._today() - FORGET_S)

    def _revoke_lost(self) -> None:
        now = self._clock()
        try:
            beats = self._jobs.store.beats()
        except OcrError:
            self._seen = {}  # nobody could beat meanwhile
            raise
        seen: dict[str, _Seen] = {}
        for beat in beats:
            before = self._seen.get(beat.lease)
            if before is None or before.count != beat.count:
                seen[beat.lease] = _Seen(beat.count, now)
            elif now - before.since < LEASE_S:
                seen[beat.lease] = before
            elif self._jobs.store.revoke(Beat(beat.lease, beat.count)):
                _log.warning("a worker of jobs was lost", extra={"fields": {"lease": beat.lease[:8]}})
        self._seen = seen

    def _purge(self, deletions: _Deletions) -> None:
        """Delete what is kept no longer; a job that cannot be deleted does not keep the others."""
        store, now = self._jobs.store, self._today()
        while due := [job for job in store.due(now) if job not in deletions.failed]:
            for job in due:
                with deletions.of(job):
                    self._jobs.files.delete_job(job)
                    store.expire(job)

    def _delete_orphans(self, deletions: _Deletions) -> None:
        """Delete files without a job, which a process left that was killed."""
        now = self._clock()
        orphans: dict[str, float] = {}
        for job_id in self._jobs.files.job_ids():
            job = self._jobs.store.get(job_id)
            if job is not None and job.state != "expired":
                continue
            since = self._orphans.get(job_id, now)
            orphans[job_id] = since
            with deletions.of(job_id):
                if job is not None or now >= self._orphaned_at(job_id, since):
                    self._jobs.files.delete_job(job_id)
                    del orphans[job_id]
        self._orphans = orphans
        self._unconfirmed = {job: self._unconfirmed[job] for job in self._unconfirmed if job in orphans}

    def _orphaned_at(self, job: str, since: float) -> float:
        """Return until when files are left alone that have been seen without a job since then."""
        try:
            self._jobs.files.get(unconfirmed_key(job))
        except KeyError:
            return since + longest_upload_s(self._jobs.settings) + ORPHAN_S
        return self._unconfirmed.setdefault(job, self._clock()) + UNCONFIRMED_S


class WatcherLoop(Loop):
    """Thread that watches as long as its process lives."""

    def __init__(self, open_jobs: Callable[[], Jobs | None]) -> None:
        """Prepare; nothing is started yet.

        Args:
            open_jobs: Opens the table and the files; returns None as long as there is nothing to watch.
        """
        super().__init__(
            "job-watcher", outage="jobs cannot be watched over", fault="the watcher of jobs failed"
        )
        self._open_jobs = open_jobs

    def _run(self) -> None:
        watcher: Watcher | None = None
        while not self._ended.wait(LOOK_S):
            with self._logged():
                if watcher is None and (jobs := self._open_jobs()) is not None:
                    watcher = Watcher(jobs)
                if watcher is not None:
                    watcher.look()
