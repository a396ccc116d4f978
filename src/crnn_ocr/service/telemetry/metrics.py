"""Defines the metrics of the service, and writes them as text for Prometheus.

Names follow the conventions of Prometheus: base units, `_total` for counters. Every label has few values,
none of which a client can choose: routes rather than paths, codes rather than messages. If worker processes
share a folder (`shared_metrics`), whichever is asked adds up the values of all.
"""

from __future__ import annotations

import logging
import os
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

import crnn_ocr
from crnn_ocr.jobs.records import JobState, PageState
from crnn_ocr.scheduling.stage_clock import STAGES
from crnn_ocr.service.server.unsent_answers import Reason
from crnn_ocr.service.telemetry.shared_metrics import VARIABLE

#: In seconds, from answers of the cache to the longest time that a client is likely to wait.
REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
STAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
OUTCOMES = ("read", "refused", "cancelled", "timed_out", "failed")
CACHE_RESULTS = ("hit", "shared", "miss")
EXIT_REASONS = ("left", "crashed")
JOB_STATES: tuple[JobState, ...] = get_args(JobState)
PAGE_STATES: tuple[PageState, ...] = get_args(PageState)
GIVEN_UP_REASONS: tuple[Reason, ...] = ("slow", "crowded")

#: Number of names that a label may have if people choose them, such as names of model packs.
MOST_NAMES = 50
OTHER = "other"

_log = logging.getLogger(__name__)

Kind = Literal["counter", "gauge", "histogram"]
#: How the values of several workers are combined.
Merge = Literal["livesum", "livemax"]
Outcome = Literal["read", "refused", "cancelled", "timed_out", "failed"]


@dataclass(frozen=True, slots=True)
class Definition:
    """Description of a metric for the documentation."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


def worker_exits(registry: CollectorRegistry) -> Counter:
    """Return the only counter of the supervisor."""
    return Counter(
        "crnn_ocr_worker_exits_total",
        "Worker processes that ended and were replaced: left (told to, or after its number of requests) "
        "or crashed.",
        ["reason"],
        registry=registry,
    )


class Metrics:
    """All metrics of a process. It is safe to use from several threads."""

    def __init__(self) -> None:
        """Make all metrics; in a worker process this opens their files."""
        self._registry = CollectorRegistry()
        self._lock = threading.Lock()
        self._probes: list[Callable[[Metrics], None]] = []
        self._totals: dict[tuple[str, ...], float] = {}
        self._names: dict[str, set[str]] = {}
        self.definitions: list[Definition] = []
        self._make_http()
        self._make_readings()
        self._make_queue()
        self._make_jobs()
        self._make_models()
        self._make_processes()

    # ---- definitions ------------------------------------------------------------------------------

    def _make_http(self) -> None:
        self.requests = self._counter("http_requests", "Requests answered.", "method", "route", "status")
        self.request_seconds = self._histogram(
            "http_request_duration_seconds",
            "Time from the head of a request to its whole answer; status is 2xx to 5xx.",
            REQUEST_BUCKETS,
            "route",
            "status",
        )
        self.requests_in_progress = self._gauge("http_requests_in_progress", "Requests being answered.")
        self.errors = self._counter("errors", "Requests answered with an error, by its code.", "code")
        self.given_up = self._counter(
            "answers_given_up",
            "Connections closed because the client did not take its answer: slow (too little in its time) or "
            "crowded (the worker kept too much, and this client the most).",
            "reason",
        )
        for reason in GIVEN_UP_REASONS:
            self.given_up.labels(reason)

    def _make_readings(self) -> None:
        self.readings = self._counter(
            "readings",
            "Pictures and documents given to the engine: read, refused (bad input), cancelled (the client "
            "left), timed_out, or failed (the service's fault).",
            "outcome",
        )
        self.reading_seconds = self._histogram(
            "reading_duration_seconds", "Time that the engine took for a document.", REQUEST_BUCKETS
        )
        self.stage_seconds = self._histogram(
            "stage_duration_seconds",
            "Time that a document spent in a stage, all pages together; queue is waiting for room or a core.",
            STAGE_BUCKETS,
            "stage",
        )
        self.pages = self._counter("pages", "Pages read.", "model")
        self.lines = self._counter("lines", "Lines of text read.")
        self.characters = self._counter("characters", "Characters read, spaces aside.")
        self.cache_requests = self._counter(
            "cache_requests",
            "Readings asked of the cache: hit (this worker had it), shared (Redis had it), miss (read anew).",
            "result",
        )
        self.cache_entries = self._gauge("cache_entries", "Answers that the workers keep.")
        self.cache_bytes = self._gauge("cache_bytes", "Memory that kept answers take.")
        self.cache_limit = self._gauge("cache_limit_bytes", "Memory that kept answers may take.")
        self.cache_failing = self._gauge(
            "cache_shared_failing", "1 while the shared cache (Redis) does not answer.", merge="livemax"
        )
        for outcome in OUTCOMES:
            self.readings.labels(outcome)
        for stage in STAGES:
            self.stage_seconds.labels(stage)
        for result in CACHE_RESULTS:
            self.cache_requests.labels(result)

    def _make_queue(self) -> None:
        self.queue_items = self._gauge("queue_items", "Runs of networks that wait for a core.")
        self.queue_requests = self._gauge("queue_requests", "Readings that share the cores.")
        self.cores_busy = self._gauge("cores_busy", "Cores that run networks.")
        self.cores = self._gauge("cores", "Cores that networks may be run on.")
        self.items = self._counter("items", "Runs of networks that are done.")
        self.item_wait = self._counter("item_wait_seconds", "Time that runs waited for a core, in all.")
        self.backlog = self._gauge("admission_backlog_seconds", "Work let in, in estimated CPU seconds.")
        self.capacity = self._gauge("admission_capacity_seconds", "Work that may be in, in CPU seconds.")
        self.factor = self._gauge(
            "admission_factor", "CPU time that work took per CPU time estimated.", merge="livemax"
        )
        self.bodies = self._gauge("intake_bodies", "Request bodies held.")
        self.body_bytes = self._gauge("intake_bytes", "Memory reserved for request bodies.")
        self.body_limit = self._gauge("intake_limit_bytes", "Memory that request bodies may take.")

    def _make_jobs(self) -> None:
        """Make the metrics of jobs, which every service that shares a table reads from it alike."""
        self.jobs = self._gauge("jobs", "Jobs in the table, by state.", "state", merge="livemax")
        self.job_pages = self._gauge(
            "job_pages", "Pages of unfinished jobs, by state.", "state", merge="livemax"
        )
        self.job_tasks = self._gauge(
            "job_tasks_waiting", "Tasks of jobs that a worker could take now.", merge="livemax"
        )
        self.job_leases = self._gauge("job_leases", "Tasks of jobs that workers are at.", merge="livemax")
        self.job_age = self._gauge(
            "job_oldest_age_seconds", "Age of the oldest unfinished job; 0 without one.", merge="livemax"
        )
        self.job_leases_lost = self._gauge(
            "job_leases_lost", "Tasks, ever, whose worker vanished; counted in the table.", merge="livemax"
        )
        self.job_retries = self._gauge(
            "job_retries", "Tasks, ever, that were given out again; counted in the table.", merge="livemax"
        )
        self.job_bytes = self._gauge("job_files_bytes", "Space that files of jobs take.", merge="livemax")
        self.job_bytes_limit = self._gauge(
            "job_files_limit_bytes", "Space that files of jobs may take; 0 without jobs.", merge="livemax"
        )
        self.jobs_failing = self._gauge(
            "jobs_failing", "1 while the table of jobs or their files cannot be reached.", merge="livemax"
        )
        for state in JOB_STATES:
            self.jobs.labels(state)
        for page_state in PAGE_STATES:
            self.job_pages.labels(page_state)

    def _make_models(self) -> None:
        self.build = self._gauge("build_info", "Always 1.", "version", merge="livemax")
        self.build.labels(crnn_ocr.__version__).set(1)
        self.ready_workers = self._gauge("ready_workers", "Workers that can read, as `/readyz` says.")
        self.model_active = self._gauge("model_active", "Workers that use this model by default.", "model")
        self.model_loaded = self._gauge("model_loaded", "Workers that hold this model in memory.", "model")

    def _make_processes(self) -> None:
        self.workers = self._gauge("workers", "Worker processes that serve.")
        self.workers.set(1)
        self.workers_wanted = self._gauge("workers_configured", "Worker processes wanted.", merge="livemax")
        self.worker_exits = worker_exits(self._registry)
        self._define("worker_exits_total", "counter", self.worker_exits._documentation, "reason")
        for reason in EXIT_REASONS:
            self.worker_exits.labels(reason)
        self.resident = self._gauge(
            "memory_resident_bytes",
            "Resident memory of each process, by its role (worker or supervisor) and id; what processes "
            "share counts for each.",
            "role",
            "process",  # not `pid`, which prometheus_client uses itself
            merge="livemax",
        )
        self.memory_limit = self._gauge(
            "memory_limit_bytes",
            "Memory that the service may use: the container's limit, else 512 MiB per worker.",
            merge="livemax",
        )
        self.cpu = self._counter("cpu_seconds", "CPU time that the workers used.")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        self._define(f"{name}_total", "counter", text, *labels)
        return Counter(f"crnn_ocr_{name}_total", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str, merge: Merge = "livesum") -> Gauge:
        self._define(name, "gauge", text, *labels)
        return Gauge(f"crnn_ocr_{name}", text, labels, registry=self._registry, multiprocess_mode=merge)

    def _histogram(self, name: str, text: str, buckets: Iterable[float], *labels: str) -> Histogram:
        self._define(name, "histogram", text, *labels)
        return Histogram(f"crnn_ocr_{name}", text, labels, registry=self._registry, buckets=tuple(buckets))

    def _define(self, name: str, kind: Kind, text: str, *labels: str) -> None:
        self.definitions.append(Definition(f"crnn_ocr_{name}", kind, labels, text))

    # ---- values -----------------------------------------------------------------------------------

    def advance(self, counter: Counter, total: float, *labels: str) -> None:
        """Advance a counter to a total that is counted elsewhere.

        Args:
            counter: The counter.
            total: The total since the start; if it is smaller than last time, the count started again.
            labels: The counter's labels.
        """
        key = (str(id(counter)), *labels)
        with self._lock:
            before = self._totals.get(key, 0.0)
            self._totals[key] = total
        grown = total - before if total >= before else total
        if grown:
            (counter.labels(*labels) if labels else counter).inc(grown)

    def bounded(self, kind: str, name: str) -> str:
        """Return the name, or "other" if there have been too many different names of that kind."""
        with self._lock:
            names = self._names.setdefault(kind, set())
            if name in names or len(names) < MOST_NAMES:
                names.add(name)
                return name
        return OTHER

    def names(self, kind: str) -> frozenset[str]:
        """Return all names of that kind so far."""
        with self._lock:
            return frozenset(self._names.get(kind, ()))

    def add_probe(self, probe: Callable[[Metrics], None]) -> None:
        """Add a function that measures something and sets its gauges before every scrape."""
        self._probes.append(probe)

    def refresh(self) -> None:
        """Run all probes; one that fails does not affect the others."""
        for probe in self._probes:
            try:
                probe(self)
            except Exception as error:
                _log.error("metrics not refreshed", exc_info=error)

    # ---- text -------------------------------------------------------------------------------------

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """Return all metrics of all workers as text.

        Without a shared folder these are the metrics of this process alone.

        Args:
            accept: The header `Accept`, which decides between Prometheus' own format and OpenMetrics.

        Returns:
            The text and its media type.
        """
        self.refresh()
        encode, media_type = choose_encoder(accept)
        if VARIABLE in os.environ:
            try:
                registry = CollectorRegistry()
                MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
                return encode(registry), media_type
            except (OSError, RuntimeError, ValueError, struct.error) as error:
                _log.error("metrics of the other processes cannot be read", exc_info=error)
        return encode(self._registry), media_type
