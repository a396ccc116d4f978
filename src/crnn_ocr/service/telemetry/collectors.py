"""Collects the metrics that are measured at each scrape: processes, queue, jobs, cache, models."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client import Gauge

from crnn_ocr.errors import NotReadyError, OcrError
from crnn_ocr.jobs.backends import LazyJobs, has_table
from crnn_ocr.jobs.store import JobStore
from crnn_ocr.runtime.cgroups import memory_limit
from crnn_ocr.service.middleware.gate import Gate
from crnn_ocr.service.ocr.answer_cache import AnswerCache
from crnn_ocr.service.ocr.engine_protocol import Reader, Readiness
from crnn_ocr.service.server import unsent_answers
from crnn_ocr.service.telemetry.metrics import GIVEN_UP_REASONS, JOB_STATES, PAGE_STATES, Metrics
from crnn_ocr.service.telemetry.shared_metrics import VARIABLE
from crnn_ocr.settings import MIB, Settings

Probe = Callable[[Metrics], None]

#: Memory for which a service with one worker is designed, in bytes.
BUDGET = 512 * MIB
#: How often a worker refreshes its gauges, in seconds, because a scrape may ask another worker.
REFRESH_S = 5.0
#: How long figures of the table of jobs are kept, in seconds: counting takes longer the more jobs there are.
JOBS_S = 4.0
#: How long the space that their files take is kept, in seconds: a folder is walked through for it.
JOB_FILES_S = 30.0

_PROC = Path("/proc")


# ---- processes --------------------------------------------------------------------------------------


def processes(settings: Settings, *, proc: Path = _PROC) -> Probe:
    """Return the probe of the processes: memory and CPU time of this worker, memory of its supervisor."""
    limit = memory_limit() or BUDGET * settings.workers
    page_size = os.sysconf("SC_PAGE_SIZE")
    # The parent of a worker; without a shared folder this process is not a worker.
    supervisor = os.getppid() if VARIABLE in os.environ else None

    def look(metrics: Metrics) -> None:
        metrics.workers_wanted.set(settings.workers)
        metrics.memory_limit.set(limit)
        metrics.advance(metrics.cpu, time.process_time())
        for role, pid in (("worker", os.getpid()), ("supervisor", supervisor)):
            resident = None if pid is None else resident_pages(pid, proc)
            if resident is not None:
                metrics.resident.labels(role, str(pid)).set(resident * page_size)

    return look


def resident_pages(pid: int, proc: Path = _PROC) -> int | None:
    """Return how many pages of memory a process has in RAM; None if the system does not tell."""
    try:
        return int((proc / str(pid) / "statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None


# ---- the parts of the service -----------------------------------------------------------------------


def gate(of: Gate) -> Probe:
    """Return the probe of the gate: work that is admitted and bodies that are held."""
    admission, intake = of.admission, of.intake

    def look(metrics: Metrics) -> None:
        metrics.backlog.set(admission.backlog_s)
        metrics.capacity.set(admission.capacity_s)
        metrics.factor.set(admission.factor)
        metrics.bodies.set(intake.held)
        metrics.body_bytes.set(intake.held_bytes)
        metrics.body_limit.set(intake.max_bytes)

    return look


def answers_given_up(metrics: Metrics) -> None:
    """Count the connections of clients that did not take their answers; a probe."""
    for reason in GIVEN_UP_REASONS:
        metrics.advance(metrics.given_up, unsent_answers.given_up[reason], reason)


def cache(answers: AnswerCache, limit: int) -> Probe:
    """Return the probe of the cache."""

    def look(metrics: Metrics) -> None:
        counts = answers.counts()
        for result, count in (("hit", counts.hits), ("shared", counts.shared_hits), ("miss", counts.misses)):
            metrics.advance(metrics.cache_requests, count, result)
        metrics.cache_entries.set(counts.entries)
        metrics.cache_bytes.set(counts.size)
        metrics.cache_limit.set(limit)
        metrics.cache_failing.set(counts.shared_failing)

    return look


def jobs(lazy: LazyJobs, *, clock: Callable[[], float] = time.monotonic) -> Probe:
    """Return the probe of jobs, which asks for figures every few seconds at most, whoever scrapes.

    Args:
        lazy: The jobs of this process; they are not opened as long as there can be none.
        clock: Returns the time in seconds.
    """
    counts_at = files_at = -math.inf

    def look(metrics: Metrics) -> None:
        nonlocal counts_at, files_at
        metrics.job_bytes_limit.set(lazy.settings.jobs_quota_bytes)
        now = clock()
        if now - counts_at < JOBS_S:
            return
        counts_at = now
        try:
            if not has_table(lazy.settings):
                return
            opened = lazy.get()
            _show(metrics, opened.store)
            if now - files_at >= JOB_FILES_S:
                metrics.job_bytes.set(opened.files.used_bytes())
                files_at = now
        except OcrError:
            metrics.jobs_failing.set(1)
        else:
            metrics.jobs_failing.set(0)

    return look


def _show(metrics: Metrics, store: JobStore) -> None:
    counts = store.counts()
    for state in JOB_STATES:
        metrics.jobs.labels(state).set(counts.jobs.get(state, 0))
    for page_state in PAGE_STATES:
        metrics.job_pages.labels(page_state).set(counts.pages.get(page_state, 0))
    metrics.job_tasks.set(counts.waiting_tasks)
    metrics.job_leases.set(len(store.beats()))
    metrics.job_age.set(0 if counts.oldest is None else max(0.0, time.time() - counts.oldest))
    metrics.job_leases_lost.set(counts.expired_leases)
    metrics.job_retries.set(counts.retries)


def engine(reader: Reader, readiness: Readiness) -> Probe:
    """Return the probe of readiness, models and queue."""

    def look(metrics: Metrics) -> None:
        metrics.ready_workers.set(_is_ready(readiness))
        _mark(metrics, "active", metrics.model_active, [reader.model])
        _mark(metrics, "loaded", metrics.model_loaded, reader.loaded)
        counts = reader.scheduler_stats()
        metrics.queue_items.set(counts.waiting)
        metrics.cores_busy.set(counts.busy)
        metrics.cores.set(counts.cores)
        metrics.queue_requests.set(counts.requests)
        metrics.advance(metrics.items, counts.done)
        metrics.advance(metrics.item_wait, counts.waited_s)

    return look


def _is_ready(readiness: Readiness) -> bool:
    try:
        readiness.check()
    except NotReadyError:
        return False
    return True


def _mark(metrics: Metrics, kind: str, gauge: Gauge, present: Iterable[str]) -> None:
    """Set a gauge to 1 for the names that are present, and to 0 for those that were before."""
    marked = {metrics.bounded(kind, name) for name in present}
    for name in metrics.names(kind) | marked:
        gauge.labels(name).set(name in marked)


# ---- periodic refresh --------------------------------------------------------------------------------


def keep_fresh(metrics: Metrics, *, every_s: float = REFRESH_S) -> None:
    """Refresh the gauges every few seconds in a thread, because a scrape asks only one worker."""

    def look() -> None:
        while True:
            time.sleep(every_s)
            metrics.refresh()

    threading.Thread(target=look, name="metrics", daemon=True).start()
