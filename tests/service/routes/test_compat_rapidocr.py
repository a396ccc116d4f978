"""RapidOCRAPI's interface, asked as its own clients ask."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from crnn_ocr.document import Document
from crnn_ocr.errors import ImageDecodeError, OverloadedError
from crnn_ocr.options import ReadOptions
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app, document, page

URL = "/compat/rapidocr/ocr"
PICTURE = b"\x89PNG any bytes \x00\xff"
ENCODED = base64.b64encode(PICTURE).decode()


def form(**fields: Any) -> dict[str, Any]:
    return {
        "data": {"image_file": (BytesIO(PICTURE), "a.png"), **fields},
        "content_type": "multipart/form-data",
    }


@pytest.fixture(autouse=True)
def two_lines(reader: FakeReader) -> None:
    reader.answer = lambda *_: document(page("合计：￥5999.00", "Thank you"))


def box(top: float) -> list[list[float]]:
    return [[10.0, top], [110.0, top], [110.0, top + 20], [10.0, top + 20]]


LINES = {
    "0": {"rec_txt": "合计：￥5999.00", "dt_boxes": box(10.0), "score": 0.9877},
    "1": {"rec_txt": "Thank you", "dt_boxes": box(40.0), "score": 0.9877},
}


@pytest.mark.parametrize(
    "request_form",
    [
        lambda: form(),
        lambda: form(use_det="true", use_cls="1", use_rec="yes"),
        lambda: form(something="else"),
        lambda: {"data": {"image_data": ENCODED}},
        lambda: {"data": {"image_data": ENCODED}, "content_type": "multipart/form-data"},
        lambda: form(image_data="not looked at, there is a file"),
    ],
)
def test_a_picture_in_either_form(client: FlaskClient, reader: FakeReader, request_form: Any) -> None:
    answer = client.post(URL, **request_form())
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/json"
    assert answer.json == LINES
    assert reader.calls == [(PICTURE, ReadOptions())]
    assert "合计" in answer.text


def test_a_large_text_field_is_taken(reader: FakeReader) -> None:
    client = create_app(reader, Settings(), warm_up=False).test_client()
    data = base64.b64encode(bytes(2_000_000)).decode()
    assert client.post(URL, data={"image_data": data}).status_code == 200
    assert len(reader.calls[0][0]) == 2_000_000


def test_nothing_found_is_an_empty_object(client: FlaskClient, reader: FakeReader) -> None:
    reader.answer = lambda *_: document(page())
    assert client.post(URL, **form()).json == {}


def test_parts_can_be_left_out(client: FlaskClient, reader: FakeReader) -> None:
    def lines(**switches: str) -> Any:
        return client.post(URL, **form(**switches)).json

    assert lines(use_det="false")["1"] == {"rec_txt": "Thank you", "score": 0.9877}
    assert lines(use_rec="false")["1"] == {"dt_boxes": box(40.0)}
    assert lines(use_det="0", use_rec="off") == {}
    assert {options.orientation for _, options in reader.calls} == {"auto"}
    reader.calls.clear()
    lines(use_cls="False")
    assert [options for _, options in reader.calls] == [ReadOptions(orientation="off")]


def test_answers_share_the_cache_with_those_of_the_other_routes(
    client: FlaskClient, reader: FakeReader
) -> None:
    client.post("/ocr", data=PICTURE, content_type="image/png")
    assert client.post(URL, **form()).headers["X-Cache"] == "hit"
    assert len(reader.calls) == 1


def raise_(error: Exception) -> Document:
    raise error


def test_errors_have_fastapis_shape_and_a_true_status(client: FlaskClient, reader: FakeReader) -> None:
    reader.answer = lambda *_: raise_(ImageDecodeError("The PNG ends early.", hint="Send it whole."))
    broken = client.post(URL, **form())
    assert broken.status_code == 422
    assert broken.json == {
        "detail": "The PNG ends early.",
        "code": "IMAGE_DECODE_FAILED",
        "hint": "Send it whole.",
        "request_id": broken.headers["X-Request-Id"],
    }
    reader.answer = lambda *_: raise_(OverloadedError("Busy.", retry_after=3))
    busy = client.post(URL, **form())
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "3")
    reader.answer = lambda *_: raise_(RuntimeError("secret"))
    fault = client.post(URL, **form())
    assert fault.status_code == 500
    assert "secret" not in fault.text
    assert fault.json is not None
    assert isinstance(fault.json["detail"], str)


@pytest.mark.parametrize(
    ("request_form", "status", "code"),
    [
        (lambda: {"data": {"image_data": "??"}}, 400, "BASE64_INVALID"),
        (lambda: {"data": {"use_det": "true"}}, 400, "IMAGE_MISSING"),
        (lambda: {"data": {"image_file": "text"}}, 400, "IMAGE_MISSING"),
        (lambda: {"json": {"image_data": ENCODED}}, 415, "MEDIA_TYPE_UNSUPPORTED"),
        (lambda: {"data": b"--", "content_type": "multipart/form-data"}, 400, "BAD_REQUEST"),
        (lambda: {"data": {"image_data": "A" * 200_000}}, 413, "BODY_TOO_LARGE"),
    ],
)
def test_bad_requests(client: FlaskClient, request_form: Any, status: int, code: str) -> None:
    answer = client.post(URL, **request_form())
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text


def test_a_switch_that_is_none_is_told_by_field(client: FlaskClient) -> None:
    answer = client.post(URL, **form(use_cls="maybe"))
    assert answer.status_code == 422
    assert answer.json is not None
    (problem,) = answer.json["detail"]
    assert problem["loc"] == ["body", "use_cls"]
    assert problem["type"] == "bool_parsing"


def test_other_methods_are_refused_as_everywhere(client: FlaskClient) -> None:
    answer = client.get(URL)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
