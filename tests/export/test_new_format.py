"""A format that is added in one place is offered by the command line, the REST API and the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import pytest

from crnn_ocr.cli import main
from crnn_ocr.document import Document
from crnn_ocr.export import FORMATS, WriteOptions, Writer
from crnn_ocr.service.routes.openapi import openapi_document
from crnn_ocr.settings import Settings
from tests import drawing
from tests.service.fakes import FakeReader, create_app
from tests.service.rendering import png


def shout(document: Document, how: WriteOptions) -> str:
    return document.text.upper() + "!"


@pytest.fixture(autouse=True)
def loud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "loud", Writer(shout, ".loud", "text/x-loud; charset=utf-8", "Loud text"))
    openapi_document.cache_clear()


@pytest.fixture
def client() -> Any:
    app = create_app(FakeReader(), Settings(), warm_up=False)
    return app.test_client()


def test_the_command_line_writes_it(tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    cv2.imwrite(str(picture), drawing.line("quiet words", pad=20))

    assert main(["read", "-q", str(picture), "-o", str(tmp_path / "out.loud")]) == 0

    assert (tmp_path / "out.loud").read_text(encoding="utf-8") == "QUIET WORDS!"


def test_the_api_answers_with_it(client: Any) -> None:
    reply = client.post("/ocr?format=loud", data=png("x"), content_type="image/png")

    assert (reply.status_code, reply.content_type) == (200, "text/x-loud; charset=utf-8")
    text = client.post("/ocr", data=png("x"), content_type="image/png").json["text"]
    assert reply.get_data(as_text=True) == text.upper() + "!"
    document = openapi_document()["paths"]
    (parameter,) = [one for one in document["/ocr"]["post"]["parameters"] if one["name"] == "format"]
    assert "loud" in parameter["schema"]["items"]["enum"]
    assert "text/x-loud" in document["/export"]["post"]["responses"]["200"]["content"]


def test_the_page_is_told_of_it(client: Any) -> None:
    schema = client.get("/options").json

    assert "loud" in schema["x-export-formats"]
    assert schema["x-export-writers"]["loud"] == {
        "suffix": ".loud",
        "media_type": "text/x-loud; charset=utf-8",
        "title": "Loud text",
        "needs_original": False,
    }


def test_a_corrected_document_is_written_in_it(client: Any) -> None:
    read = client.post("/ocr?format=json", data=png("x"), content_type="image/png").json
    read["pages"][0]["lines"][0]["text"] = "corrected"

    reply = client.post("/export?format=loud", data=json.dumps(read), content_type="application/json")

    assert reply.get_data(as_text=True) == "CORRECTED!"
