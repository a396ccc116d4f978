from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask, before_render_template
from flask.testing import FlaskClient

from crnn_ocr.export import FORMATS
from crnn_ocr.options import ReadOptions
from crnn_ocr.service.api import examples
from crnn_ocr.service.routes import ocr
from crnn_ocr.service.routes.openapi import error_catalogue, openapi_document
from tests.service.fakes import FakeReader, document, page
from tests.service.routes.test_bad_requests import CASES

UNDOCUMENTED = {"/", "/docs", "/openapi.json", "/share", "/ui/<path:filename>"}


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(document_: Any, reference: str) -> Any:
    assert reference.startswith("#/")
    for step in reference[2:].split("/"):
        document_ = document_[step]
    return document_


def test_it_is_served_as_it_is_made(client: FlaskClient) -> None:
    answer = client.get("/openapi.json")
    assert answer.mimetype == "application/json"
    assert answer.json == json.loads(json.dumps(openapi_document()))
    assert openapi_document()["openapi"].startswith("3.1")


def test_every_reference_leads_somewhere() -> None:
    found = set(references(openapi_document()))
    assert found
    for reference in found:
        assert resolve(openapi_document(), reference)


def test_every_route_is_documented_and_nothing_else(app: Flask) -> None:
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in UNDOCUMENTED
    }
    documented = {
        (path, method.upper()) for path, methods in openapi_document()["paths"].items() for method in methods
    }
    assert served == documented


@pytest.mark.parametrize(("request_form", "status", "code", "words"), CASES.values(), ids=CASES.keys())
def test_every_error_that_is_met_is_documented(
    request_form: dict[str, Any], status: int, code: str, words: str
) -> None:
    responses = openapi_document()["paths"]["/ocr"]["post"]["responses"]
    schema = responses[str(status)]["content"]["application/json"]["schema"]
    assert code in schema["properties"]["error"]["properties"]["code"]["enum"]
    assert (code, status) in {(entry["code"], entry["status"]) for entry in error_catalogue()}


def test_codes_are_unique_and_explained() -> None:
    codes = [entry["code"] for entry in error_catalogue()]
    assert len(codes) == len(set(codes))
    assert all(entry["meaning"] and entry["hint"] for entry in error_catalogue())


def test_the_options_describe_themselves(client: FlaskClient) -> None:
    schema = client.get("/options").json
    assert schema is not None
    assert set(schema["properties"]) == set(ReadOptions.model_fields)
    for entry in schema["properties"].values():
        assert entry["title"]
        assert entry["description"]
        assert "default" in entry
    assert set(schema["x-export-formats"]) >= set(FORMATS)


def test_the_example_request_is_taken(client: FlaskClient, reader: FakeReader) -> None:
    assert client.post("/ocr", json=examples.OCR_REQUEST).status_code == 200
    ((data, options),) = reader.calls
    assert data.startswith(b"\x89PNG")
    assert options.denoise == "off"


def test_the_example_answer_has_the_shape_of_a_real_one(client: FlaskClient, reader: FakeReader) -> None:
    reader.answer = lambda *_: document(page("a", "b"))
    body = client.post("/ocr", data=b"x", content_type="image/png").json
    assert body is not None
    assert list(body) == list(examples.OCR_ANSWER)
    assert list(body["lines"][0]) == list(examples.OCR_ANSWER["lines"][0])
    assert "\n".join(line["text"] for line in examples.OCR_ANSWER["lines"]) == examples.OCR_ANSWER["text"]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.forbidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if identifier := values.get("id"):
            self.ids.append(identifier)
        if tag == "a":
            self.links.append(values["href"] or "")
        elif tag in ("script", "link", "img"):
            self.loaded.append(values.get("src") or values.get("href") or "inline")
        if tag == "style" or any(key == "style" or key.startswith("on") for key in values):
            self.forbidden.append(tag)


@pytest.mark.parametrize("path", ["/docs", "/"])
def test_pages_load_nothing_from_outside_and_nothing_inline(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:
        parser = _Page()
        parser.feed(answer.get_data(as_text=True))
    assert parser.forbidden == []
    assert parser.loaded
    for address in parser.loaded:
        assert address.startswith("/ui/"), address
        with client.get(address) as file:
            assert file.status_code == 200


def test_the_documents_name_every_route_and_code(client: FlaskClient) -> None:
    html = client.get("/docs").get_data(as_text=True)
    parser = _Page()
    parser.feed(html)
    assert len(parser.ids) == len(set(parser.ids))
    for link in parser.links:
        assert not link.startswith("#") or link[1:] in parser.ids, link
    text = re.sub(r"<[^>]+>", "", html)
    for path in openapi_document()["paths"]:
        assert path in text
    for entry in error_catalogue():
        assert entry["code"] in text
    for name in openapi_document()["components"]["schemas"]:
        assert f"schema-{name}" in parser.ids


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/options"])
def test_what_does_not_change_is_made_once(app: Flask, client: FlaskClient, path: str) -> None:
    made: list[str] = []

    def note(*_: object, **__: object) -> None:
        made.append(path)

    def noted(make: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: object) -> Any:
            note()
            return make(*given)

        return call

    with before_render_template.connected_to(note, app), pytest.MonkeyPatch.context() as patch:
        for name in ("json_of", "openapi_document"):
            patch.setattr(ocr, name, noted(getattr(ocr, name)))
        first = client.get(path)
        assert made
        made.clear()
        assert [client.get(path).data for _ in range(3)] == [first.data] * 3
    assert made == []
