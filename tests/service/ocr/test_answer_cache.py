"""The cache as clients see it, with a fake engine."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crnn_ocr.caching.codec import encode
from crnn_ocr.caching.key import cache_key
from crnn_ocr.caching.local import LocalStore
from crnn_ocr.document import Document, Remark
from crnn_ocr.errors import ImageDecodeError, ModelBrokenError
from crnn_ocr.imaging.opened import OpenedDocument
from crnn_ocr.models.fingerprint import TEXT_LAYER, Fingerprint
from crnn_ocr.options import ReadOptions
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.service.ocr.answer_cache import AnswerCache
from crnn_ocr.service.ocr.ocr_service import Readings
from crnn_ocr.service.requests.parsing import INTAKE
from crnn_ocr.settings import Settings
from tests.service.fakes import FakeReader, create_app, digest_answer, document, page

PICTURE = b"\x89PNG any bytes"


def ask(client: FlaskClient, data: bytes = PICTURE, **more: Any) -> TestResponse:
    return client.post("/ocr", data=data, content_type="image/png", **more)


def content(answer: TestResponse) -> bytes:
    """The body without what is about this very request."""
    body = json.loads(answer.data)
    for name in ("cached", "elapsed_ms", "request_id"):
        del body[name]
    return json.dumps(body).encode()


def rich(*_: object) -> Document:
    return document(
        page("一二三", "a b", warnings=(Remark("IMAGE_BLURRED", "Blurred."),)), page(width=9), page("\ud800")
    )


def test_the_second_answer_is_the_first_one(client: FlaskClient, reader: FakeReader) -> None:
    reader.answer = rich
    first, second = ask(client), ask(client)
    assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("miss", "hit")
    assert (first.json["cached"], second.json["cached"]) == (False, True)  # type: ignore[index]
    assert content(first) == content(second)
    assert list(json.loads(first.data)) == list(json.loads(second.data))
    assert len(reader.calls) == 1


def test_equal_requests_in_another_form_have_the_same_answer(client: FlaskClient, reader: FakeReader) -> None:
    ask(client, query_string="min_confidence=0.5")
    assert ask(client, query_string="denoise=auto").headers["X-Cache"] == "hit"
    assert ask(client, query_string="denoise=on").headers["X-Cache"] == "miss"
    assert ask(client, PICTURE + b"!").headers["X-Cache"] == "miss"
    assert len(reader.calls) == 3


def test_another_model_has_other_answers(client: FlaskClient, reader: FakeReader) -> None:
    ask(client)
    reader.identity = Fingerprint("fake/1", "other")
    assert ask(client).headers["X-Cache"] == "miss"


def test_text_layers_are_kept_whatever_the_models_are(client: FlaskClient, reader: FakeReader) -> None:
    reader.answer = lambda *_: Document((page("taken"),), model=TEXT_LAYER)
    assert [ask(client).headers["X-Cache"] for _ in range(2)] == ["miss", "hit"]
    reader.answer = lambda *_: Document((page("taken"),), model=TEXT_LAYER, packs=frozenset({"a:b"}))
    assert [ask(client, PICTURE + b"!").headers["X-Cache"] for _ in range(2)] == ["miss", "miss"]


def test_a_broken_page_is_told_and_not_kept(client: FlaskClient, reader: FakeReader) -> None:
    told = Remark("PAGE_UNREAD", "Page 2 could not be read: It is damaged.")
    broken = replace(page(warnings=(told,)), number=2, error=Remark("IMAGE_DECODE_FAILED", "It is damaged."))
    reader.answer = lambda *_: document(page("one"), broken)
    answers = [ask(client) for _ in range(2)]
    assert [answer.headers["X-Cache"] for answer in answers] == ["miss", "miss"]
    assert answers[0].status_code == 200
    body = json.loads(answers[0].data)
    assert body["warnings"] == [{"code": "PAGE_UNREAD", "message": told.message}]
    assert body["pages"][1]["error"] == {"code": "IMAGE_DECODE_FAILED", "message": "It is damaged."}
    assert body["pages"][0]["error"] is None


def test_an_answer_is_not_kept_under_the_former_models_name(client: FlaskClient, reader: FakeReader) -> None:
    reader.answer = lambda *_: Document((page("new"),), model="fake/2")
    assert ask(client).json["model"] == "fake/2"  # type: ignore[index]
    assert ask(client).headers["X-Cache"] == "miss"


@pytest.mark.parametrize(
    "used", [{"detector:old"}, {"recognizer:old"}, {"second:old"}, set()], ids=lambda used: str(*used)
)
def test_what_packs_read_while_being_replaced_is_not_kept(
    client: FlaskClient, reader: FakeReader, used: set[str]
) -> None:
    new = frozenset({"detector:new", "recognizer:new", "second:new"})
    reader.identity = Fingerprint("fake/1", "new", new)
    reader.answer = lambda *_: replace(document(page("old")), packs=frozenset({"detector:new", *used}))
    assert [ask(client).headers["X-Cache"] for _ in range(2)] == ["miss", "miss"]
    reader.answer = lambda *_: replace(document(page("new")), packs=new)
    assert [ask(client).headers["X-Cache"] for _ in range(2)] == ["miss", "hit"]


def test_a_second_look_that_could_not_be_taken_is_not_kept(client: FlaskClient, reader: FakeReader) -> None:
    reader.answer = lambda *_: document(page("a", warnings=(Remark("RECHECK_UNAVAILABLE", "…"),)))
    assert [ask(client).headers["X-Cache"] for _ in range(2)] == ["miss", "miss"]


def test_a_client_may_refuse_kept_answers(client: FlaskClient, reader: FakeReader) -> None:
    ask(client)
    anew = ask(client, headers={"Cache-Control": "no-cache"})
    assert (anew.headers["X-Cache"], anew.json["cached"]) == ("miss", False)  # type: ignore[index]
    assert len(reader.calls) == 2
    assert ask(client).headers["X-Cache"] == "hit"


def test_a_client_may_refuse_to_be_kept(client: FlaskClient, reader: FakeReader) -> None:
    for _ in range(2):
        assert ask(client, headers={"Cache-Control": "no-store"}).headers["X-Cache"] == "off"
    assert ask(client).headers["X-Cache"] == "miss"
    assert len(reader.calls) == 3


def test_a_cache_of_no_bytes_is_off(reader: FakeReader) -> None:
    client = create_app(reader, Settings(cache_bytes=0), warm_up=False).test_client()
    assert [ask(client).headers["X-Cache"] for _ in range(2)] == ["off", "off"]
    assert len(reader.calls) == 2


def test_errors_are_not_kept(client: FlaskClient, reader: FakeReader) -> None:
    def broken(*_: object) -> Document:
        raise ImageDecodeError("The PNG ends early.")

    reader.answer = broken
    for _ in range(2):
        failed = ask(client)
        assert (failed.status_code, failed.json["error"]["code"]) == (  # type: ignore[index]
            422,
            "IMAGE_DECODE_FAILED",
        )
    assert len(reader.calls) == 2
    assert "X-Cache" not in failed.headers


def test_fifty_equal_requests_at_once_are_read_once(reader: FakeReader) -> None:
    def slow(data: bytes, options: ReadOptions) -> Document:
        time.sleep(0.5)
        return digest_answer(data, options)

    reader.answer = slow
    app = create_app(reader, Settings(), warm_up=False)
    together = threading.Barrier(50)

    def one(_: int) -> TestResponse:
        client = app.test_client()
        together.wait()
        return ask(client)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(one, range(50)))
    assert [answer.status_code for answer in answers] == [200] * 50
    assert len(reader.calls) == 1
    assert sorted(answer.headers["X-Cache"] for answer in answers) == ["hit"] * 49 + ["miss"]
    assert len({content(answer) for answer in answers}) == 1


def test_fifty_equal_pictures_are_held_within_the_allowed_bytes(reader: FakeReader) -> None:
    """Those for whom there is no room are refused; the others have the one answer."""
    may_end, held = threading.Event(), []

    def slow(data: bytes, options: ReadOptions) -> Document:
        assert may_end.wait(30)
        held.append(app.extensions[INTAKE].held_bytes)
        return digest_answer(data, options)

    reader.answer = slow
    picture = PICTURE + bytes(10_000)
    allowed = 150_000  # of 200,000, to a single client
    app = create_app(reader, Settings(max_bytes_in_flight=200_000), warm_up=False)
    with ThreadPoolExecutor(50) as pool:
        asked = [pool.submit(ask, app.test_client(), picture) for _ in range(50)]
        deadline = time.monotonic() + 30
        while sum(request.done() for request in asked) < 50 - allowed // len(picture):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        may_end.set()
        answers = [request.result() for request in asked]
    kinds = Counter(answer.headers.get("X-Cache", answer.status_code) for answer in answers)
    assert kinds == {"miss": 1, "hit": 13, 503: 36}
    assert held == [14 * len(picture)]
    assert len(reader.calls) == 1


def test_kept_answers_pass_no_gate(reader: FakeReader) -> None:
    passed = []

    def gate(document: OpenedDocument, ticket: Ticket) -> Any:
        passed.append(document)
        return threading.Lock()

    readings = Readings(reader, AnswerCache(LocalStore(100_000, 60)), admit=gate)
    sources = [readings.read_one(PICTURE, ReadOptions(), Ticket()).source for _ in range(3)]
    assert sources == ["miss", "hit", "hit"]
    assert len(passed) == 1


def test_it_counts(reader: FakeReader) -> None:
    cache = AnswerCache(LocalStore(100_000, 60), FakeStore())
    readings = Readings(reader, cache)
    for data in (b"a", b"b", b"a", b"a"):
        readings.read_one(data, ReadOptions(), Ticket())
    counts = cache.counts()
    assert (counts.hits, counts.shared_hits, counts.misses, counts.entries) == (2, 0, 2, 2)
    assert 0 < counts.size <= 100_000
    assert counts.shared_failing is False


# ---- the shared store --------------------------------------------------------------------------------


class FakeStore:
    """A shared store that other processes could have written to."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self.values.get(key)

    def put(self, key: str, value: bytes) -> None:
        self.values[key] = value


KEY = cache_key(PICTURE, ReadOptions(), FakeReader().fingerprint(ReadOptions()))


def read(readings: Readings) -> tuple[str, str, bool]:
    answer = readings.read_one(PICTURE, ReadOptions(), Ticket())
    return answer.document.text, answer.source, answer.cached


def test_what_another_process_read_need_not_be_read_again(reader: FakeReader) -> None:
    store = FakeStore()
    one, other = (Readings(reader, AnswerCache(LocalStore(100_000, 60), store)) for _ in range(2))
    text = digest_answer(PICTURE, ReadOptions()).text
    assert read(one) == (text, "miss", False)
    assert read(other) == (text, "shared", True)
    assert read(other) == (text, "hit", True)
    assert len(reader.calls) == 1


def test_a_shared_store_works_without_a_local_one(reader: FakeReader) -> None:
    readings = Readings(reader, AnswerCache(LocalStore(0, 60), FakeStore()))
    assert [read(readings)[1] for _ in range(3)] == ["miss", "shared", "shared"]


@pytest.mark.parametrize("value", [b"", b"rubbish", encode(document(page("a")))[:-3]])
def test_a_damaged_entry_is_read_anew_and_written_over(reader: FakeReader, value: bytes) -> None:
    store = FakeStore()
    store.values[KEY] = value
    readings = Readings(reader, AnswerCache(LocalStore(100_000, 60), store))
    assert read(readings)[1] == "miss"
    assert store.values[KEY] == encode(digest_answer(PICTURE, ReadOptions()))


def test_a_reader_without_the_model_fails_before_any_look_up(client: FlaskClient, reader: FakeReader) -> None:
    reader.fingerprint_error = ModelBrokenError("pack 'x': its manifest is broken")
    failed = ask(client)
    assert (failed.status_code, failed.json["error"]["code"]) == (503, "MODEL_BROKEN")  # type: ignore[index]
