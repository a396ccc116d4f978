from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crnn_ocr.service.app import create_app
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader
from tests.service.wire import Server, running_server

MAX_BODY = 8 * 1024 * 1024


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def app(reader: FakeReader) -> Flask:
    return create_app(reader, Settings(max_body_bytes=100_000), warm_up=False)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The real service with the real engine."""
    with running_server(CRNN_OCR_MAX_BODY_BYTES=str(MAX_BODY)) as running:
        yield running
