"""Whatever is wrong with a request has its own code, the right status, and a sentence that helps."""

from __future__ import annotations

import logging
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from crnn_ocr.errors import ImageDecodeError, SettingsError
from tests.service.fakes import FakeReader

JSON = "application/json"
FORM = "multipart/form-data; boundary=b"
GOOD = "YWJj"

Form = dict[str, Any]


def raw(data: bytes | str, kind: str = "image/png", query: str = "") -> Form:
    return {"data": data, "content_type": kind, "query_string": query}


def text(data: bytes) -> Form:
    return raw(data, JSON)


def js(payload: object, query: str = "") -> Form:
    return {"json": payload, "query_string": query}


def options(value: object) -> Form:
    return js({"image": GOOD, "options": value})


def form(*parts: str) -> Form:
    return raw("".join(parts) + "--b--\r\n", FORM)


def part(name: str, value: str, filename: str | None = None) -> str:
    file = "" if filename is None else f'; filename="{filename}"'
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n{value}\r\n'


PICTURE = part("image", "abc", "a.png")
BOTH = part("grey", "on") + part("options", '{"grey":"on"}')
TWICE = part("options", "{}") * 2
QUERY_AND_JSON = js({"image": GOOD, "options": {"grey": "on"}}, "grey=on")
HTML = js({"image": "data:text/html;base64,YQ=="})
URLENCODED = raw(b"a", "application/x-www-form-urlencoded")
GZIP: Form = {"headers": {"Content-Encoding": "gzip"}}

CASES: dict[str, tuple[Form, int, str, str]] = {
    # what: request, status, code, words of the message
    "empty raw body": (raw(b""), 400, "IMAGE_EMPTY", "empty"),
    "empty JSON body": (text(b""), 400, "JSON_INVALID", "empty"),
    "empty form": (raw(b"", FORM), 400, "IMAGE_MISSING", "no file"),
    "nothing at all": ({}, 415, "MEDIA_TYPE_UNSUPPORTED", "no Content-Type"),
    "not JSON": (text(b"{image: 1}"), 400, "JSON_INVALID", "column"),
    "not UTF-8": (text(b'{"image": "\xff"}'), 400, "JSON_INVALID", "UTF-8"),
    "number of 6,000 digits": (text(b'{"image": ' + b"9" * 6000 + b"}"), 400, "JSON_INVALID", "digits"),
    "base64url": (js({"image": "YWJj-_=="}), 400, "BASE64_INVALID", "URL-safe alphabet"),
    "gzip": ({**raw(b"x"), **GZIP}, 415, "MEDIA_TYPE_UNSUPPORTED", "Content-Encoding 'gzip'"),
    "gzip JSON": ({**js({"image": GOOD}), **GZIP}, 415, "MEDIA_TYPE_UNSUPPORTED", "Content-Encoding 'gzip'"),
    "NaN": (text(b'{"image": NaN}'), 400, "JSON_INVALID", "NaN"),
    "deep JSON": (text(b"[" * 9_000), 400, "JSON_INVALID", "deeply"),
    "huge number": (text(b"9" * 90_000), 400, "JSON_INVALID", "too many digits"),
    "half a surrogate": (text(b'{"\\ud800": 1}'), 400, "JSON_INVALID", "surrogate"),
    "JSON array": (js([{"image": GOOD}]), 400, "JSON_INVALID", "object"),
    "JSON text": (js("image"), 400, "JSON_INVALID", "object"),
    "JSON null": (text(b"null"), 400, "JSON_INVALID", "object"),
    "no image": (js({}), 400, "IMAGE_MISSING", "no field"),
    "image null": (js({"image": None}), 400, "BASE64_INVALID", "null"),
    "image number": (js({"image": 5}), 400, "BASE64_INVALID", "number"),
    "image empty": (js({"image": ""}), 400, "IMAGE_EMPTY", "empty"),
    "not base64": (js({"image": "<html>"}), 400, "BASE64_INVALID", "not base64"),
    "data URL of HTML": (HTML, 415, "IMAGE_TYPE_UNSUPPORTED", "text/html"),
    "unknown field": (js({"image": GOOD, "option": {}}), 400, "BAD_REQUEST", "'option'"),
    "options null": (options(None), 422, "OPTION_INVALID", "object"),
    "options list": (options([]), 422, "OPTION_INVALID", "object"),
    "unknown option": (options({"gray": "on"}), 422, "OPTION_INVALID", "'gray'"),
    "wrong value": (options({"grey": "yes"}), 422, "OPTION_INVALID", "'grey'"),
    "wrong type": (options({"grey": True}), 422, "OPTION_INVALID", "'grey'"),
    "number as text": (options({"min_confidence": "0.5"}), 422, "OPTION_INVALID", "'min_confidence'"),
    "out of range": (options({"min_confidence": 7}), 422, "OPTION_INVALID", "'min_confidence'"),
    "unknown in query": (raw(b"x", query="gray=on"), 422, "OPTION_INVALID", "'gray'"),
    "wrong in query": (raw(b"x", query="min_confidence=x"), 422, "OPTION_INVALID", "'min_confidence'"),
    "twice in query": (raw(b"x", query="grey=on&grey=off"), 422, "OPTION_INVALID", "more than once"),
    "query and JSON": (QUERY_AND_JSON, 422, "OPTION_INVALID", "two places"),
    "no boundary": (raw(b"x", "multipart/form-data"), 400, "BAD_REQUEST", "malformed"),
    "cut form": (raw(PICTURE, FORM), 400, "BAD_REQUEST", "malformed"),
    "form without file": (form(part("grey", "on")), 400, "IMAGE_MISSING", "no file field"),
    "image as text": (form(part("image", "abc")), 400, "IMAGE_MISSING", "is text"),
    "empty file": (form(part("image", "", "a")), 400, "IMAGE_EMPTY", "empty"),
    "two files": (form(PICTURE, PICTURE), 400, "BAD_REQUEST", "more than one"),
    "other file": (form(part("file", "x", "a")), 400, "BAD_REQUEST", "'file'"),
    "form option unknown": (form(PICTURE, part("gray", "on")), 422, "OPTION_INVALID", "'gray'"),
    "form option in two places": (form(PICTURE, BOTH), 422, "OPTION_INVALID", "two places"),
    "form options twice": (form(PICTURE, TWICE), 422, "OPTION_INVALID", "more than once"),
    "form options not JSON": (form(PICTURE, part("options", "grey=on")), 400, "JSON_INVALID", "options"),
    "form options list": (form(PICTURE, part("options", "[]")), 422, "OPTION_INVALID", "object"),
    "too many parts": (form(*[part(f"x{i}", "y") for i in range(99)]), 413, "BODY_TOO_LARGE", "parts"),
    "urlencoded": (URLENCODED, 415, "MEDIA_TYPE_UNSUPPORTED", "curl"),
    "text": (raw(b"abc", "text/plain"), 415, "MEDIA_TYPE_UNSUPPORTED", "text/plain"),
    "nonsense type": (raw(b"abc", "a;;;/b"), 415, "MEDIA_TYPE_UNSUPPORTED", "Content-Type"),
    "too large": (raw(bytes(100_001)), 413, "BODY_TOO_LARGE", "100000 bytes"),
    "too large JSON": (js({"image": "A" * 100_000}), 413, "BODY_TOO_LARGE", "100000 bytes"),
    "too large and wrong": (raw(bytes(100_001), "text/plain"), 413, "BODY_TOO_LARGE", "100000 bytes"),
}


@pytest.mark.parametrize(("request_form", "status", "code", "words"), CASES.values(), ids=CASES.keys())
def test_is_refused(
    client: FlaskClient,
    reader: FakeReader,
    request_form: Form,
    status: int,
    code: str,
    words: str,
) -> None:
    answer = client.post("/ocr", **request_form)
    body = answer.json
    assert body is not None
    assert (answer.status_code, body["error"]["code"]) == (status, code), body
    assert answer.mimetype == "application/json"
    assert body["success"] is False
    assert words in body["error"]["message"]
    assert body["error"]["hint"]
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert reader.calls == []


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_the_coding_identity_is_none(client: FlaskClient, coding: str) -> None:
    answer = client.post("/ocr", **raw(b"x"), headers={"Content-Encoding": coding})
    assert answer.status_code == 200, answer.text


def test_an_implementations_words_do_not_leak(client: FlaskClient) -> None:
    answer = client.post("/ocr", **text(b"9" * 6000))
    assert "sys." not in answer.text


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE"])
def test_wrong_methods_are_told_the_right_one(client: FlaskClient, method: str) -> None:
    answer = client.open("/ocr", method=method)
    assert answer.status_code == 405
    assert answer.json is not None
    assert answer.json["error"]["code"] == "METHOD_NOT_ALLOWED"
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "path", ["/nothing", "/ocr/", "/x//ocr", "/ui/", "/ui/../app.py", "/ui/js", "/ocr/图", "/.."]
)
def test_unknown_paths(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json["error"]["code"] == "NOT_FOUND"


def test_long_names_are_not_echoed_whole(client: FlaskClient) -> None:
    answer = client.post("/ocr", json={"image": GOOD, "options": {"x" * 50_000: 1}})
    assert answer.status_code == 422
    assert len(answer.data) < 2_000


def test_errors_of_the_engine_keep_their_status(client: FlaskClient, reader: FakeReader) -> None:
    def fail(*_: object) -> Any:
        raise ImageDecodeError("It ends early.", hint="Save it again.")

    reader.answer = fail
    answer = client.post("/ocr", data=b"x", content_type="image/png")
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["error"] == {
        "code": "IMAGE_DECODE_FAILED",
        "message": "It ends early.",
        "hint": "Save it again.",
    }


@pytest.mark.parametrize(
    "error", [RuntimeError("合计 5999"), SettingsError("x"), MemoryError(), KeyError("合计")]
)
def test_faults_of_ours_tell_nothing(
    client: FlaskClient, reader: FakeReader, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> Any:
        raise error

    reader.answer = fail
    with caplog.at_level(logging.ERROR, "crnn_ocr"):
        answer = client.post("/ocr", data=b"x", content_type="image/png")
    assert answer.status_code == 500
    assert "Traceback" not in answer.text
    assert "合计" not in answer.text
    assert answer.json is not None
    assert answer.json["success"] is False
    assert any(record.exc_info for record in caplog.records)


def test_chunked_bodies_are_limited_too(client: FlaskClient, reader: FakeReader) -> None:
    stream = BytesIO(bytes(150_000))
    answer = client.post(
        "/ocr",
        input_stream=stream,
        content_type="image/png",
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 413, answer.text
    assert stream.tell() <= 100_001
    assert reader.calls == []


def test_a_body_that_ends_early_is_refused(client: FlaskClient, reader: FakeReader) -> None:
    answer = client.post(
        "/ocr",
        input_stream=BytesIO(b"abc"),
        content_type="image/png",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": "10"},
    )
    assert answer.status_code == 400
    assert answer.json is not None
    assert "3 of 10" in answer.json["error"]["message"]
    assert reader.calls == []
