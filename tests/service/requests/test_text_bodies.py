"""Texts that would become large structures are refused before they are parsed, on every route."""

from __future__ import annotations

import base64
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crnn_ocr.service.requests import json_text
from crnn_ocr.settings import MIB, Settings
from tests.service.fakes import FakeReader, create_app

JSON = "application/json"
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
SIZE = 2 * MIB
RAPIDOCR = "/compat/rapidocr/ocr"
PICTURE = base64.b64encode(bytes(range(256)) * 400).decode()


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return create_app(FakeReader(), Settings(max_body_bytes=8 * MIB), warm_up=False).test_client()


@pytest.fixture
def taken(client: FlaskClient) -> Callable[[str, bytes, str], tuple[TestResponse, float]]:
    """Send a body, and return the answer and the memory that it took at most, as a multiple of the body."""

    def send(path: str, body: bytes, kind: str) -> tuple[TestResponse, float]:
        tracemalloc.start()
        try:
            answer = client.post(path, data=body, content_type=kind)
            return answer, tracemalloc.get_traced_memory()[1] / len(body)
        finally:
            tracemalloc.stop()

    client.get("/healthz")
    return send


def filled(unit: bytes, *, around: tuple[bytes, bytes] = (b"", b""), size: int = SIZE) -> bytes:
    return around[0] + unit * (size // len(unit)) + around[1]


JSON_ROUTES = ["/ocr", "/ocr/batch", "/preview", "/export?format=text", "/compat/umi/api/ocr"]
BOMBS = {
    "empty lists": filled(b"[],", around=(b"[", b"[]]")),
    "objects": filled(b'{"a":1},', around=(b"[", b"{}]"), size=3 * MIB),
    "numbers": filled(b"1,", around=(b"[", b"1]")),
    "pairs": filled(b'"a":1,', around=(b"{", b'"b":2}'), size=4 * MIB - 100),
    "nested": filled(b"[", size=MIB),
    "in a field": filled(b"{},", around=(b'{"image": "AAAA", "base64": "AAAA", "options": [', b"{}]}")),
}


@pytest.mark.parametrize("path", JSON_ROUTES)
@pytest.mark.parametrize("bomb", BOMBS)
def test_json_of_many_values_is_refused_unparsed(taken: Any, path: str, bomb: str) -> None:
    answer, multiple = taken(path, BOMBS[bomb], JSON)
    assert answer.status_code == 413
    assert "BODY_TOO_LARGE" in answer.text
    assert multiple < 4, "the body itself, and no more than copies of it"


def test_json_in_a_form_is_bounded_too(taken: Any) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="options"\r\n\r\n'
    picture = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nx\r\n'
    answer, _ = taken("/ocr", picture + part + filled(b"[],", size=300_000) + b"\r\n--b--\r\n", MULTIPART)
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (filled(b"a&"), URLENCODED),
        (filled(b"&"), URLENCODED),
        (filled(b"a=b&", around=(b"image_data=AAAA&", b"")), URLENCODED),
        (filled(b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'), MULTIPART),
        (filled(b"A:\r\n", around=(b"--b\r\n", b"")), MULTIPART),
        (
            filled(
                b'--b\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n'
                + b"A:\r\n" * 100_000
                + b"\r\n\r\n",
                around=(b"", b"--b--\r\n"),
            ),
            MULTIPART,
        ),
    ],
    ids=["names", "nothing", "pairs", "parts", "headers", "headers of files"],
)
def test_forms_of_many_fields_or_headers_are_refused(taken: Any, body: bytes, kind: str) -> None:
    answer, multiple = taken(RAPIDOCR, body, kind)
    assert (answer.status_code, answer.json["code"]) == (413, "BODY_TOO_LARGE")
    assert multiple < 4


def test_escapes_in_a_form_take_no_more_than_their_text(taken: Any) -> None:
    answer, multiple = taken(RAPIDOCR, filled(b"%41%41%41%41", around=(b"image_data=", b"")), URLENCODED)
    assert answer.status_code == 200, answer.text
    assert multiple < 6


@pytest.mark.parametrize("start", range(4))
def test_escapes_are_resolved_wherever_a_piece_ends(client: FlaskClient, start: int) -> None:
    plain = bytes(range(256)) * 1200
    text = "A" * 4 * start + base64.b64encode(bytes(3 * start) + plain).decode()[4 * start :]
    quoted = "%20" * start + "".join(f"%{ord(sign):02x}" if sign in "+/=AB" else sign for sign in text)
    answer = client.post(RAPIDOCR, data=f"image_data={quoted}", content_type=URLENCODED)
    same = client.post("/ocr", data=bytes(3 * start) + plain, content_type="image/png")
    assert answer.json is not None
    assert same.json is not None
    assert answer.json["0"]["rec_txt"] == same.json["text"]


@pytest.mark.parametrize("sign", ["😀", "\\ud83d\\ude00", "中"])
def test_a_long_text_is_ascii(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, sign: str) -> None:
    """Otherwise a single character would make it four times as large."""
    monkeypatch.setattr(json_text, "LONG", 100_000)
    short = f'{{"image": "{PICTURE[:1000]}", "options": {{"model": "{sign}"}}}}'.encode()
    long = short.replace(PICTURE[:1000].encode(), PICTURE.encode())
    assert len(long) > 100_000
    assert client.post("/ocr", data=short, content_type=JSON).status_code == 200
    answer = client.post("/ocr", data=long, content_type=JSON)
    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "JSON_INVALID")
    escaped = long.replace(sign.encode(), b"\\u4e2d\\u002b")
    assert client.post("/ocr", data=escaped, content_type=JSON).status_code == 200


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize("path", ["/ocr", "/ocr/batch", "/export?format=text"])
def test_json_is_utf8_and_nothing_else(client: FlaskClient, path: str, coding: str) -> None:
    answer = client.post(path, data=json.dumps({"image": "AAAA"}).encode(coding), content_type=JSON)
    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "JSON_INVALID")
    switch = client.put("/models/active", data='{"model": "other"}'.encode(coding), content_type=JSON)
    assert switch.status_code == 400


def test_a_byte_order_mark_is_passed_over(client: FlaskClient) -> None:
    assert client.post("/ocr", data=b'\xef\xbb\xbf{"image": "AAAA"}', content_type=JSON).status_code == 200


def test_a_long_text_may_begin_with_a_byte_order_mark() -> None:
    """Programs of Windows write one."""
    text = b'{"image": "' + b"A" * json_text.LONG + b'"}'
    assert json_text.parse_json(b"\xef\xbb\xbf" + text, what="It") == json.loads(text)


def test_a_full_batch_with_all_options_is_within_the_bound() -> None:
    options = dict.fromkeys(("grey", "clahe", "denoise", "orientation", "recheck"), "auto")
    whole = {**options, "model": "fake", "min_confidence": 0.5}
    settings = Settings(batch_max_items=5000, queue_seconds=3600)
    client = create_app(FakeReader(), settings, warm_up=False).test_client()
    answer = client.post("/ocr/batch", json=[{"image": "AAAA", "options": whole}] * 5000)
    assert answer.json is not None
    assert answer.json["failed"] == 0
