"""`POST /ocr/batch` with a fake engine."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from io import BytesIO
from itertools import islice
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crnn_ocr.document import Document
from crnn_ocr.errors import ImageDecodeError, OverloadedError, UnsupportedImageError
from crnn_ocr.options import ReadOptions
from crnn_ocr.service.api import examples
from crnn_ocr.service.routes.batch_pool import MOST_BATCHES, MOST_OF_CLIENT
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app, digest_answer, document, page

PATIENCE_S = 20


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def entries(*pictures: bytes, **options: object) -> list[dict[str, Any]]:
    return [{"image": encoded(data), **({"options": options} if options else {})} for data in pictures]


def form(*pictures: bytes, **fields: Any) -> dict[str, Any]:
    files = [(BytesIO(data), f"{number}.png") for number, data in enumerate(pictures)]
    return {"data": {"image": files, **fields}, "content_type": "multipart/form-data"}


def text_of(data: bytes) -> str:
    return digest_answer(data, ReadOptions()).text


def ask(client: FlaskClient, **request: Any) -> Any:
    answer = client.post("/ocr/batch", **request)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_every_picture_has_its_answer_in_order(client: FlaskClient, reader: FakeReader) -> None:
    pictures = [bytes([number]) * 4 for number in range(20)]

    def uneven(data: bytes, options: ReadOptions) -> Document:
        time.sleep(data[0] % 3 * 0.02)
        return digest_answer(data, options)

    reader.answer = uneven
    for request in ({"json": entries(*pictures)}, form(*pictures)):
        body = ask(client, **request)
        assert [entry["text"] for entry in body["results"]] == [text_of(data) for data in pictures]
        assert [entry["index"] for entry in body["results"]] == list(range(20))
        assert (body["success"], body["failed"]) == (True, 0)
        assert body["elapsed_ms"] > 0


def test_a_result_is_the_answer_of_a_single_request(client: FlaskClient) -> None:
    single = client.post("/ocr", data=b"picture", content_type="image/png").json
    (result,) = ask(client, json=entries(b"picture"), headers={"Cache-Control": "no-store"})["results"]
    assert single is not None
    assert result.pop("index") == 0
    for about_the_request in ("elapsed_ms", "request_id"):
        del single[about_the_request], result[about_the_request]
    assert result == single


def test_one_bad_picture_fails_no_other(client: FlaskClient, reader: FakeReader) -> None:
    def some_broken(data: bytes, options: ReadOptions) -> Document:
        match data:
            case b"broken":
                raise ImageDecodeError("Cut short.")
            case b"too much":
                raise OverloadedError("Busy.", retry_after=7)
            case b"fault":
                raise RuntimeError("a fault of the engine")
        return digest_answer(data, options)

    reader.answer = some_broken
    body = ask(
        client,
        json=[
            *entries(b"good", b"broken", b"too much", b"fault"),
            {"image": "no base64!"},
            {"image": encoded(b"x"), "options": {"gray": "on"}},
            {"image": encoded(b"x"), "extra": 1},
            {},
            "text",
            *entries(b"good too"),
        ],
    )
    results = body["results"]
    assert [(entry.get("status"), entry.get("error", {}).get("code")) for entry in results] == [
        (None, None),
        (422, "IMAGE_DECODE_FAILED"),
        (503, "OVERLOADED"),
        (500, "INTERNAL_ERROR"),
        (400, "BASE64_INVALID"),
        (422, "OPTION_INVALID"),
        (400, "BAD_REQUEST"),
        (400, "IMAGE_MISSING"),
        (400, "JSON_INVALID"),
        (None, None),
    ]
    assert [entry["success"] for entry in results] == [True] + [False] * 8 + [True]
    assert body["failed"] == 8
    assert results[2]["retry_after"] == 7
    assert {entry["request_id"] for entry in results} == {body["request_id"]}
    assert "a fault of the engine" not in json.dumps(body)


def test_an_empty_file_of_a_form_fails_alone(client: FlaskClient) -> None:
    results = ask(client, **form(b"good", b"", b"too"))["results"]
    assert [entry["success"] for entry in results] == [True, False, True]
    assert results[1]["error"]["code"] == "IMAGE_EMPTY"


def test_options_are_those_of_each_picture_or_of_all(client: FlaskClient, reader: FakeReader) -> None:
    request = {"json": [*entries(b"a", grey="on"), *entries(b"b")], "query_string": "denoise=off"}
    ask(client, **request)
    given = dict(reader.calls)
    assert given[b"a"] == ReadOptions(grey="on", denoise="off")
    assert given[b"b"] == ReadOptions(denoise="off")
    reader.calls.clear()
    ask(client, **form(b"c", b"d", options='{"grey": "off"}', clahe="on"), query_string="denoise=off")
    assert {options for _, options in reader.calls} == {ReadOptions(grey="off", clahe="on", denoise="off")}


def test_equal_pictures_are_read_once(client: FlaskClient, reader: FakeReader) -> None:
    results = ask(client, json=entries(*[b"same"] * 12))["results"]
    assert len(reader.calls) == 1
    assert sorted(entry["cached"] for entry in results) == [False] + [True] * 11


BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "an object": ({"json": {"image": "eA=="}}, 400, "JSON_INVALID"),
    "an empty list": ({"json": []}, 400, "BAD_REQUEST"),
    "no JSON": ({"data": "[", "content_type": "application/json"}, 400, "JSON_INVALID"),
    "too many": ({"json": entries(*[b"x"] * 65)}, 413, "BATCH_TOO_LARGE"),
    "too many files": (form(*[b"x"] * 65), 413, "BATCH_TOO_LARGE"),
    "too many parts": (form(*[b"x"] * 200), 413, "BODY_TOO_LARGE"),
    "a raw body": ({"data": b"x", "content_type": "image/png"}, 415, "MEDIA_TYPE_UNSUPPORTED"),
    "no file": (form(options="{}"), 400, "IMAGE_MISSING"),
    "another file field": (
        {"data": {"picture": (BytesIO(b"x"), "a.png")}, "content_type": "multipart/form-data"},
        400,
        "BAD_REQUEST",
    ),
    "a bad option for all": ({"json": entries(b"x"), "query_string": "gray=on"}, 422, "OPTION_INVALID"),
    "an option twice in a form": (
        {**form(b"x", grey="on"), "query_string": "grey=on"},
        422,
        "OPTION_INVALID",
    ),
    "too large": ({"json": entries(bytes(100_000))}, 413, "BODY_TOO_LARGE"),
}


@pytest.mark.parametrize(("request_form", "status", "code"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_with_the_whole_fails_the_whole(
    client: FlaskClient, reader: FakeReader, request_form: dict[str, Any], status: int, code: str
) -> None:
    answer = client.post("/ocr/batch", **request_form)
    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.text
    assert reader.calls == []


def test_the_number_of_pictures_is_a_setting(reader: FakeReader) -> None:
    client = create_app(reader, Settings(batch_max_items=2), warm_up=False).test_client()
    assert client.post("/ocr/batch", json=entries(b"a", b"b")).status_code == 200
    assert client.post("/ocr/batch", json=entries(b"a", b"b", b"c")).status_code == 413


def test_more_files_than_a_form_usually_has_are_taken(reader: FakeReader) -> None:
    client = create_app(reader, Settings(batch_max_items=300), warm_up=False).test_client()
    assert len(ask(client, **form(*[bytes([n % 250, 1]) for n in range(300)]))["results"]) == 300


# ---- streamed ----------------------------------------------------------------------------------------

STREAM = {"Accept": "application/x-ndjson"}


def test_results_are_streamed_as_they_are_finished(app: Flask, reader: FakeReader) -> None:
    second_was_received = threading.Event()

    def first_waits(data: bytes, options: ReadOptions) -> Document:
        if data == b"slow":
            assert second_was_received.wait(PATIENCE_S)
        return digest_answer(data, options)

    reader.answer = first_waits
    with app.test_client().post(
        "/ocr/batch", json=entries(b"slow", b"fast"), headers=STREAM, buffered=False
    ) as answer:
        assert answer.mimetype == "application/x-ndjson"
        rows: Iterator[Any] = iter(answer.response)
        fast = json.loads(next(rows))
        second_was_received.set()
        slow = json.loads(next(rows))
        assert next(rows, None) is None
    assert (fast["index"], fast["text"]) == (1, text_of(b"fast"))
    assert (slow["index"], slow["text"]) == (0, text_of(b"slow"))


def test_streamed_results_are_the_same(client: FlaskClient) -> None:
    request = {"json": [*entries(b"a", b"b"), {"image": "?"}]}
    whole = ask(client, **request)["results"]
    streamed = client.post("/ocr/batch", **request, headers=STREAM)
    rows = sorted((json.loads(row) for row in streamed.text.splitlines()), key=lambda row: row["index"])
    for entry in [*whole, *rows]:
        for about_the_request in ("elapsed_ms", "request_id", "cached"):
            entry.pop(about_the_request, None)
    assert rows == whole


def test_who_stops_listening_ends_the_work(app: Flask, reader: FakeReader) -> None:
    first_done = threading.Event()

    def slow(data: bytes, options: ReadOptions) -> Document:
        if data != b"0":
            assert first_done.wait(PATIENCE_S)
            time.sleep(0.05)
        return digest_answer(data, options)

    reader.answer = slow
    pictures = [str(number).encode() for number in range(50)]
    answer = app.test_client().post("/ocr/batch", json=entries(*pictures), headers=STREAM, buffered=False)
    next(iter(answer.response))
    first_done.set()
    answer.close()
    assert len(reader.calls) < 25
    ticket = reader.tickets[0]
    assert ticket is not None
    assert ticket.cancelled


def batch_threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("crnn-ocr-batch")}


@pytest.mark.parametrize("headers", [STREAM, {}], ids=["streamed", "whole"])
def test_many_batches_share_a_bounded_pool_and_more_are_refused(
    app: Flask, reader: FakeReader, headers: dict[str, str]
) -> None:
    before = batch_threads()
    may_end = threading.Event()

    def wait(data: bytes, options: ReadOptions) -> Document:
        assert may_end.wait(PATIENCE_S)
        return digest_answer(data, options)

    def send(number: int, client: str = "") -> Any:
        pictures = entries(*(bytes([number, picture]) for picture in range(8)))
        address = {"REMOTE_ADDR": client or f"10.0.0.{number}"}
        with app.test_client().post(
            "/ocr/batch", json=pictures, headers=headers, environ_base=address
        ) as answer:
            answer.get_data()
            return answer

    reader.answer = wait
    with ThreadPoolExecutor(MOST_BATCHES + 20) as clients:
        # One client sends first, and more than its share …
        greedy = [clients.submit(send, number, "10.1.1.1") for number in range(MOST_OF_CLIENT + 5)]
        refused = [future.result() for future in islice(as_completed(greedy, PATIENCE_S), 5)]
        # … then others do, and more than all.
        left = MOST_BATCHES - MOST_OF_CLIENT
        others = [clients.submit(send, 100 + number) for number in range(left + 5)]
        refused += [future.result() for future in islice(as_completed(others, PATIENCE_S), 5)]
        assert len(batch_threads() - before) <= MOST_BATCHES
        may_end.set()
        answers = [[future.result() for future in asked] for asked in (greedy, others)]
    for answer in refused:
        assert (answer.status_code, answer.json["error"]["code"]) == (503, "OVERLOADED")
        assert int(answer.headers["Retry-After"]) >= 1
    taken = [sum(answer.status_code == 200 for answer in group) for group in answers]
    assert taken == [MOST_OF_CLIENT, left]
    assert send(0, "10.1.1.1").status_code == 200
    assert app.test_client().post("/ocr/batch", json=entries(b"afterwards")).status_code == 200


def test_a_batch_for_which_there_is_no_place_is_refused_before_it_is_read(
    app: Flask, reader: FakeReader
) -> None:
    may_end = threading.Event()
    started = threading.Semaphore(0)

    def wait(data: bytes, options: ReadOptions) -> Document:
        started.release()
        assert may_end.wait(PATIENCE_S)
        return digest_answer(data, options)

    class Unread(BytesIO):
        def read(self, *_: object) -> bytes:
            raise AssertionError("the body was read")

        readinto = read1 = readline = read  # type: ignore[assignment]

    def send(number: int) -> Any:
        return app.test_client().post("/ocr/batch", json=entries(bytes([number])))

    reader.answer = wait
    with ThreadPoolExecutor(MOST_OF_CLIENT) as clients:
        asked = [clients.submit(send, number) for number in range(MOST_OF_CLIENT)]
        for _ in asked:
            assert started.acquire(timeout=PATIENCE_S)
        answer = app.test_client().post(
            "/ocr/batch", input_stream=Unread(), content_type="application/json", content_length=100
        )
        assert answer.status_code == 503
        assert f"{MOST_OF_CLIENT} batches of this client" in answer.get_json()["error"]["message"]
        may_end.set()
        assert {future.result().status_code for future in asked} == {200}


def test_a_large_batch_lets_a_small_one_pass(app: Flask, reader: FakeReader) -> None:
    """It has no more than a few of its pictures in the pool at a time."""
    may_end = threading.Event()

    def large_waits(data: bytes, options: ReadOptions) -> Document:
        assert data.startswith(b"small") or may_end.wait(PATIENCE_S)
        return digest_answer(data, options)

    reader.answer = large_waits
    with ThreadPoolExecutor(1) as other:
        pictures = entries(*(bytes([number]) for number in range(60)))
        large = other.submit(app.test_client().post, "/ocr/batch", json=pictures)
        assert ask(app.test_client(), json=entries(b"small"))["failed"] == 0
        may_end.set()
        assert large.result().get_json()["failed"] == 0


def test_only_who_asks_for_rows_gets_them(client: FlaskClient) -> None:
    for accept in ("*/*", "application/json", "text/html", "application/json, application/x-ndjson;q=0.5"):
        answer = client.post("/ocr/batch", json=entries(b"a"), headers={"Accept": accept})
        assert answer.mimetype == "application/json"


# ---- around it ---------------------------------------------------------------------------------------


def test_records_of_every_picture_carry_the_requests_id(
    client: FlaskClient, reader: FakeReader, caplog: pytest.LogCaptureFixture
) -> None:
    from crnn_ocr.logging import current_request_id

    seen: list[str | None] = []

    def remember(data: bytes, options: ReadOptions) -> Document:
        seen.append(current_request_id.get())
        return digest_answer(data, options)

    reader.answer = remember
    caplog.set_level(logging.INFO, "crnn_ocr")
    ask(client, json=entries(b"a", b"b", b"c"), headers={"X-Request-Id": "my-id"})
    assert seen == ["my-id"] * 3


def test_all_pictures_share_the_time_of_the_request(client: FlaskClient, reader: FakeReader) -> None:
    ask(client, json=entries(b"a", b"b"))
    first, second = reader.tickets
    assert first is second
    assert first is not None
    assert first.deadline is not None


def test_the_example_is_taken_and_answered_in_the_real_shape(client: FlaskClient, reader: FakeReader) -> None:
    def only_png(data: bytes, options: ReadOptions) -> Document:
        if not data.startswith(b"\x89PNG"):
            raise UnsupportedImageError("The data is plain text, not a picture.")
        return document(page("a", "b"))

    reader.answer = only_png
    body = ask(client, json=examples.BATCH_REQUEST)
    example = examples.BATCH_ANSWER
    assert list(body) == list(example)
    for real, shown in zip(body["results"], example["results"], strict=True):
        assert list(real) == list(shown)
