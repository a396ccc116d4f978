from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def app(reader: FakeReader) -> Flask:
    return create_app(reader, Settings(max_body_bytes=100_000), warm_up=False)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
