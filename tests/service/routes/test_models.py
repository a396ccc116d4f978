from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app

KEY = "crnn_" + "k" * 43


def put(client: FlaskClient, body: object = None, **more: Any) -> TestResponse:
    return client.put("/models/active", json=body, **more)


def code(answer: TestResponse) -> str:
    assert answer.json is not None
    assert answer.json["success"] is False
    return str(answer.json["error"]["code"])


def test_the_packs_are_listed(client: FlaskClient) -> None:
    listed = client.get("/models").json
    assert listed is not None
    assert listed["active"] == "fake/1"
    assert [(model["name"], model["active"], model["loaded"]) for model in listed["models"]] == [
        ("fake", True, True),
        ("other", False, False),
        ("third", False, False),
    ]
    first = listed["models"][0]
    assert first["aliases"] == ["quick"]
    assert (first["version"], first["kind"], first["licence"], first["card"]) == (
        "1",
        "rec",
        "Apache-2.0",
        "Made here.",
    )
    assert [broken["name"] for broken in listed["broken"]] == ["half"]
    (worker,) = listed["workers"]
    assert (worker["model"], worker["loaded"], worker["problem"]) == ("fake/1", ["fake"], "")


def test_the_active_model_is_switched(client: FlaskClient, reader: FakeReader) -> None:
    answer = put(client, {"model": "other"})
    assert (answer.status_code, answer.json) == (
        200,
        {"model": "other/1", "previous": "fake/1", "workers": 1, "pending": []},
    )
    listed = client.get("/models").json
    assert listed is not None
    assert listed["active"] == "other/1"
    assert put(client, {"model": "quick"}).json == {
        "model": "fake/1",
        "previous": "other/1",
        "workers": 1,
        "pending": [],
    }


def test_a_model_that_cannot_load_is_refused_with_the_reason(client: FlaskClient, reader: FakeReader) -> None:
    reader.prepare_errors["other"] = ModelBrokenError("net.onnx differs from its manifest")
    answer = put(client, {"model": "other"})
    assert (answer.status_code, code(answer)) == (409, "MODEL_SWITCH_FAILED")
    assert answer.json is not None
    assert "differs" in answer.json["error"]["message"]
    assert reader.model == "fake/1"


@pytest.mark.parametrize(
    ("body", "kind", "status", "expected"),
    [
        ('{"model": "nothing"}', "application/json", 404, "MODEL_NOT_FOUND"),
        ('{"model": ""}', "application/json", 400, "BAD_REQUEST"),
        ('{"model": 5}', "application/json", 400, "BAD_REQUEST"),
        ('{"model": null}', "application/json", 400, "BAD_REQUEST"),
        ("{}", "application/json", 400, "BAD_REQUEST"),
        ("[]", "application/json", 400, "BAD_REQUEST"),
        ('{"model": "fake", "more": 1}', "application/json", 400, "BAD_REQUEST"),
        ("{", "application/json", 400, "JSON_INVALID"),
        ("", "application/json", 400, "JSON_INVALID"),
        (b'{"model": "\xff"}', "application/json", 400, "JSON_INVALID"),
        ("model=fake", "application/x-www-form-urlencoded", 415, "MEDIA_TYPE_UNSUPPORTED"),
        (json.dumps({"model": "x" * 5000}), "application/json", 413, "BODY_TOO_LARGE"),
    ],
)
def test_wrong_requests_are_refused(
    client: FlaskClient, reader: FakeReader, body: str | bytes, kind: str, status: int, expected: str
) -> None:
    answer = client.put("/models/active", data=body, content_type=kind)
    assert (answer.status_code, code(answer)) == (status, expected)
    assert reader.log == []


@pytest.mark.parametrize("address", ["192.0.2.7", "::ffff:192.0.2.7", ""])
def test_without_keys_only_this_machine_may_switch(client: FlaskClient, address: str) -> None:
    answer = put(client, {"model": "other"}, environ_base={"REMOTE_ADDR": address})
    assert (answer.status_code, code(answer)) == (403, "MODEL_SWITCH_FORBIDDEN")
    assert client.get("/models", environ_base={"REMOTE_ADDR": address}).status_code == 200


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.8.9.10"])
def test_this_machine_has_many_names(client: FlaskClient, address: str) -> None:
    assert put(client, {"model": "other"}, environ_base={"REMOTE_ADDR": address}).status_code == 200


def test_with_keys_whoever_holds_one_may_switch(reader: FakeReader) -> None:
    entry = f"ops:{hashlib.sha256(KEY.encode()).hexdigest()}"
    client = create_app(reader, Settings(api_keys=(entry,)), warm_up=False).test_client()
    far = {"REMOTE_ADDR": "192.0.2.7"}
    assert put(client, {"model": "other"}).status_code == 401
    assert client.get("/models").status_code == 401
    held = {"X-API-Key": KEY}
    assert put(client, {"model": "other"}, headers=held, environ_base=far).status_code == 200
    assert client.get("/models", headers=held).status_code == 200
