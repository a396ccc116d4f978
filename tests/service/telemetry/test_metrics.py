from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse

from crnn_ocr.document import Document
from crnn_ocr.errors import (
    DeadlineExceededError,
    ImageDecodeError,
    ModelBrokenError,
    RequestCancelledError,
)
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling import stage_clock
from crnn_ocr.service.middleware.api_keys import new_key
from crnn_ocr.service.telemetry.metrics import MOST_NAMES, OUTCOMES, Metrics
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app, document, page
from tests.service.rendering import png

Samples = dict[str, float]


def samples(text: str) -> Samples:
    """Values by `name{label="value",…}`, labels sorted."""
    found = {}
    for family in parse(text):
        for sample in family.samples:
            labels = ",".join(f'{key}="{value}"' for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def scrape(client: FlaskClient) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return samples(answer.text)


def read(client: FlaskClient, data: bytes = b"picture") -> int:
    form = {"image": (BytesIO(data), "a.png")}
    return client.post("/ocr", data=form, content_type="multipart/form-data").status_code


# ---- requests ---------------------------------------------------------------------------------------


def test_requests_are_counted_by_route_and_not_by_path(client: FlaskClient) -> None:
    read(client)
    for path in ("/healthz", "/none/1", "/none/2", "/ui/none.js"):
        client.get(path)
    client.open("/healthz", method="BREW")
    found = scrape(client)
    assert found['crnn_ocr_http_requests_total{method="POST",route="/ocr",status="200"}'] == 1
    assert found['crnn_ocr_http_requests_total{method="GET",route="other",status="404"}'] == 2
    assert found['crnn_ocr_http_requests_total{method="GET",route="/ui/<path:filename>",status="404"}'] == 1
    assert found['crnn_ocr_http_requests_total{method="other",route="other",status="405"}'] == 1
    assert found['crnn_ocr_http_request_duration_seconds_count{route="/ocr",status="2xx"}'] == 1
    assert found['crnn_ocr_http_request_duration_seconds_count{route="other",status="4xx"}'] == 3
    assert found['crnn_ocr_errors_total{code="NOT_FOUND"}'] == 3
    assert found["crnn_ocr_http_requests_in_progress"] == 1, "the scrape itself"


def test_an_answer_that_is_made_while_sent_is_timed_to_its_end(app: Flask, client: FlaskClient) -> None:
    at_begin: list[Samples] = []

    @app.get("/rows")
    def rows() -> Iterator[str]:
        yield "first\n"
        at_begin.append(scrape(app.test_client()))
        yield "last\n"

    assert client.get("/rows", buffered=True).text == "first\nlast\n"
    name = 'crnn_ocr_http_requests_total{method="GET",route="/rows",status="200"}'
    assert name not in at_begin[0]
    assert scrape(client)[name] == 1


# ---- readings ---------------------------------------------------------------------------------------


def slowly(spent: float) -> Document:
    stage_clock.tell("detect", 1.0, 1.0 + spent)
    stage_clock.tell("detect", 5.0, 5.0 + spent)
    return document(page("ab c", "合计 5999"), page("d"))


def test_what_was_read_is_counted(client: FlaskClient, reader: FakeReader) -> None:
    reader.answer = lambda *_: slowly(0.2)
    assert read(client) == 200
    found = scrape(client)
    assert found['crnn_ocr_readings_total{outcome="read"}'] == 1
    assert found['crnn_ocr_pages_total{model="fake/1"}'] == 2
    assert found["crnn_ocr_lines_total"] == 3
    assert found["crnn_ocr_characters_total"] == 3 + 6 + 1
    assert found['crnn_ocr_stage_duration_seconds_count{stage="detect"}'] == 1
    assert found['crnn_ocr_stage_duration_seconds_sum{stage="detect"}'] == pytest.approx(0.4)
    assert found['crnn_ocr_stage_duration_seconds_count{stage="layout"}'] == 0
    assert found["crnn_ocr_reading_duration_seconds_count"] == 1


def test_stages_are_in_the_header_and_in_the_log(
    client: FlaskClient, reader: FakeReader, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_data: bytes, _options: ReadOptions) -> Document:
        slowly(0.2)
        raise DeadlineExceededError("too late")

    reader.answer = fail
    with caplog.at_level("INFO", "crnn_ocr.service.request"):
        answer = client.post("/ocr", data=b"picture", content_type="image/png")
    assert answer.status_code == 504
    assert "detect;dur=400.0" in answer.headers["Server-Timing"]
    (record,) = caplog.records
    assert record.fields["detect_ms"] == 400.0  # type: ignore[attr-defined]
    assert record.fields["code"] == "DEADLINE_EXCEEDED"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ImageDecodeError("x"), "refused"),
        (RequestCancelledError("x"), "cancelled"),
        (DeadlineExceededError("x"), "timed_out"),
        (ModelBrokenError("x"), "failed"),
        (KeyError("x"), "failed"),
    ],
)
def test_failed_readings_are_counted_by_outcome(
    client: FlaskClient, reader: FakeReader, error: Exception, outcome: str
) -> None:
    def fail(_data: bytes, _options: ReadOptions) -> Document:
        raise error

    reader.answer = fail
    read(client)
    found = scrape(client)
    counted = {name: found[f'crnn_ocr_readings_total{{outcome="{name}"}}'] for name in OUTCOMES}
    assert counted == {**dict.fromkeys(OUTCOMES, 0), outcome: 1}
    assert found["crnn_ocr_reading_duration_seconds_count"] == 0


def test_the_cache_is_counted(client: FlaskClient, reader: FakeReader) -> None:
    for data in (b"one", b"one", b"two"):
        read(client, data)
    found = scrape(client)
    assert found['crnn_ocr_cache_requests_total{result="hit"}'] == 1
    assert found['crnn_ocr_cache_requests_total{result="miss"}'] == 2
    assert found["crnn_ocr_cache_entries"] == 2
    assert 0 < found["crnn_ocr_cache_bytes"] < found["crnn_ocr_cache_limit_bytes"]
    assert found["crnn_ocr_cache_shared_failing"] == 0
    assert scrape(client)['crnn_ocr_cache_requests_total{result="miss"}'] == 2


# ---- state ------------------------------------------------------------------------------------------


def test_work_is_seen_while_it_is_done(app: Flask, client: FlaskClient, reader: FakeReader) -> None:
    seen: list[Samples] = []

    def look(_data: bytes, _options: ReadOptions) -> Document:
        seen.append(scrape(app.test_client()))
        return document(page())

    reader.answer = look
    assert read(client, png("Invoice")) == 200
    during, after = seen[0], scrape(client)
    assert during["crnn_ocr_admission_backlog_seconds"] > 0
    assert during["crnn_ocr_intake_bodies"] == 1
    assert during["crnn_ocr_intake_bytes"] > 0
    assert during["crnn_ocr_http_requests_in_progress"] == 2
    for name in ("admission_backlog_seconds", "intake_bodies", "intake_bytes"):
        assert after[f"crnn_ocr_{name}"] == 0
    assert after["crnn_ocr_admission_capacity_seconds"] > 0
    assert after["crnn_ocr_intake_limit_bytes"] > 0


def test_readiness_and_models(client: FlaskClient) -> None:
    found = scrape(client)
    assert found["crnn_ocr_ready_workers"] == 1
    assert found['crnn_ocr_model_active{model="fake/1"}'] == 1
    assert found["crnn_ocr_workers"] == found["crnn_ocr_workers_configured"] == 1
    assert (
        scrape(create_app(FakeReader(ready=False), Settings(), warm_up=False).test_client())[
            "crnn_ocr_ready_workers"
        ]
        == 0
    )


def test_a_model_that_is_active_no_more_is_0() -> None:
    class Switched(FakeReader):
        now = "old/1"

        @property
        def model(self) -> str:
            return self.now

    reader = Switched()
    client = create_app(reader, Settings(), warm_up=False).test_client()
    assert scrape(client)['crnn_ocr_model_active{model="old/1"}'] == 1
    reader.now = "new/2"
    found = scrape(client)
    assert (found['crnn_ocr_model_active{model="old/1"}'], found['crnn_ocr_model_active{model="new/2"}']) == (
        0,
        1,
    )


def test_a_part_that_cannot_be_seen_does_not_hide_the_others(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeReader):
        @property
        def model(self) -> str:
            raise ModelBrokenError("gone")

    client = create_app(Broken(), Settings(), warm_up=False).test_client()
    assert scrape(client)["crnn_ocr_admission_capacity_seconds"] > 0
    assert any(record.getMessage() == "metrics not refreshed" for record in caplog.records)


# ---- bounds -----------------------------------------------------------------------------------------


def test_names_that_people_choose_are_bounded() -> None:
    metrics = Metrics()
    names = {metrics.bounded("model", f"pack-{number}/1") for number in range(3 * MOST_NAMES)}
    assert len(names) == MOST_NAMES + 1
    assert "other" in names
    assert metrics.bounded("model", "pack-0/1") == "pack-0/1"


def test_clients_cannot_make_series(client: FlaskClient) -> None:
    scrape(client)
    client.get("/x")
    before = scrape(client)
    for number in range(50):
        client.get(f"/x{number}", headers={"X-Request-Id": f"r{number}", "User-Agent": f"u{number}"})
        client.open(f"/{number}", method=f"M{number}")
    client.get("/x", method="BREW")
    grown = scrape(client).keys() - before.keys()
    assert all('method="other"' in name or "405" in name for name in grown), grown
    assert len(grown) <= 2


def test_a_total_that_begins_anew_is_followed() -> None:
    metrics = Metrics()
    for total in (3.0, 5.0, 5.0, 1.0):
        metrics.advance(metrics.cpu, total)
    assert samples(metrics.exposition()[0].decode())["crnn_ocr_cpu_seconds_total"] == 6.0


# ---- the route --------------------------------------------------------------------------------------


def test_both_formats_are_spoken(client: FlaskClient) -> None:
    read(client)
    plain = client.get("/metrics")
    assert plain.content_type.startswith("text/plain; version=")
    assert list(parse(plain.text))
    modern = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert modern.content_type.startswith("application/openmetrics-text")
    families = parse_openmetrics(modern.text)  # type: ignore[no-untyped-call]
    assert {family.name for family in families} >= {"crnn_ocr_readings"}


def test_names_keep_to_the_conventions(client: FlaskClient) -> None:
    for definition in Metrics().definitions:
        assert re.fullmatch(r"crnn_ocr_[a-z_]+", definition.name)
        assert definition.name.endswith("_total") == (definition.kind == "counter")
        assert definition.help.endswith(".")
    exported = {family.name for family in parse(client.get("/metrics").text)}
    defined = {definition.name.removesuffix("_total") for definition in Metrics().definitions}
    assert {name for name in exported if not name.endswith("_created")} == defined


def test_it_can_be_switched_off(reader: FakeReader) -> None:
    client = create_app(reader, Settings(metrics=False), warm_up=False).test_client()
    assert client.get("/metrics").status_code == 404
    assert read(client) == 200


def test_keys_guard_it_as_everything_else(reader: FakeReader) -> None:
    key = new_key("prometheus")
    client = create_app(reader, Settings(api_keys=(key.entry,)), warm_up=False).test_client()
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Bearer {key.key}"}).status_code == 200


def test_scrapes_are_not_logged(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "crnn_ocr"):
        client.get("/metrics")
    assert caplog.records == []
