"""PDFs with text over REST, with the real engine; no model is ever loaded."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from crnn_ocr import OCR, Settings
from tests.imaging.pdf import made
from tests.service.fakes import create_app

pytest.importorskip("pypdfium2")


@pytest.fixture
def engine() -> Iterator[OCR]:
    with OCR() as reader:
        yield reader
        assert reader.loaded == ()


@pytest.fixture
def client(engine: OCR) -> FlaskClient:
    return create_app(engine, Settings(warm_up=False), warm_up=False).test_client()


def post(client: FlaskClient, data: bytes, **query: str) -> Any:
    return client.post("/ocr", data=data, content_type="application/pdf", query_string=query)


def test_pages_tell_where_their_text_comes_from_and_are_cached(client: FlaskClient) -> None:
    data = made.written(made.line("Exactly this"), made.line("Page two"), "")
    first, second = post(client, data, ocr="never"), post(client, data, ocr="never")
    assert first.status_code == 200
    assert first.json["model"] == "pdf-text-layer"
    assert [(page["number"], page["origin"], page["text"]) for page in first.json["pages"]] == [
        (1, "text_layer", "Exactly this"),
        (2, "text_layer", "Page two"),
        (3, "text_layer", ""),
    ]
    assert [entry["code"] for entry in first.json["warnings"]] == ["NO_TEXT_LAYER"]
    assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("miss", "hit")
    assert second.json["pages"] == first.json["pages"]


def test_wrong_ranges_and_passwords_have_codes(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    locked = made.locked(made.written(made.line("inside")), "Sesame")
    for data, query, code in (
        (made.written(made.line("text")), {"pages": "7-3"}, "OPTION_INVALID"),
        (made.written(made.line("text")), {"pages": "2"}, "OPTION_INVALID"),
        (locked, {}, "PDF_PASSWORD_REQUIRED"),
        (locked, {"password": "Sesam"}, "PDF_PASSWORD_WRONG"),
    ):
        answer = post(client, data, **query)
        assert answer.status_code == 422
        assert answer.json["error"]["code"] == code
        assert "Sesam" not in answer.get_data(as_text=True)
    answer = post(client, locked, password="Sesame")
    assert answer.json["text"] == "inside"
    assert "Sesam" not in answer.get_data(as_text=True)
    assert "Sesam" not in caplog.text


def test_characters_and_previews_come_from_the_text_too(client: FlaskClient) -> None:
    data = made.locked(made.written(made.line("one"), made.line("two")), "Sesame")
    answer = post(client, data, detail="chars", password="Sesame", pages="2")
    assert [char["text"] for char in answer.json["lines"][0]["chars"]] == list("two")
    preview = client.post("/preview?page=2&password=Sesame", data=data, content_type="application/pdf")
    assert preview.mimetype == "image/png"
