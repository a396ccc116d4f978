"""`POST /share`: files from another app come back inside the page."""

from __future__ import annotations

import re
from base64 import b64decode
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crnn_ocr.service.middleware.api_keys import new_key
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app

PICTURES = (b"\x89PNG </div><script>", b"%PDF-1.7")
OWN = {"Sec-Fetch-Site": "none", "Origin": "null"}  # what browsers send for what another app shares


def sent(client: FlaskClient, headers: dict[str, str], *pictures: bytes) -> TestResponse:
    files = [(BytesIO(picture), "a.png") for picture in pictures]
    return client.post("/share", data={"image": files}, headers=headers)


def test_the_page_holds_what_was_shared(client: FlaskClient) -> None:
    answer = sent(client, OWN, *PICTURES)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    inside = answer.text[answer.text.index('<div id="shared" hidden>') :]
    assert [b64decode(text) for text in re.findall(r"<span>(.*?)</span>", inside)] == list(PICTURES)
    assert inside.rstrip().endswith("</html>")
    assert "'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("keys", [False, True])
def test_no_other_site_puts_pictures_into_the_page(keys: bool) -> None:
    settings = Settings(api_keys=(new_key("app").entry,) if keys else ())
    client = create_app(FakeReader(), settings, warm_up=False).test_client()
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    answer = sent(client, foreign, *PICTURES)
    if keys:  # the page itself is open to everybody
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    else:
        assert answer.status_code == 403
    assert sent(client, OWN, *PICTURES).status_code == 200


def test_what_is_too_large_or_missing_is_refused() -> None:
    settings = Settings(max_body_bytes=2048, max_image_bytes=1024)
    client = create_app(FakeReader(), settings, warm_up=False).test_client()
    assert sent(client, OWN, b"x" * 3000).status_code == 413
    assert sent(client, OWN).status_code in (400, 415)
    assert client.get("/share").status_code == 405
