"""Builds the Flask application."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response

from crnn_ocr.jobs.backends import LazyJobs
from crnn_ocr.service.api.responses import pretty_json
from crnn_ocr.service.middleware import auth, cors, error_handlers, rate_limit, request_scope, same_origin
from crnn_ocr.service.middleware.api_keys import KeyRing
from crnn_ocr.service.middleware.compression import packed
from crnn_ocr.service.middleware.gate import Gate
from crnn_ocr.service.middleware.same_origin import Site
from crnn_ocr.service.ocr.answer_cache import make_cache
from crnn_ocr.service.ocr.engine_protocol import Reader, Readiness
from crnn_ocr.service.ocr.ocr_service import Readings
from crnn_ocr.service.requests.parsing import FETCHER, INTAKE
from crnn_ocr.service.requests.url_fetch import Fetcher
from crnn_ocr.service.routes import (
    batch,
    compat_rapidocr,
    compat_umi,
    convert,
    export,
    models,
    ocr,
    preview,
    share,
)
from crnn_ocr.service.routes import jobs as jobs_routes
from crnn_ocr.service.routes.files import FileAnswers
from crnn_ocr.service.server import reply_and_drain
from crnn_ocr.service.telemetry.instrumentation import Observer
from crnn_ocr.service.telemetry.tracing import make_tracer
from crnn_ocr.service.workers.model_switch import Switching
from crnn_ocr.settings import Settings


class Service(Flask):
    """Flask application that sends the page's files gzipped."""

    def send_static_file(self, filename: str) -> Response:
        """Return one of the page's files."""
        folder = Path(self.root_path) / "ui"
        return packed(super().send_static_file(filename), folder / filename)


def create_app(
    reader: Reader,
    settings: Settings,
    *,
    switching: Switching,
    warm_up: bool = True,
    jobs: LazyJobs | None = None,
    cpu_clock: Callable[[], float] = time.process_time,
) -> Flask:
    """Build the WSGI application around a reader.

    Args:
        reader: The engine (`crnn_ocr.OCR`) or a fake with the same contract; shared by all threads.
        settings: Limits, keys and everything else that can be configured.
        switching: Switches the active model in all workers.
        warm_up: Start loading the models in the background at once, unless the settings say otherwise.
        jobs: The jobs of this process; its own when None.
        cpu_clock: Returns the CPU seconds that requests have taken so far.
    """
    app = Service(__name__, static_folder="ui", static_url_path="/ui")
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.url_map.merge_slashes = False
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.add_template_filter(pretty_json)
    app.extensions[FETCHER] = Fetcher.from_settings(settings)
    readiness = Readiness(reader, lazy=not settings.warm_up)
    gate = Gate(settings, cpu_clock=cpu_clock)
    app.extensions[INTAKE] = gate.intake
    answers = make_cache(settings)
    observer = Observer(settings, make_tracer())
    reply_and_drain.install(app)
    # A request passes these in the order of their installation: id, origin, key, rate, body.
    request_scope.install(app, trusted_proxies=settings.trusted_proxies)
    observer.install(app)
    cors.install(app, cors.check_origins(settings.cors_origins))
    keys = KeyRing.from_settings(settings)
    same_origin.install(app, settings, keys=bool(keys))
    auth.install(app, keys)
    rate_limit.install(app, settings)
    gate.install(app)
    error_handlers.install(app)
    lazy_jobs = jobs or LazyJobs(settings)
    observed = observer.watch(reader, readiness, gate, answers, lazy_jobs)
    readings = Readings(observed, answers, admit=gate.admit, issue_ticket=gate.issue_ticket)
    files = FileAnswers(reader, settings, gate.admit)
    ocr.install(app, reader, readings, readiness, files)
    convert.install(app, readings, files)
    batch.install(app, readings, settings, retry_after=gate.admission.retry_after)
    export.install(app, files, issue_ticket=gate.issue_ticket)
    jobs_routes.install(app, lazy_jobs, gate, reader)
    compat_rapidocr.install(app, readings)
    compat_umi.install(app, reader, readings)
    models.install(app, reader, switching, Site.from_settings(settings))
    share.install(app, Site.from_settings(settings))
    preview.install(app, reader, settings, admit=gate.admit, issue_ticket=gate.issue_ticket)
    if warm_up and settings.warm_up:
        readiness.start_warm_up()
    return app
