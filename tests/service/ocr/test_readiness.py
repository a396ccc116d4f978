from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.service.ocr.engine_protocol import Readiness
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app


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


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_what_has_failed_is_tried_again_when_it_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    reader = FakeReader(ready=False)
    reader.warm_up_error = ModelBrokenError("rec.onnx differs")
    reader.may_warm_up.set()
    client = create_app(reader, Settings(), warm_up=False).test_client()
    reader.problem = "rec.onnx differs"
    for _ in range(5):
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json is not None
        assert "rec.onnx differs" in answer.json["error"]["message"]
    reader.warm_up_error = reader.problem = None  # the files have been mended
    wait_for(lambda: client.get("/readyz").status_code == 200)
    assert reader.ready


def test_a_failure_is_logged_once_however_often_it_is_met(caplog: pytest.LogCaptureFixture) -> None:
    reader = FakeReader(ready=False)
    reader.warm_up_error = ModelBrokenError("x")
    reader.may_warm_up.set()
    readiness = Readiness(reader)
    with caplog.at_level(logging.ERROR, "crnn_ocr"):
        for _ in range(5):
            readiness.start_warm_up().join(10)
    assert len(caplog.records) == 1


def test_a_lazy_service_is_ready_before_the_models_are_loaded() -> None:
    reader = FakeReader(ready=False)
    client = create_app(reader, Settings(warm_up=False)).test_client()
    assert client.get("/readyz").status_code == 200
    assert not reader.ready
    reader.problem = "the pack is missing"
    answer = client.get("/readyz")
    assert answer.json is not None
    assert (answer.status_code, "is missing" in answer.json["error"]["message"]) == (503, True)


def test_unloaded_models_do_not_make_a_service_unready() -> None:
    reader = FakeReader()
    readiness = Readiness(reader)
    readiness.check()
    reader._ready = False
    readiness.check()
