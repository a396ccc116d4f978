"""`POST /export` and `POST /ocr?format=`: documents as files."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pypdfium2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import stream_encode_multipart

from crnn_ocr.export import FORMATS, to_json
from tests.export.samples import DOCUMENT as SAMPLE
from tests.service.fakes import document, page
from tests.service.rendering import png

DOCUMENT = document(page("Total 19.80", "発票"), page("Second"))


def send(
    client: FlaskClient, body: object, query: str = "?format=text", kind: str = "application/json"
) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(f"/export{query}", data=data, content_type=kind)


@pytest.mark.parametrize("name", [name for name, writer in FORMATS.items() if not writer.needs_original])
def test_every_format_is_what_reading_gives(client: FlaskClient, name: str) -> None:
    read = client.post(f"/ocr?format={name}&detail=chars", data=png("x"), content_type="image/png")
    whole = client.post("/ocr?format=json&detail=chars", data=png("x"), content_type="image/png").json

    again = send(client, whole, f"?format={name}&detail=chars")

    assert (again.status_code, again.content_type) == (200, FORMATS[name].media_type)
    if name in ("svg", "report"):  # with the picture where it is known
        assert b"data:image/" in read.data
        assert b"data:image/" not in again.data
    else:
        assert again.data == read.data
    assert read.headers["X-Cache"]


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("csv", {"table1.csv": "Item,Amount", "table2.csv": "项目,金额（元）"}),
        ("page-xml", {"p1.page.xml": "Results &amp; outlook", "p2.page.xml": "财务专用章"}),
    ],
)
def test_several_files_come_as_a_zip(client: FlaskClient, name: str, files: dict[str, str]) -> None:
    reply = send(client, json.loads(to_json(SAMPLE)), f"?format={name}")

    assert (reply.status_code, reply.content_type) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(reply.data)) as archive:
        assert archive.namelist() == list(files)
        for file, text in files.items():
            assert text in archive.read(file).decode("utf-8")


def test_one_table_comes_as_csv_and_none_as_an_empty_one(client: FlaskClient) -> None:
    value = json.loads(to_json(SAMPLE))
    for pages, expected in (([value["pages"][1]], "项目,金额（元）"), ([], "")):
        reply = send(client, {**value, "pages": pages}, "?format=csv")

        assert (reply.status_code, reply.content_type) == (200, "text/csv; charset=utf-8")
        assert reply.data.decode("utf-8-sig").startswith(expected)
    assert reply.data.decode("utf-8-sig") == ""


def test_words_have_the_same_places_fresh_and_kept(client: FlaskClient) -> None:
    """The cache keeps single characters only where they are wanted."""
    first, second = (
        client.post("/ocr?format=hocr", data=png("x"), content_type="image/png") for _ in range(2)
    )
    assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("miss", "hit")
    assert first.data == second.data


def test_a_document_of_several_pages(client: FlaskClient) -> None:
    reply = send(client, json.loads(to_json(DOCUMENT)))
    assert reply.get_data(as_text=True) == "Total 19.80\n発票\n\nSecond\n"


@pytest.mark.parametrize(
    ("body", "query", "kind", "status", "code", "message"),
    [
        ({"model": "m/1", "pages": []}, "", "application/json", 422, "OPTION_INVALID", "must name one"),
        ({}, "?format=docx9", "application/json", 422, "OPTION_INVALID", "names formats"),
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
    [({"rotation": 45}, "'rotation'"), ({"width": -1}, "'width'"), ({"blocks": [9]}, "'lines' is missing")],
)
def test_impossible_values_are_named(client: FlaskClient, change: dict[str, Any], message: str) -> None:
    value = json.loads(to_json(DOCUMENT))
    value["pages"][0] |= change

    assert message in send(client, value).json["error"]["message"]


def test_a_confidence_is_a_probability(client: FlaskClient) -> None:
    value = json.loads(to_json(DOCUMENT))
    value["pages"][0]["lines"][0]["confidence"] = 2.5

    assert "'confidence'" in send(client, value).json["error"]["message"]


def send_form(client: FlaskClient, query: str = "?format=pdf", /, **parts: bytes) -> Any:
    fields = MultiDict((name, FileStorage(io.BytesIO(part), name)) for name, part in parts.items())
    body, _, boundary = stream_encode_multipart(fields, use_tempfile=False)
    return client.post(
        f"/export{query}", data=body.read(), content_type=f"multipart/form-data; boundary={boundary}"
    )


def test_a_corrected_document_becomes_a_searchable_pdf_of_its_picture(client: FlaskClient) -> None:
    picture = png("Total 19.80")
    read = json.loads(
        client.post("/ocr?format=json&detail=chars", data=picture, content_type="image/png").data
    )
    read["pages"][0]["lines"][0] |= {"text": "corrected by hand", "chars": []}

    reply = send_form(client, document=json.dumps(read).encode(), image=picture)

    assert (reply.status_code, reply.content_type) == (200, "application/pdf")
    pdf = pypdfium2.PdfDocument(reply.data)
    assert len(pdf) == 1
    assert "corrected by hand" in pdf[0].get_textpage().get_text_range()
    # Pictures are there for the formats that show them, too.
    report = send_form(client, "?format=report", document=json.dumps(read).encode(), image=picture)
    assert b"data:image/" in report.data
    assert b"corrected by hand" in report.data


def test_the_options_that_chose_the_pages_count(client: FlaskClient) -> None:
    document = to_json(DOCUMENT).encode()
    reply = send_form(client, "?format=svg&pages=9", document=document, image=png("x"))
    assert (reply.status_code, reply.json["error"]["code"]) == (422, "OPTION_INVALID")
    assert send_form(client, "?format=svg&pages=1", document=document, image=png("x")).status_code == 200


@pytest.mark.parametrize(
    ("parts", "code", "message"),
    [
        ({"document": b"{}"}, "BAD_REQUEST", "'image'"),
        ({"image": b"x"}, "BAD_REQUEST", "'document'"),
        ({"document": b"{}", "image": b"x", "other": b"x"}, "BAD_REQUEST", "'other'"),
        ({"document": b"{}", "image": b""}, "IMAGE_EMPTY", "empty"),
        ({"document": b"{}", "image": b"x"}, "BAD_REQUEST", "'pages' is missing"),
    ],
)
def test_a_form_that_does_not_fit_is_refused(
    client: FlaskClient, parts: dict[str, bytes], code: str, message: str
) -> None:
    reply = send_form(client, "?format=pdf", **parts)

    assert reply.json["error"]["code"] == code
    assert message in reply.json["error"]["message"]


def test_the_document_in_a_form_has_its_own_limit(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 32 << 20
    reply = send_form(app.test_client(), document=b" " * (5 << 20), image=png("x"))
    assert (reply.status_code, reply.json["error"]["code"]) == (413, "BODY_TOO_LARGE")
    assert "4 MiB" in reply.json["error"]["message"]
