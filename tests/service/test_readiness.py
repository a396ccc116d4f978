from __future__ import annotations

import logging
import time

import pytest

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.service.app import create_app
from crnn_ocr.service.reader import Readiness
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader


def test_alive_before_ready_and_ready_after_warm_up() -> None:
    reader = FakeReader(ready=False)
    client = create_app(reader, Settings()).test_client()
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["error"]["code"] == "NOT_READY"
    assert "being loaded" in answer.json["error"]["message"]

    reader.may_warm_up.set()
    deadline = time.monotonic() + 10
    while client.get("/readyz").status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert client.get("/readyz").json == {"status": "ready", "model": "fake/1"}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModelBrokenError("rec.onnx differs from its manifest."), "rec.onnx differs"),
        (RuntimeError("/some/path of ours"), "RuntimeError"),
    ],
)
def test_a_failed_warm_up_says_why(error: Exception, words: str, caplog: pytest.LogCaptureFixture) -> None:
    reader = FakeReader(ready=False)
    reader.warm_up_error = error
    reader.may_warm_up.set()
    app = create_app(reader, Settings(), warm_up=False)
    readiness = Readiness(reader)
    with caplog.at_level(logging.ERROR, "crnn_ocr"):
        readiness.start_warm_up().join(10)
    with pytest.raises(Exception, match=words) as caught:
        readiness.check()
    assert "/some/path" not in str(caught.value)
    assert len(caplog.records) == 1
    assert app.test_client().get("/healthz").status_code == 200


def test_a_request_before_readiness_is_read_all_the_same() -> None:
    reader = FakeReader(ready=False)
    client = create_app(reader, Settings(), warm_up=False).test_client()
    assert client.post("/ocr", data=b"x", content_type="image/png").status_code == 200


def test_ready_once_the_reader_is_whatever_the_warm_up_did() -> None:
    reader = FakeReader(ready=False)
    reader.warm_up_error = ModelBrokenError("x")
    reader.may_warm_up.set()
    readiness = Readiness(reader)
    readiness.start_warm_up().join(10)
    reader.warm_up_error = None
    reader.warm_up()
    readiness.check()
