"""Umi-OCR's interface, asked as its own clients ask."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.document import Block, Document, Line, Page
from crnn_ocr.errors import ImageDecodeError, ModelNotFoundError, OverloadedError
from crnn_ocr.options import ReadOptions
from crnn_ocr.service.routes.umi_layout import PARSERS, describe_document, separator, whole_text
from tests.caching.documents import documents
from tests.service.fakes import FakeReader, document, page

URL = "/compat/umi/api/ocr"
PICTURE = b"\x89PNG any bytes \x00\xff"
ENCODED = base64.b64encode(PICTURE).decode()


def line(text: str, left: float = 10, top: float = 10, width: float = 100) -> Line:
    right, bottom = left + width, top + 20
    return Line(text, 0.987654, ((left, top), (right, top), (right, bottom), (left, bottom)))


def blocks(*texts: tuple[str, ...]) -> Document:
    made, top = [], 0
    for block in texts:
        lines = []
        for text in block:
            lines.append(line(text, top=top))
            top += 30
        made.append(Block(tuple(lines)))
    return document(Page(200, 400, tuple(made)))


def ask(client: FlaskClient, **options: object) -> Any:
    answer = client.post(URL, json={"base64": ENCODED, "options": options})
    assert answer.status_code == 200, answer.text
    return answer.json


def test_text_that_was_found(client: FlaskClient, reader: FakeReader) -> None:
    reader.answer = lambda *_: blocks(("第一行，", "第二行"), ("Total",))
    begun = time.time()
    body = client.post(URL, json={"base64": ENCODED}).json
    assert body is not None
    assert list(body) == ["code", "data", "score", "time", "timestamp"]
    assert body["code"] == 100
    assert body["data"] == [
        {"text": text, "score": 0.9877, "box": [[10, y], [110, y], [110, y + 20], [10, y + 20]], "end": end}
        for text, y, end in [("第一行，", 0, ""), ("第二行", 30, "\n"), ("Total", 60, "\n")]
    ]
    assert all(isinstance(x, int) for entry in body["data"] for point in entry["box"] for x in point)
    assert body["score"] == 0.9877
    assert 0 <= body["time"] < 10
    assert begun - 1 <= body["timestamp"] <= time.time()
    assert reader.calls == [(PICTURE, ReadOptions())]


def test_it_asks_no_content_type(client: FlaskClient, reader: FakeReader) -> None:
    reader.answer = lambda *_: document(page("a"))
    for kind in ("", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8"):
        body = client.post(URL, data=json.dumps({"base64": ENCODED}), content_type=kind).json
        assert body is not None
        assert body["code"] == 100


def test_a_picture_without_text(client: FlaskClient, reader: FakeReader) -> None:
    reader.answer = lambda *_: document(page())
    body = ask(client)
    assert body["code"] == 101
    assert isinstance(body["data"], str)


TEXTS = (("Long sen-", "tence, with", "three lines."), ("左", "右", "mixed", "，end"))
PARA = "Long sen-tence, with three lines.\n左右 mixed ，end\n"


@pytest.mark.parametrize(
    ("parser", "text"),
    [
        ("multi_para", PARA),
        ("single_para", PARA),
        ("multi_none", PARA.replace("\n", " ").rstrip() + "\n"),
        ("single_none", PARA.replace("\n", " ").rstrip() + "\n"),
        *(
            (name, "".join(f"{text}\n" for block in TEXTS for text in block))
            for name in ("multi_line", "none")
        ),
    ],
)
def test_text_as_a_whole(client: FlaskClient, reader: FakeReader, parser: str, text: str) -> None:
    reader.answer = lambda *_: blocks(*TEXTS)
    body = ask(client, **{"data.format": "text", "tbpu.parser": parser})
    assert (body["code"], body["data"]) == (100, text)


def test_code_keeps_its_indentation(client: FlaskClient, reader: FakeReader) -> None:
    rows = ["def f():", "    if a:", "        return b"]
    lines = []
    for number, row in enumerate(rows):
        indent = len(row) - len(row.lstrip())
        lines.append(line(row.lstrip(), 20 + indent * 9, number * 30, len(row.lstrip()) * 9))
    reader.answer = lambda *_: document(Page(200, 200, (Block(tuple(lines)),)))
    body = ask(client, **{"data.format": "text", "tbpu.parser": "single_code"})
    assert body["data"] == "".join(f"{row}\n" for row in rows)


def test_areas_can_be_ignored(client: FlaskClient, reader: FakeReader) -> None:
    reader.answer = lambda *_: blocks(("first", "second"), ("third",))

    def texts(*areas: list[list[int]]) -> list[str]:
        body = ask(client, **{"tbpu.ignoreArea": list(areas)})
        return [entry["text"] for entry in body["data"]] if body["code"] == 100 else []

    assert texts() == ["first", "second", "third"]
    assert texts([[0, 0], [200, 49]]) == ["second", "third"]
    assert texts([[10, 30], [110, 50]], [[0, 0], [50, 400]]) == ["first", "third"]
    assert texts([[0, 0], [109, 400]]) == ["first", "second", "third"]  # none lies inside as a whole
    assert texts([[0, 0], [200, 400]]) == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ReadOptions()),
        ({"ocr.cls": True}, ReadOptions()),
        ({"ocr.cls": False}, ReadOptions(orientation="off")),
        ({"ocr.angle": False}, ReadOptions(orientation="off")),
        ({"ocr.language": "models/config_chinese.txt"}, ReadOptions()),
        ({"ocr.language": "models/config_en.txt", "ocr.limit_side_len": 4320}, ReadOptions()),
        ({"ocr.language": "my-model", "ocr.maxSideLen": 1024}, ReadOptions(model="my-model")),
        ({"tbpu.merge": "whatever", "ocr.cpu_threads": 4}, ReadOptions()),
    ],
)
def test_options_of_the_original(
    client: FlaskClient, reader: FakeReader, options: dict[str, object], expected: ReadOptions
) -> None:
    ask(client, **options)
    assert [given for _, given in reader.calls] == [expected]


BAD: list[tuple[dict[str, Any], int]] = [
    ({"data": b""}, 801),
    ({"data": b"{"}, 800),
    ({"data": b"\xff\xfe"}, 800),
    ({"json": {}}, 801),
    ({"json": []}, 801),
    ({"json": "text"}, 801),
    ({"json": {"options": {}}}, 802),
    ({"json": {"base64": ENCODED, "options": []}}, 803),
    ({"json": {"base64": ENCODED, "options": None}}, 803),
    ({"json": {"base64": "??"}}, 300),
    ({"json": {"base64": 7}}, 300),
    ({"json": {"base64": ""}}, 301),
    *(
        ({"json": {"base64": ENCODED, "options": {name: value}}}, 804)
        for name, value in [
            ("ocr.cls", "true"),
            ("ocr.limit_side_len", "960"),
            ("ocr.language", 1),
            ("ocr.language", "x" * 65),
            ("tbpu.parser", "best"),
            ("tbpu.parser", ["none"]),
            ("data.format", "xml"),
            ("tbpu.ignoreArea", {}),
            ("tbpu.ignoreArea", [1]),
            ("tbpu.ignoreArea", [[[0, 0]]]),
            ("tbpu.ignoreArea", [[[0, 0], [1, "1"]]]),
            ("tbpu.ignoreArea", [[[0, 0, 0], [1, 1]]]),
        ]
    ),
]


@pytest.mark.parametrize(("request_form", "code"), BAD)
def test_errors_of_the_original(
    client: FlaskClient, reader: FakeReader, request_form: dict[str, Any], code: int
) -> None:
    answer = client.post(URL, **request_form)
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["code"] == code, answer.text
    assert answer.json["data"]
    assert isinstance(answer.json["data"], str)
    assert reader.calls == []


def raise_(error: Exception) -> Document:
    raise error


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ImageDecodeError("Cut short."), 200, 301),
        (ModelNotFoundError("There is no model."), 200, 804),
        (OverloadedError("Busy.", retry_after=3), 503, 902),
        (RuntimeError("secret"), 500, 902),
    ],
)
def test_errors_while_reading(
    client: FlaskClient, reader: FakeReader, error: Exception, status: int, code: int
) -> None:
    reader.answer = lambda *_: raise_(error)
    answer = client.post(URL, json={"base64": ENCODED})
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert isinstance(answer.json["data"], str)
    assert "secret" not in answer.text
    assert (status == 503) == ("Retry-After" in answer.headers)


def test_what_the_original_does_not_know_has_its_status(client: FlaskClient) -> None:
    large = client.post(URL, json={"base64": "A" * 200_000})
    assert large.status_code == 413
    assert large.json is not None
    assert large.json["code"] == 902
    packed = client.post(URL, json={"base64": ENCODED}, headers={"Content-Encoding": "gzip"})
    assert packed.status_code == 415


def test_options_describe_themselves_and_take_their_defaults(client: FlaskClient, reader: FakeReader) -> None:
    described = client.get(f"{URL}/get_options").json
    assert described is not None
    for option in described.values():
        assert set(option) >= {"title", "toolTip", "type", "default"}
        if option["type"] == "enum":
            assert option["default"] in [choice for choice, _ in option["optionsList"]]
    assert [choice for choice, _ in described["tbpu.parser"]["optionsList"]] == list(PARSERS)
    ask(client, **{name: option["default"] for name, option in described.items()})
    assert [options for _, options in reader.calls] == [ReadOptions()]


def test_answers_share_the_cache_with_those_of_the_other_routes(
    client: FlaskClient, reader: FakeReader
) -> None:
    client.post("/ocr", data=PICTURE, content_type="image/png")
    assert client.post(URL, json={"base64": ENCODED}).headers["X-Cache"] == "hit"
    assert len(reader.calls) == 1


# ---- the layout --------------------------------------------------------------------------------------


@given(documents, st.sampled_from(sorted(PARSERS)))
def test_every_line_comes_once_and_the_last_one_ends_the_text(read: Document, parser: str) -> None:
    entries = describe_document(read, parser)
    lines = [line.text for page in read.pages for line in page.lines if line.text]
    assert [entry["text"].lstrip(" ") for entry in entries] == [text.lstrip(" ") for text in lines]
    assert whole_text(entries).endswith("\n") or not lines
    assert {entry["end"] for entry in entries} <= {"", " ", "\n"}


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [("字", "字", ""), ("，", "字", ""), ("字", "a", " "), ("a", "b", " "), ("-", "b", ""), ("a", ".", "")],
)
def test_separators(before: str, after: str, between: str) -> None:
    assert separator(f"x{before}", f"{after}x") == between
