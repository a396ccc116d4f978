from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crnn_ocr.logging import current_request_id
from crnn_ocr.service.middleware.request_timing import current_timing
from tests.service.fakes import FakeReader, document, page

SECRET = "合计5999"


def test_a_request_id_is_made_where_none_is_given(client: FlaskClient) -> None:
    first, second = (client.get("/healthz").headers["X-Request-Id"] for _ in range(2))
    assert re.fullmatch(r"[0-9a-f]{32}", first)
    assert first != second


@pytest.mark.parametrize("given", ["abc", "a.b_c:d-9", "x" * 128])
def test_a_good_request_id_is_kept(client: FlaskClient, given: str) -> None:
    answer = client.get("/nothing", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] == given
    assert answer.json is not None
    assert answer.json["request_id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "<script>", "a\tb", "ä", 'a"b'])
def test_a_bad_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": given})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/ui/icon.svg", "/ui/none.js", "/healthz", "/nothing", "/ocr"]
)
def test_every_answer_carries_the_security_headers(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "microphone=()" in answer.headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in answer.headers  # whoever ends TLS says so
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", ["/ui/js/main.js", "/ui/base.css", "/ui/samples/poem.webp"])
def test_parts_of_the_page_carry_the_headers_browsers_heed(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        assert answer.status_code == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Content-Security-Policy" not in answer.headers
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_answers_are_not_stored_but_files_may_be_revalidated(client: FlaskClient) -> None:
    assert client.get("/healthz").headers["Cache-Control"] == "no-store"
    with client.get("/ui/js/main.js") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"
        tag = answer.headers["ETag"]
    with client.get("/ui/js/main.js", headers={"If-None-Match": tag}) as answer:
        assert answer.status_code == 304


def post(client: FlaskClient, **headers: str) -> None:
    client.post(
        "/ocr?grey=on",
        data={"image": (BytesIO(SECRET.encode()), f"{SECRET}.png")},
        content_type="multipart/form-data",
        headers=headers,
    )


def fields(records: list[logging.LogRecord]) -> list[dict[str, Any]]:
    return [record.fields for record in records if record.name == "crnn_ocr.service.request"]  # type: ignore[attr-defined]


def test_one_line_is_logged_per_request(
    client: FlaskClient, reader: FakeReader, caplog: pytest.LogCaptureFixture
) -> None:
    reader.answer = lambda *_: document(page(SECRET, "second"))
    with caplog.at_level(logging.INFO, "crnn_ocr"):
        post(client)
    (entry,) = fields(caplog.records)
    assert entry.pop("ms") >= 0
    assert entry.pop("bytes_in") > 0
    assert entry.pop("bytes_out") > 0
    assert entry == {
        "method": "POST",
        "path": "/ocr",
        "status": 200,
        "client": "127.0.0.1",
        "pages": 1,
        "lines": 2,
        "model": "fake/1",
        "cache": "miss",
    }


def test_an_answer_that_is_made_while_sent_keeps_its_request(
    app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[object] = []
    closed: list[object] = []

    def rows() -> Iterator[str]:
        try:
            for stage in ("detect", "layout"):
                seen.append(current_request_id.get())
                timing = current_timing.get()
                assert timing is not None
                timing.add(stage, 0.5)
                yield "row\n"
        finally:
            closed.append(current_request_id.get())

    app.get("/rows", endpoint="rows")(rows)
    with caplog.at_level(logging.INFO, "crnn_ocr"):
        answer = client.get("/rows", headers={"X-Request-Id": "r-1"})
        assert caplog.records == []
        assert answer.text == "row\nrow\n"
        answer.close()
        client.get("/rows", headers={"X-Request-Id": "r-2"}).close()
    whole, given_up = fields(caplog.records)
    assert (whole["detect_ms"], whole["layout_ms"]) == (500.0, 500.0)
    assert "layout_ms" not in given_up
    assert seen[:2] == ["r-1", "r-1"]
    assert closed[0] == "r-1"
    assert current_request_id.get() is None


def test_the_log_names_the_code_of_an_error(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "crnn_ocr"):
        client.post("/ocr", json={})
    (entry,) = fields(caplog.records)
    assert (entry["status"], entry["code"]) == (400, "IMAGE_MISSING")


def test_probes_are_logged_only_when_they_fail(
    client: FlaskClient, reader: FakeReader, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "crnn_ocr"):
        client.get("/healthz")
        client.get("/readyz")
    assert fields(caplog.records) == []


def test_neither_text_nor_names_nor_options_reach_the_log(
    client: FlaskClient, reader: FakeReader, caplog: pytest.LogCaptureFixture
) -> None:
    reader.answer = lambda *_: document(page(SECRET))
    with caplog.at_level(logging.DEBUG):
        post(client)
        client.post("/ocr", json={"image": "YWJj", "options": {SECRET: 1}})
        client.post("/ocr", json={"image": SECRET})
    assert len(fields(caplog.records)) == 3
    written = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert SECRET not in written
    assert "grey" not in written
