"""Adds metrics and traces to every request and every reading."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, g, request

from crnn_ocr.document import Document
from crnn_ocr.errors import DeadlineExceededError, OcrError, RequestCancelledError
from crnn_ocr.imaging.opened import Admit, OpenedDocument
from crnn_ocr.jobs.backends import LazyJobs
from crnn_ocr.models.fingerprint import Fingerprint
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling import stage_clock
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.api.openapi_components import Json, RouteGroup, responses
from crnn_ocr.service.middleware.gate import Gate
from crnn_ocr.service.middleware.request_scope import is_made_while_sent
from crnn_ocr.service.middleware.request_timing import current_timing
from crnn_ocr.service.ocr.answer_cache import AnswerCache
from crnn_ocr.service.ocr.engine_protocol import PictureReader, Reader, Readiness
from crnn_ocr.service.telemetry import collectors, tracing
from crnn_ocr.service.telemetry.metrics import METHODS, OTHER, Metrics, Outcome
from crnn_ocr.settings import Settings

if TYPE_CHECKING:
    from crnn_ocr.service.telemetry.spans import Tracer

# ---- requests ---------------------------------------------------------------------------------------


class Observer:
    """Observes the requests and readings of a process, for metrics and traces."""

    def __init__(self, settings: Settings, tracer: Tracer | None) -> None:
        """Prepare; nothing is observed yet."""
        self._settings = settings
        self._tracer = tracer
        self._metrics = Metrics() if settings.metrics else None

    def install(self, app: Flask) -> None:
        """Observe the requests of an application, and serve `/metrics`."""
        tracing.install(app, self._tracer)
        if self._metrics is not None:
            _install(app, self._metrics)

    def watch(
        self, reader: Reader, readiness: Readiness, gate: Gate, answers: AnswerCache | None, jobs: LazyJobs
    ) -> PictureReader:
        """Measure the parts of the service at every scrape.

        Returns:
            A reader whose readings are observed; the service must use it.
        """
        settings, metrics = self._settings, self._metrics
        if metrics is not None:
            metrics.add_probe(collectors.processes(settings))
            metrics.add_probe(collectors.engine(reader, readiness))
            metrics.add_probe(collectors.gate(gate))
            metrics.add_probe(collectors.answers_given_up)
            if settings.jobs != "off":
                metrics.add_probe(collectors.jobs(jobs))
            if answers is not None:
                metrics.add_probe(collectors.cache(answers, settings.cache_bytes))
            if settings.workers > 1:
                collectors.keep_fresh(metrics)
        return ObservedReader(reader, metrics, self._tracer)


def _install(app: Flask, metrics: Metrics) -> None:
    def begin() -> None:
        metrics.requests_in_progress.inc()
        g.counted = True

    def finish(response: Response) -> Response:
        if "error_code" in g:
            metrics.errors.labels(g.error_code).inc()
        method = request.method if request.method in METHODS else OTHER
        observe = _observer(metrics, method, route(), response.status_code, g.started)
        if is_made_while_sent(response):
            g.counted = False
            response.call_on_close(observe)
            response.call_on_close(metrics.requests_in_progress.dec)
        else:
            observe()
        return response

    def forget(_error: BaseException | None) -> None:
        if g.pop("counted", False):
            metrics.requests_in_progress.dec()

    app.before_request(begin)
    app.after_request(finish)
    app.teardown_request(forget)
    app.register_blueprint(_blueprint(metrics))


def route() -> str:
    """Return the route of the current request, such as `/ui/<path:filename>`; "other" if there is none."""
    return OTHER if request.url_rule is None else request.url_rule.rule


def _observer(metrics: Metrics, method: str, path: str, status: int, started: float) -> Callable[[], None]:
    def observe() -> None:
        spent = time.perf_counter() - started
        metrics.requests.labels(method, path, str(status)).inc()
        metrics.request_seconds.labels(path, f"{status // 100}xx").observe(spent)

    return observe


# ---- readings ---------------------------------------------------------------------------------------


class ObservedReader:
    """Reader whose readings are counted, timed and traced."""

    def __init__(self, reader: PictureReader, metrics: Metrics | None, tracer: Tracer | None) -> None:
        """Observe a reader."""
        self._reader = reader
        self._metrics = metrics
        self._tracer = tracer

    def fingerprint(self, options: ReadOptions) -> Fingerprint:
        """Return the fingerprint, see `PictureReader.fingerprint`."""
        return self._reader.fingerprint(options)

    def read(
        self,
        source: bytes,
        options: ReadOptions | None = None,
        *,
        ticket: Ticket | None = None,
        admit: Admit | None = None,
    ) -> Document:
        """Read a picture, see `PictureReader.read`; add the time of each stage to the current request."""
        spent: dict[str, float] = {}
        timing = current_timing.get()
        with nullcontext() if self._tracer is None else self._tracer.reading() as span:

            def add_stage(stage: str, begin: float, end: float, own: float) -> None:
                spent[stage] = spent.get(stage, 0.0) + own
                if timing is not None:
                    timing.add(stage, own)
                if span is not None:
                    span.add_stage(stage, begin, end)

            outcome: Outcome = "failed"
            document = None
            begin = time.perf_counter()
            refused = False

            @contextmanager
            def counted_from_here(opened: OpenedDocument) -> Iterator[None]:
                """Admit the document; the reading counts, and its time begins, only once it is admitted."""
                nonlocal begin, refused
                refused = True
                with nullcontext() if admit is None else admit(opened):
                    refused = False
                    begin = time.perf_counter()
                    yield

            token = stage_clock.listener.set(add_stage)
            try:
                document = self._reader.read(source, options, ticket=ticket, admit=counted_from_here)
                outcome = "read"
                if span is not None:
                    span.describe(document)
            except OcrError as error:
                outcome = _outcome(error)
                if span is not None:
                    span.fail(error.code)
                raise
            finally:
                stage_clock.listener.reset(token)
                if self._metrics is not None and not refused:
                    _count(self._metrics, outcome, document, spent, time.perf_counter() - begin)
            return document


def _outcome(error: OcrError) -> Outcome:
    match error:
        case RequestCancelledError():
            return "cancelled"
        case DeadlineExceededError():
            return "timed_out"
        case _ if error.http_status < 500:
            return "refused"
        case _:
            return "failed"


def _count(
    metrics: Metrics, outcome: Outcome, document: Document | None, spent: dict[str, float], seconds: float
) -> None:
    metrics.readings.labels(outcome).inc()
    for stage, part in spent.items():
        metrics.stage_seconds.labels(stage if stage in stage_clock.STAGES else OTHER).observe(part)
    if document is not None:
        metrics.reading_seconds.observe(seconds)
        metrics.pages.labels(metrics.bounded("model", document.model)).inc(len(document.pages))
        lines = [line for page in document.pages for line in page.lines]
        metrics.lines.inc(len(lines))
        metrics.characters.inc(sum(len("".join(line.text.split())) for line in lines))


# ---- the route --------------------------------------------------------------------------------------


def _blueprint(metrics: Metrics) -> Blueprint:
    api = Blueprint("metrics", __name__)

    @api.get("/metrics")
    def exposition() -> Response:
        text, media_type = metrics.exposition(request.headers.get("Accept", ""))
        return Response(text, content_type=media_type)

    return api


def _paths() -> Json:
    described = responses(None, "All metrics of all worker processes.")
    described["200"]["content"] = {
        kind: {"schema": {"type": "string"}} for kind in ("text/plain", "application/openmetrics-text")
    }
    return {
        "/metrics": {
            "get": {
                "operationId": "readMetrics",
                "summary": "Read the metrics",
                "description": "For Prometheus: its text format, or OpenMetrics where `Accept` asks for it. "
                "The answer describes every metric.",
                "responses": described,
            }
        }
    }


#: What `/metrics` adds to the OpenAPI document.
ROUTES = RouteGroup(_paths)
