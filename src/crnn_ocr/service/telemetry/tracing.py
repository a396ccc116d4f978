"""Reads the trace of each request, and makes spans for OpenTelemetry if the environment configures them.

Nothing of OpenTelemetry is imported unless its standard variables ask for traces: `OTEL_TRACES_EXPORTER`, or
an endpoint for OTLP. Only `crnn_ocr.service.telemetry.spans` imports it.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flask import Flask, request

from crnn_ocr.errors import MissingExtraError
from crnn_ocr.logging import TraceIds, current_trace

if TYPE_CHECKING:
    from crnn_ocr.service.telemetry.spans import Tracer

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_NEEDED = ("sdk.trace", "instrumentation.flask")
_PARENT = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-[0-9a-f]{2}(?P<rest>-.*)?"
)


def parse_traceparent(header: str) -> TraceIds | None:
    """Return the ids of a `traceparent` header (https://www.w3.org/TR/trace-context/); None if invalid."""
    found = _PARENT.fullmatch(header.strip())
    if found is None or found["version"] == "ff" or (found["version"] == "00" and found["rest"] is not None):
        return None
    if not (found["trace"].strip("0") and found["span"].strip("0")):
        return None
    return TraceIds(found["trace"], found["span"])


def is_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the standard variables ask for traces."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if exporters:
        return exporters != "none"
    return any(environment.get(name, "").strip() for name in _ENDPOINTS)


def check(environment: Mapping[str, str] = os.environ) -> None:
    """Check at start that traces can be sent, if they are configured.

    Raises:
        MissingExtraError: They are configured, and OpenTelemetry is not installed.
        SettingsError: An exporter is not known.
    """
    if is_wanted(environment):
        _require()
        from crnn_ocr.service.telemetry import spans

        spans.check(environment)


def _require() -> None:
    try:
        found = all(importlib.util.find_spec(f"opentelemetry.{name}") for name in _NEEDED)
    except ModuleNotFoundError:
        found = False
    if not found:
        raise MissingExtraError(
            "The variables OTEL_… ask for traces, and OpenTelemetry is not installed.",
            hint="Install it: pip install 'crnn-ocr[otel]', or set OTEL_SDK_DISABLED=true.",
        )


def make_tracer(environment: Mapping[str, str] = os.environ) -> Tracer | None:
    """Return the tracer for this environment, or None; call it after the fork, as exporters have threads.

    Raises:
        MissingExtraError: Traces are configured, and OpenTelemetry is not installed.
        SettingsError: An exporter is not known.
    """
    if not is_wanted(environment):
        return None
    _require()
    from crnn_ocr.service.telemetry import spans

    return spans.connect(environment)


# ---- requests ---------------------------------------------------------------------------------------


def install(app: Flask, tracer: Tracer | None) -> None:
    """Add the trace of every request to its log lines; with a tracer, make a span for it."""

    def begin() -> None:
        current_trace.set(parse_traceparent(request.headers.get("traceparent", "")))

    def forget(_error: BaseException | None) -> None:
        current_trace.set(None)

    app.before_request(begin)
    app.teardown_request(forget)
    if tracer is not None:
        tracer.instrument(app)
