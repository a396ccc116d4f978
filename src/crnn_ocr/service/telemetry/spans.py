"""Spans of requests and readings for OpenTelemetry: the one module that touches it.

Exporters, sampling, resource and propagation are configured by the standard variables
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Attributes follow the
semantic conventions for HTTP; those of the product begin with `crnn_ocr.`. None holds text or picture.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points

from flask import Response, g, request
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

import crnn_ocr
from crnn_ocr.document import Document
from crnn_ocr.errors import SettingsError
from crnn_ocr.logging import TraceIds
from crnn_ocr.service.telemetry.tracer import ReadingSpan, RequestSpan

_GROUP = "opentelemetry_traces_exporter"
_PROTOCOLS = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}


def check(environment: Mapping[str, str]) -> None:
    """Refuse exporters that there are not.

    Raises:
        SettingsError: One of them is not installed, or the protocol is none.
    """
    _exporters(environment)


def connect(environment: Mapping[str, str]) -> OtelTracer:
    """A tracer with the exporters that the environment names; what is left is sent when the process ends.

    Raises:
        SettingsError: One of them is not installed, or the protocol is none.
    """
    provider = TracerProvider(resource=_resource(environment))
    for exporter in _exporters(environment):
        provider.add_span_processor(BatchSpanProcessor(exporter.load()()))
    return OtelTracer(provider)


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


class OtelTracer:
    """Makes spans of a provider; serves all threads of a process."""

    def __init__(self, provider: TracerProvider) -> None:
        """Use a provider that is configured."""
        self.provider = provider
        self._tracer = provider.get_tracer("crnn_ocr", crnn_ocr.__version__)

    def request(self) -> RequestSpan:
        """Begin the span of the current request, in the trace that its headers name."""
        rule = request.url_rule
        name = request.method if rule is None else f"{request.method} {rule.rule}"
        attributes: dict[str, str | int] = {
            "http.request.method": request.method,
            "url.path": request.path,
            "url.scheme": request.scheme,
            "client.address": request.remote_addr or "",
            "crnn_ocr.request_id": g.request_id,
        }
        if rule is not None:
            attributes["http.route"] = rule.rule
        if "User-Agent" in request.headers:
            attributes["user_agent.original"] = request.headers["User-Agent"]
        span = self._tracer.start_span(
            name, extract(request.headers), kind=SpanKind.SERVER, attributes=attributes
        )
        return _RequestSpan(span)

    @contextmanager
    def reading(self) -> Iterator[ReadingSpan]:
        """The span of a reading, part of what runs in this context."""
        offset = time.time_ns() - time.perf_counter_ns()
        with self._tracer.start_as_current_span(
            "read", record_exception=False, set_status_on_exception=False
        ) as span:
            yield _ReadingSpan(self._tracer, span, offset)


class _RequestSpan:
    def __init__(self, span: Span) -> None:
        self._span = span
        self._token = otel_context.attach(trace.set_span_in_context(span))
        self._ended = False

    @property
    def ids(self) -> TraceIds:
        context = self._span.get_span_context()
        return TraceIds(trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id))

    def finish(self, response: Response) -> None:
        self._span.set_attribute("http.response.status_code", response.status_code)
        if "error_code" in g:
            self._span.set_attribute("error.type", g.error_code)
        for name, value in g.get("result_size", {}).items():
            self._span.set_attribute(f"crnn_ocr.{name}", value)
        if response.status_code >= 500:
            self._span.set_status(Status(StatusCode.ERROR))

    def leave(self) -> None:
        otel_context.detach(self._token)

    def end(self) -> None:
        if not self._ended:
            self._ended = True
            self._span.end()


class _ReadingSpan:
    def __init__(self, tracer: trace.Tracer, span: Span, offset: int) -> None:
        self._tracer = tracer
        self._span = span
        self._offset = offset  # from the clock of stages to that of traces, in nanoseconds
        self._context = trace.set_span_in_context(span)

    def stage(self, stage: str, begin: float, end: float) -> None:
        span = self._tracer.start_span(stage, self._context, start_time=self._nanoseconds(begin))
        span.end(self._nanoseconds(end))

    def read(self, document: Document) -> None:
        self._span.set_attribute("crnn_ocr.model", document.model)
        self._span.set_attribute("crnn_ocr.pages", len(document.pages))
        self._span.set_attribute("crnn_ocr.lines", sum(len(page.lines) for page in document.pages))

    def failed(self, code: str) -> None:
        self._span.set_attribute("error.type", code)
        self._span.set_status(Status(StatusCode.ERROR))

    def _nanoseconds(self, moment: float) -> int:
        return int(moment * 1e9) + self._offset
