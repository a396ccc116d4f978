"""`POST /export` and `POST /ocr?format=`: documents as files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crnn_ocr.export import FORMATS, to_json
from tests.service.fakes import document, page
from tests.service.rendering import png

DOCUMENT = document(page("Total 19.80", "発票"), page("Second"))


def send(
    client: FlaskClient, body: object, query: str = "?format=text", kind: str = "application/json"
) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/export{query}", data=data, content_type=kind)


@pytest.mark.parametrize("name", [*FORMATS])
def test_every_format_is_what_reading_gives(client: FlaskClient, name: str) -> None:
    read = client.post(f"/ocr?format={name}&detail=chars", data=png("x"), content_type="image/png")
    whole = client.post("/ocr?format=json&detail=chars", data=png("x"), content_type="image/png").json

    again = send(client, whole, f"?format={name}&detail=chars")

    assert (again.status_code, again.content_type) == (200, FORMATS[name].media_type)
    assert again.data == read.data
    assert read.headers["X-Cache"]


def test_a_document_of_several_pages(client: FlaskClient) -> None:
    reply = send(client, json.loads(to_json(DOCUMENT)))
    assert reply.get_data(as_text=True) == "Total 19.80\n発票\n\nSecond\n"


@pytest.mark.parametrize(
    ("body", "query", "kind", "status", "code", "message"),
    [
        ({"model": "m/1", "pages": []}, "", "application/json", 422, "OPTION_INVALID", "'format' is missing"),
        ({}, "?format=docx9", "application/json", 422, "OPTION_INVALID", "one of the formats"),
        ({}, "?format=text&format=json", "application/json", 422, "OPTION_INVALID", "once"),
        ({}, "?format=text", "text/plain", 415, "MEDIA_TYPE_UNSUPPORTED", "as JSON"),
        (b"{", "?format=text", "application/json", 400, "JSON_INVALID", "not valid JSON"),
        ([], "?format=text", "application/json", 400, "BAD_REQUEST", "'pages' is missing"),
        ({"pages": [3], "model": "m"}, "?format=text", "application/json", 400, "BAD_REQUEST", "'lines'"),
        (
            {"pages": [{"lines": [{"text": 3}]}], "model": "m"},
            "?format=text", "application/json", 400, "BAD_REQUEST", "'polygon' is missing",
        ),
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused(
    client: FlaskClient, body: object, query: str, kind: str, status: int, code: str, message: str
) -> None:
    reply = send(client, body, query, kind)

    assert (reply.status_code, reply.json["error"]["code"]) == (status, code)
    assert message in reply.json["error"]["message"]


def test_a_huge_document_is_refused_before_it_is_parsed(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 32 << 20
    reply = send(app.test_client(), b" " * (5 << 20))

    assert (reply.status_code, reply.json["error"]["code"]) == (413, "BODY_TOO_LARGE")
    assert "4 MiB" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"rotation": 45}, "'rotation'"), ({"width": -1}, "'width'"), ({"blocks": [9]}, "blocks hold 9 lines")],
)
def test_impossible_values_are_named(client: FlaskClient, change: dict[str, Any], message: str) -> None:
    value = json.loads(to_json(DOCUMENT))
    value["pages"][0] |= change

    assert message in send(client, value).json["error"]["message"]


def test_a_confidence_is_a_probability(client: FlaskClient) -> None:
    value = json.loads(to_json(DOCUMENT))
    value["pages"][0]["lines"][0]["confidence"] = 2.5

    assert "'confidence'" in send(client, value).json["error"]["message"]
