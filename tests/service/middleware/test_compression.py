"""The page's files go gzipped to whoever takes that."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import crnn_ocr.service

UI = Path(crnn_ocr.service.__file__).parent / "ui"
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}


@pytest.mark.parametrize(
    ("path", "file"), [("/", "index.html"), ("/ui/js/main.js", "js/main.js"), ("/ui/icon.svg", "icon.svg")]
)
def test_text_is_packed_for_browsers_and_plain_for_others(client: FlaskClient, path: str, file: str) -> None:
    plain = (UI / file).read_bytes()
    with client.get(path, headers=BROWSER) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.data) == plain
        assert int(answer.headers["Content-Length"]) == len(answer.data) < len(plain)
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["ETag"].startswith("W/")
    with client.get(path) as answer:
        assert "Content-Encoding" not in answer.headers
        assert answer.data == plain
        assert answer.headers["Vary"] == "Accept-Encoding"
    with client.get(path, headers={"Accept-Encoding": "gzip;q=0, identity"}) as answer:
        assert answer.data == plain


def test_a_packed_file_is_revalidated(client: FlaskClient) -> None:
    with client.get("/ui/js/main.js", headers=BROWSER) as answer:
        tag = answer.headers["ETag"]
    with client.get("/ui/js/main.js", headers={**BROWSER, "If-None-Match": tag}) as answer:
        assert answer.status_code == 304
        assert answer.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/ui/samples/poem.webp", "/ui/none.js", "/healthz"])
def test_nothing_else_is_packed(client: FlaskClient, path: str) -> None:
    with client.get(path, headers=BROWSER) as answer:
        assert "Content-Encoding" not in answer.headers


def test_a_part_of_a_file_is_a_part_of_the_plain_one(client: FlaskClient) -> None:
    with client.get("/ui/js/main.js", headers={**BROWSER, "Range": "bytes=0-9"}) as answer:
        assert answer.status_code == 206
        assert answer.data == (UI / "js" / "main.js").read_bytes()[:10]
