from __future__ import annotations

import builtins
import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from crnn_ocr.document import Document
from crnn_ocr.errors import OcrError, OverloadedError, SettingsError
from crnn_ocr.logging import JsonFormatter, current_trace
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling import stage_clock
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service import app as app_module
from crnn_ocr.service.telemetry import spans, tracing
from crnn_ocr.service.telemetry.spans import Tracer
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app, document, page
from tests.service.rendering import png
from tests.service.wire import clean_environment, running_server

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
SECRET = "合计5999"


# ---- where a request comes from ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", [PARENT, f" {PARENT} ", f"00-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-01-later"]
)
def test_valid_parents(header: str) -> None:
    assert tracing.parse_traceparent(header) == (TRACE, SPAN)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        PARENT.upper(),
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"{PARENT}-more",
        f"{PARENT}\nx",
    ],
)
def test_invalid_parents(header: str) -> None:
    assert tracing.parse_traceparent(header) is None


def test_the_callers_trace_is_in_the_log_without_opentelemetry(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    lines: list[dict[str, Any]] = []

    class Keep(JsonFormatter):
        def format(self, record: Any) -> str:
            text = super().format(record)
            lines.append(json.loads(text))
            return text

    caplog.handler.setFormatter(Keep())
    with caplog.at_level("INFO", "crnn_ocr.service.request"):
        client.get("/options", headers={"traceparent": PARENT})
        client.get("/options")
    assert (lines[0]["trace_id"], lines[0]["span_id"]) == (TRACE, SPAN)
    assert "trace_id" not in lines[1]
    assert current_trace.get() is None


# ---- whether spans are wanted -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, False),
        ({"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
    ],
)
def test_the_standard_variables_decide(environment: Mapping[str, str], wanted: bool) -> None:
    assert tracing.is_wanted(environment) is wanted
    tracer = tracing.make_tracer(environment)
    assert (tracer is not None) is wanted
    if tracer is not None:
        tracer.provider.shutdown()


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "'zipkin'"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "smoke"}, "'smoke'"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "'otlp_proto_grpc'"),
    ],
)
def test_what_cannot_be_exported_is_refused_at_start(environment: Mapping[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        tracing.check(environment)


def test_several_exporters() -> None:
    tracing.check({"OTEL_TRACES_EXPORTER": "console, otlp,none"})


WITHOUT = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Block())
from crnn_ocr.cli import main
sys.exit(main(["serve", "--port", "0"]))
"""


def test_without_the_extra_the_start_says_what_is_missing() -> None:
    environment = clean_environment(OTEL_TRACES_EXPORTER="console")
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "crnn-ocr[otel]" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_the_extra_what_asks_for_nothing_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        assert not name.startswith("opentelemetry"), name
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    client = create_app(FakeReader(), Settings(), warm_up=False).test_client()
    assert client.post("/ocr", data=b"x", content_type="image/png").status_code == 200


# ---- spans ------------------------------------------------------------------------------------------


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traced(
    reader: FakeReader, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Flask]:
    provider = TracerProvider(resource=Resource({}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(app_module, "make_tracer", lambda: Tracer(provider))
    yield create_app(reader, Settings(), warm_up=False)
    provider.shutdown()


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def test_a_reading_is_a_span_with_stages_in_the_callers_trace(
    traced: Flask, reader: FakeReader, exporter: InMemorySpanExporter
) -> None:
    def answer(_data: bytes, _options: ReadOptions) -> Document:
        with stage_clock.StageClock(Ticket())("detect"):
            pass
        return document(page(SECRET, "b"))

    reader.answer = answer
    sent = traced.test_client().post(
        "/ocr?min_confidence=0.25",
        data=b"x",
        content_type="image/png",
        headers={"traceparent": PARENT, "X-Request-Id": "r-1", "User-Agent": "test/1"},
    )
    assert sent.status_code == 200
    spans_ = by_name(exporter)
    assert list(spans_) == ["detect", "read", "POST /ocr"]
    server, reading, stage = spans_["POST /ocr"], spans_["read"], spans_["detect"]
    assert server.kind is SpanKind.SERVER
    assert server.parent is not None
    assert f"{server.parent.span_id:016x}" == SPAN
    for child, parent in ((reading, server), (stage, reading)):
        assert child.parent is not None
        assert child.parent.span_id == parent.context.span_id
        assert f"{child.context.trace_id:032x}" == TRACE
        moments = parent.start_time, child.start_time, child.end_time, parent.end_time
        assert list(moments) == sorted(moment for moment in moments if moment is not None)
    assert server.attributes == {
        "http.request.method": "POST",
        "http.route": "/ocr",
        "http.response.status_code": 200,
        "url.path": "/ocr",
        "url.query": "REDACTED",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "server.address": "localhost",
        "server.port": 80,
        "client.address": "127.0.0.1",
        "user_agent.original": "test/1",
        "crnn_ocr.request_id": "r-1",
        "crnn_ocr.pages": 1,
        "crnn_ocr.lines": 2,
        "crnn_ocr.model": "fake/1",
        "crnn_ocr.cache": "miss",
    }
    assert reading.attributes == {"crnn_ocr.model": "fake/1", "crnn_ocr.pages": 1, "crnn_ocr.lines": 2}
    everything = "".join(span.to_json() for span in exporter.get_finished_spans())
    assert SECRET not in everything
    assert json.dumps(SECRET)[1:-1] not in everything


@pytest.mark.parametrize(
    ("error", "status", "fault"),
    [(OverloadedError("full", retry_after=3), 503, True), (KeyError(SECRET), 500, True)],
)
def test_errors_are_marked_without_their_words(
    traced: Flask,
    reader: FakeReader,
    exporter: InMemorySpanExporter,
    error: Exception,
    status: int,
    fault: bool,
) -> None:
    def fail(_data: bytes, _options: ReadOptions) -> Document:
        raise error

    reader.answer = fail
    assert traced.test_client().post("/ocr", data=b"x", content_type="image/png").status_code == status
    server = by_name(exporter)["POST /ocr"]
    code = error.code if isinstance(error, OcrError) else "INTERNAL_ERROR"
    assert server.attributes is not None
    assert server.attributes["error.type"] == code
    assert (server.status.status_code is StatusCode.ERROR) is fault
    for span in exporter.get_finished_spans():
        assert span.events == ()
        assert not span.status.description


def test_refused_requests_are_no_faults(traced: Flask, exporter: InMemorySpanExporter) -> None:
    client = traced.test_client()
    client.get("/none-such")
    client.post("/ocr", json={})
    names = {span.name: span for span in exporter.get_finished_spans()}
    assert set(names) == {"GET", "POST /ocr"}
    for span in names.values():
        assert span.status.status_code is StatusCode.UNSET
        assert span.parent is None


def test_items_of_a_batch_belong_to_its_request(traced: Flask, exporter: InMemorySpanExporter) -> None:
    for accept, first, second in (
        ("application/json", "YQ==", "Yg=="),
        ("application/x-ndjson", "Yw==", "ZA=="),
    ):
        items = [{"image": first}, {"image": second}]
        exporter.clear()
        answer = traced.test_client().post(
            "/ocr/batch", json=items, headers={"Accept": accept}, buffered=True
        )
        assert answer.status_code == 200
        found = exporter.get_finished_spans()
        (server,) = [span for span in found if span.name == "POST /ocr/batch"]
        readings = [span for span in found if span.name == "read"]
        for span in readings:
            assert span.parent is not None
            assert span.parent.span_id == server.context.span_id
        assert len(readings) == 2
        assert all(span.parent is not None for span in found if span is not server)


def test_the_log_names_the_span(traced: Flask, exporter: InMemorySpanExporter) -> None:
    seen = []

    def look() -> None:
        seen.append(current_trace.get())

    traced.before_request(look)
    traced.test_client().get("/options", headers={"traceparent": PARENT})
    (server,) = exporter.get_finished_spans()
    assert seen == [(TRACE, f"{server.context.span_id:016x}")]
    assert current_trace.get() is None


def test_the_resource_names_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spans._resource({}).attributes["service.name"] == "crnn-ocr"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "ocr-of-ours")
    assert spans._resource({"OTEL_SERVICE_NAME": "ocr-of-ours"}).attributes["service.name"] == "ocr-of-ours"


# ---- all of it --------------------------------------------------------------------------------------


class Collector(BaseHTTPRequestHandler):
    """Takes OTLP over HTTP, as a collector does."""

    received: list[ExportTraceServiceRequest]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_a_running_service_sends_its_spans_before_it_ends() -> None:
    Collector.received = []
    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{collector.server_address[1]}"
        with running_server(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as server:
            headers = {"Content-Type": "image/png", "traceparent": PARENT}
            assert server.ask("POST", "/ocr", png("Invoice 10234"), headers).status == 200
            (line,) = [record for record in server.records() if record.get("path") == "/ocr"]
        collector.shutdown()
    resources = [entry for request in Collector.received for entry in request.resource_spans]
    names = {a.key: a.value.string_value for a in resources[0].resource.attributes}
    assert names["service.name"] == "crnn-ocr"
    sent = [span for entry in resources for scope in entry.scope_spans for span in scope.spans]
    of_trace = {span.name: span for span in sent if span.trace_id.hex() == TRACE}
    assert {"POST /ocr", "read", "decode", "detect", "recognise", "layout"} <= of_trace.keys()
    assert line["trace_id"] == TRACE
    assert line["span_id"] == of_trace["POST /ocr"].span_id.hex()
