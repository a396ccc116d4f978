"""`POST /convert`, and formats of `POST /ocr`: which files answer, under which names."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from crnn_ocr.document import Document
from crnn_ocr.export import FORMATS, WriteOptions, Writer
from crnn_ocr.service.routes.openapi import openapi_document
from tests.service.fakes import FakeReader
from tests.service.rendering import png


def shout(document: Document, how: WriteOptions) -> str:
    return document.text.upper()


def size(document: Document, how: WriteOptions) -> bytes:
    """Write the size of the input and of its first page, so that a test sees that both are there."""
    assert how.original is not None
    assert how.picture is not None
    return f"{len(how.original())} {how.picture(1).shape[1]}".encode()


def each(document: Document, how: WriteOptions) -> list[tuple[str, bytes]]:
    return [(f"line{n}", line.text.encode()) for n, line in enumerate(document.pages[0].lines, start=1)]


@pytest.fixture(autouse=True)
def formats(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, writer in {
        "loud": Writer(shout, ".loud", "text/x-loud; charset=utf-8", "Loud", layout="blocks"),
        "size": Writer(size, ".size", "text/x-size", "Size", needs_original=True),
        "parts": Writer(shout, ".part", "text/x-part", "Parts", write_parts=each),
    }.items():
        monkeypatch.setitem(FORMATS, name, writer)
    openapi_document.cache_clear()
    yield
    openapi_document.cache_clear()


def convert(client: FlaskClient, query: str, path: str = "/convert", **headers: str) -> Any:
    return client.post(path + query, data=png("x"), content_type="image/png", headers=headers)


def code_and_hint(reply: Any) -> tuple[str, str]:
    assert reply.status_code == 422
    return reply.json["error"]["code"], reply.json["error"]["hint"]


def test_one_format_is_its_file(client: FlaskClient, reader: FakeReader) -> None:
    reply = convert(client, "?to=loud")

    assert (reply.status_code, reply.content_type) == (200, "text/x-loud; charset=utf-8")
    assert reply.headers["Content-Disposition"] == "attachment; filename=document.loud"
    assert reply.headers["X-Cache"] == "miss"
    plain = client.post("/ocr?format=text", data=png("x"), content_type="image/png")
    assert reply.get_data(as_text=True) == plain.get_data(as_text=True).strip().upper()


def test_the_format_says_which_layout_is_needed(client: FlaskClient, reader: FakeReader) -> None:
    convert(client, "?to=loud")
    convert(client, "?to=loud&layout=lines")
    convert(client, "?to=text")

    assert [options.layout for _, options in reader.calls] == ["blocks", "lines", "auto"]


def test_several_formats_are_an_archive(client: FlaskClient) -> None:
    reply = convert(client, "?to=text,loud")

    assert reply.content_type == "application/zip"
    assert reply.headers["Content-Disposition"] == "attachment; filename=document.zip"
    with zipfile.ZipFile(io.BytesIO(reply.data)) as archive:
        assert archive.namelist() == ["document.txt", "document.loud"]
        assert archive.read("document.loud").decode() == archive.read("document.txt").decode().strip().upper()
    assert convert(client, "?to=text,loud").data == reply.data


def test_a_format_of_several_files_is_an_archive(client: FlaskClient, reader: FakeReader) -> None:
    from tests.service.fakes import document, page

    reader.answer = lambda *_: document(page("one", "two"))
    with zipfile.ZipFile(io.BytesIO(convert(client, "?to=parts").data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "line1.part": b"one",
            "line2.part": b"two",
        }


def test_writers_see_the_input_and_its_pages(client: FlaskClient) -> None:
    picture = png("x")
    for path in ("/convert?to=size", "/ocr?format=size"):
        size_of, width = client.post(path, data=picture, content_type="image/png").data.split()
        assert int(size_of) == len(picture)
        assert int(width) > 1


def test_a_document_that_comes_back_has_no_input(client: FlaskClient) -> None:
    sent = client.post("/ocr?format=json", data=png("x"), content_type="image/png").data
    reply = client.post("/export?format=size", data=sent, content_type="application/json")

    error = code_and_hint(reply)
    assert error[0] == "OPTION_INVALID"
    assert "POST /convert?to=size" in error[1]


@pytest.mark.parametrize("query", ["", "?to=", "?to=docx9", "?to=text,docx9", "?to=text&to=json"])
def test_formats_must_be_named(client: FlaskClient, query: str) -> None:
    reply = convert(client, query)

    assert (reply.status_code, reply.json["error"]["code"]) == (422, "OPTION_INVALID")
    assert "loud" in reply.json["error"]["hint"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/x-loud", "text/x-loud; charset=utf-8"),
        ("text/x-loud;q=0.5, text/x-size;q=0.1", "text/x-loud; charset=utf-8"),
        ("application/json", "application/json"),
        ("application/json, text/x-loud", "application/json"),
        ("application/json; charset=utf-8, text/x-loud, */*", "application/json"),
        ("application/problem+json, text/x-loud", "application/json"),
        ("text/x-loud;q=0", "application/json"),
        ("TEXT/X-LOUD; charset=utf-8", "text/x-loud; charset=utf-8"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("*/*", "application/json"),
        ("image/webp", "application/json"),
    ],
)
def test_accept_names_a_format(client: FlaskClient, accept: str, kind: str) -> None:
    reply = convert(client, "", "/ocr", Accept=accept)

    assert (reply.status_code, reply.content_type) == (200, kind)
    assert "Accept" in reply.headers["Vary"]


def test_the_parameter_counts_for_more_than_the_header(client: FlaskClient) -> None:
    assert convert(client, "?format=text", "/ocr", Accept="text/x-loud").mimetype == "text/plain"


def test_the_reference_describes_it(client: FlaskClient) -> None:
    operation = openapi_document()["paths"]["/convert"]["post"]

    (parameter,) = [one for one in operation["parameters"] if one["name"] == "to"]
    assert parameter["schema"]["items"]["enum"] == list(FORMATS)
    assert "text/x-loud" in operation["responses"]["200"]["content"]
