"""Makes spans for OpenTelemetry; no other module imports it.

Requests are traced by OpenTelemetry's own instrumentation of Flask; only readings and their stages are ours.

Exporters, sampling, resource and propagation are configured by the standard variables
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Attributes follow the
semantic conventions for HTTP; those of the product begin with `crnn_ocr.`. None holds text or picture.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points

from flask import Flask, g, request
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, Status, StatusCode

import crnn_ocr
from crnn_ocr.document import Document
from crnn_ocr.errors import SettingsError
from crnn_ocr.logging import TraceIds, current_trace

_GROUP = "opentelemetry_traces_exporter"
_PROTOCOLS = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}


def check(environment: Mapping[str, str]) -> None:
    """Check that the exporters in the environment exist.

    Raises:
        SettingsError: An exporter is not installed, or the protocol is not supported.
    """
    _exporters(environment)


def connect(environment: Mapping[str, str]) -> Tracer:
    """Return a tracer with the exporters in the environment.

    Raises:
        SettingsError: An exporter is not installed, or the protocol is not supported.
    """
    provider = TracerProvider(resource=_resource(environment))
    for exporter in _exporters(environment):
        provider.add_span_processor(BatchSpanProcessor(exporter.load()()))
    return Tracer(provider)


def _exporters(environment: Mapping[str, str]) -> list[EntryPoint]:
    names = [name.strip() for name in environment.get("OTEL_TRACES_EXPORTER", "").lower().split(",")]
    return [_exporter(name or "otlp", environment) for name in names if name != "none"]


def _exporter(name: str, environment: Mapping[str, str]) -> EntryPoint:
    if name == "otlp":
        protocol = (
            environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
            or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL")
            or "http/protobuf"
        )
        if protocol not in _PROTOCOLS:
            raise SettingsError(
                f"OTEL_EXPORTER_OTLP_PROTOCOL: {protocol!r} is not supported.",
                hint=f"Choose one of {', '.join(_PROTOCOLS)}.",
            )
        name = _PROTOCOLS[protocol]
    installed = entry_points(group=_GROUP)
    if name not in installed.names:
        raise SettingsError(
            f"OTEL_TRACES_EXPORTER: no exporter {name!r} is installed.",
            hint=f"Install its package, or choose one of otlp, {', '.join(sorted(installed.names))}.",
        )
    return installed[name]


def _resource(environment: Mapping[str, str]) -> Resource:
    attributes = {"service.version": crnn_ocr.__version__}
    named = environment.get("OTEL_SERVICE_NAME") or "service.name=" in environment.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    if not named:
        attributes["service.name"] = "crnn-ocr"
    return Resource.create(attributes)


# ---- spans ------------------------------------------------------------------------------------------


class Tracer:
    """Maker of spans. It is safe to use from several threads."""

    def __init__(self, provider: TracerProvider) -> None:
        """Use a configured provider."""
        self.provider = provider
        self._tracer = provider.get_tracer("crnn_ocr", crnn_ocr.__version__)

    def instrument(self, app: Flask) -> None:
        """Make a span for every request, in the trace named by its headers."""
        # The stable conventions for HTTP; the instrumentation defaults to older ones.
        os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
        FlaskInstrumentor.instrument_app(  # type: ignore[no-untyped-call]
            app,
            tracer_provider=self.provider,
            request_hook=_begin_request,
            response_hook=_finish_request,
            enable_commenter=False,
        )

    @contextmanager
    def reading(self) -> Iterator[ReadingSpan]:
        """Make the span of a reading while the block runs, within the span of the current context."""
        with self._tracer.start_as_current_span(
            "read", record_exception=False, set_status_on_exception=False
        ) as span:
            yield ReadingSpan(self._tracer, span)


def _begin_request(span: Span, _environ: object) -> None:
    context = span.get_span_context()
    current_trace.set(
        TraceIds(trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id))
    )
    span.set_attribute("crnn_ocr.request_id", g.request_id)
    if request.url_rule is None:
        span.update_name(request.method)  # not the path, because clients could cause any number of names


def _finish_request(span: Span | None, _status: str, _headers: object) -> None:
    if span is None:
        return
    if request.query_string:  # it may hold private data, so the log does not show it either
        span.set_attribute("url.query", "REDACTED")
    if "error_code" in g:
        span.set_attribute("error.type", g.error_code)
    for name, value in g.get("result_size", {}).items():
        span.set_attribute(f"crnn_ocr.{name}", value)


class ReadingSpan:
    """The span of one reading."""

    def __init__(self, tracer: trace.Tracer, span: Span) -> None:
        """Use a span that has started."""
        self._tracer = tracer
        self._span = span
        self._context = trace.set_span_in_context(span)
        # Difference between the clock of stages and that of traces, in nanoseconds.
        self._offset = time.time_ns() - time.perf_counter_ns()

    def add_stage(self, stage: str, begin: float, end: float) -> None:
        """Add the span of a stage that has ended; times are seconds on `time.perf_counter`."""
        span = self._tracer.start_span(stage, self._context, start_time=self._nanoseconds(begin))
        span.end(self._nanoseconds(end))

    def describe(self, document: Document) -> None:
        """Record the amount of text, never the text itself."""
        self._span.set_attribute("crnn_ocr.model", document.model)
        self._span.set_attribute("crnn_ocr.pages", len(document.pages))
        self._span.set_attribute("crnn_ocr.lines", sum(len(page.lines) for page in document.pages))

    def fail(self, code: str) -> None:
        """Record the code of the error with which the reading failed."""
        self._span.set_attribute("error.type", code)
        self._span.set_status(Status(StatusCode.ERROR))

    def _nanoseconds(self, moment: float) -> int:
        return int(moment * 1e9) + self._offset
