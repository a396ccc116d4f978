from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from crnn_ocr.document import Document, Remark
from crnn_ocr.options import ReadOptions
from tests.service.fakes import FakeReader, digest_answer, document, page

DATA = b"\x89PNG any bytes \x00\xff"
BASE64 = base64.b64encode(DATA).decode()


def form(**fields: Any) -> dict[str, Any]:
    return {
        "data": {"image": (BytesIO(DATA), "a.png"), **fields},
        "content_type": "multipart/form-data",
    }


def raw(query: str = "", kind: str = "image/png") -> dict[str, Any]:
    return {"data": DATA, "content_type": kind, "query_string": query}


FORMS = [
    {"json": {"image": BASE64}},
    {"json": {"image": f"data:image/png;base64,{BASE64}"}},
    {"data": f'{{"image": "{BASE64}"}}', "content_type": "application/vnd.api+json; charset=utf-8"},
    form(),
    raw(),
    raw(kind="image/svg+xml"),
    raw(kind="application/pdf"),
    raw(kind="application/octet-stream"),
]


@pytest.mark.parametrize("request_form", FORMS)
def test_every_form_hands_over_the_same_bytes(
    client: FlaskClient, reader: FakeReader, request_form: dict[str, Any]
) -> None:
    if "data" in request_form and isinstance(request_form["data"], dict):
        request_form = form()  # the stream of a parametrised form would be read only once
    answer = client.post("/ocr", **request_form)
    assert answer.status_code == 200
    assert reader.calls == [(DATA, ReadOptions())]
    assert answer.json is not None
    assert answer.json["text"] == digest_answer(DATA, ReadOptions()).text


@pytest.mark.parametrize(
    "request_form",
    [
        {"json": {"image": BASE64, "options": {"grey": "on", "min_confidence": 0.25}}},
        {"json": {"image": BASE64, "options": {"grey": "on"}}, "query_string": "min_confidence=0.25"},
        raw("grey=on&min_confidence=0.25"),
        {"form": {"options": '{"grey": "on", "min_confidence": 0.25}'}},
        {"form": {"grey": "on", "min_confidence": "0.25"}},
        {"form": {"grey": "on", "options": '{"min_confidence": 0.25}'}},
        {"form": {"grey": "on"}, "query_string": "min_confidence=0.25"},
    ],
)
def test_options_may_stand_in_every_place(
    client: FlaskClient, reader: FakeReader, request_form: dict[str, Any]
) -> None:
    fields = request_form.pop("form", None)
    whole = request_form if fields is None else {**form(**fields), **request_form}
    answer = client.post("/ocr", **whole)
    assert answer.status_code == 200, answer.text
    assert [options for _, options in reader.calls] == [ReadOptions(grey="on", min_confidence=0.25)]


def test_the_answer_for_a_picture(client: FlaskClient, reader: FakeReader) -> None:
    warning = Remark("IMAGE_BLURRED", "Take it again.")
    reader.answer = lambda *_: document(page("合计：￥5999.00", "Thank you", warnings=(warning,)))
    answer = client.post("/ocr", **raw())
    assert answer.mimetype == "application/json"
    assert "合计" in answer.get_data(as_text=True)
    body = answer.json
    assert body is not None
    assert body.pop("elapsed_ms") >= 0
    assert body.pop("request_id") == answer.headers["X-Request-Id"]
    assert body == {
        "success": True,
        "text": "合计：￥5999.00\nThank you",
        "lines": [
            {
                "text": text,
                "confidence": 0.9877,
                "polygon": [[10.0, top], [110.0, top], [110.0, top + 20], [10.0, top + 20]],
            }
            for text, top in [("合计：￥5999.00", 10.0), ("Thank you", 40.0)]
        ],
        "width": 200,
        "height": 100,
        "model": "fake/1",
        "cached": False,
        "warnings": [{"code": "IMAGE_BLURRED", "message": "Take it again."}],
    }


def test_a_picture_without_text_is_a_success(client: FlaskClient, reader: FakeReader) -> None:
    reader.answer = lambda *_: document(page())
    body = client.post("/ocr", **raw()).json
    assert body is not None
    assert (body["success"], body["text"], body["lines"]) == (True, "", [])


def several_pages(*_: object) -> Document:
    small = Remark("TEXT_TOO_SMALL", "Too small.")
    blurred = Remark("IMAGE_BLURRED", "Blurred.")
    return document(
        page("one", "two", warnings=(small,)),
        page(width=30, height=40),
        page("three", width=50, height=60, warnings=(small, blurred)),
    )


def test_the_answer_for_several_pages(client: FlaskClient, reader: FakeReader) -> None:
    reader.answer = several_pages
    body = client.post("/ocr", **raw(kind="application/pdf")).json
    assert body is not None
    assert body["text"] == "one\ntwo\n\n\n\nthree"
    assert [line["text"] for line in body["lines"]] == ["one", "two", "three"]
    assert (body["width"], body["height"]) == (200, 100)
    assert [remark["code"] for remark in body["warnings"]] == ["TEXT_TOO_SMALL", "IMAGE_BLURRED"]
    assert [(entry["number"], entry["width"], entry["height"]) for entry in body["pages"]] == [
        (1, 200, 100),
        (2, 30, 40),
        (3, 50, 60),
    ]
    assert [entry["text"] for entry in body["pages"]] == ["one\ntwo", "", "three"]
    assert [line for entry in body["pages"] for line in entry["lines"]] == body["lines"]
    assert [len(entry["warnings"]) for entry in body["pages"]] == [1, 0, 2]


def test_uploads_are_never_written_to_disk(
    client: FlaskClient, reader: FakeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file was opened")

    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(f"tempfile.{name}", refuse)
    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", refuse)
    client.application.config["MAX_CONTENT_LENGTH"] = 2_000_000
    answer = client.post(
        "/ocr",
        data=b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        + bytes(1_500_000)
        + b"\r\n--b--\r\n",
        content_type="multipart/form-data; boundary=b",
    )
    assert answer.status_code == 200
    assert len(reader.calls[0][0]) == 1_500_000
