from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from crnn_ocr.errors import SettingsError
from crnn_ocr.service.middleware.api_keys import new_key
from crnn_ocr.service.middleware.cors import check_origins
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app

APP = "https://app.example.com"
KEY = new_key("team")
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}


@pytest.fixture
def friendly() -> FlaskClient:
    settings = Settings(cors_origins=(APP, "http://localhost:3000"), api_keys=(KEY.entry,))
    return create_app(FakeReader(), settings, warm_up=False).test_client()


@pytest.mark.parametrize("origin", [APP, "http://localhost:3000"])
def test_a_page_of_a_named_origin_may_ask(friendly: FlaskClient, origin: str) -> None:
    preflight = friendly.options("/ocr", headers={"Origin": origin, **PREFLIGHT})
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "X-API-Key" in preflight.headers["Access-Control-Allow-Headers"]
    answer = friendly.post(
        "/ocr", data=b"x", content_type="image/png", headers={"Origin": origin, "X-API-Key": KEY.key}
    )
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert "Origin" in answer.headers["Vary"]
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_page_may_also_see_why_it_was_refused(friendly: FlaskClient) -> None:
    answer = friendly.post("/ocr", data=b"x", headers={"Origin": APP})
    assert answer.status_code == 401
    assert answer.headers["Access-Control-Allow-Origin"] == APP


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://app.example.com", "https://app.example.com:8443", f"{APP}.evil", "null"],
)
def test_other_pages_may_not(friendly: FlaskClient, origin: str) -> None:
    for answer in (
        friendly.options("/ocr", headers={"Origin": origin, **PREFLIGHT}),
        friendly.get("/healthz", headers={"Origin": origin}),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Origin" in answer.headers["Vary"]  # or a cache in between would mix them up
    assert friendly.options("/ocr", headers={"Origin": origin, **PREFLIGHT}).status_code == 401


def test_no_page_may_by_default(client: FlaskClient) -> None:
    answer = client.options("/ocr", headers={"Origin": APP, **PREFLIGHT})
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*.example.com",
        "app.example.com",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://APP.example.com",
        "https://app.example.com:443",
        "http://app.example.com:80",
        "https://user@app.example.com",
        "ftp://app.example.com",
        "https://",
        "https://app.example.com:port",
        "https://[::1",
        "null",
    ],
)
def test_what_is_no_origin_ends_the_start(origin: str) -> None:
    with pytest.raises(SettingsError, match="no origin"):
        check_origins([origin])


def test_origins_with_ports_and_addresses_are_taken() -> None:
    assert len(check_origins(["https://app.example.com:8443", "http://[::1]:3000", "http://10.0.0.1"])) == 3
