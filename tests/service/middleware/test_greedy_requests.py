"""Requests that want more threads or memory than there are, at the real server. The reader only sleeps."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from crnn_ocr.service.routes.batch_pool import MOST_BATCHES, MOST_OF_CLIENT
from crnn_ocr.settings import MIB
from tests.service.slow_server import slow_png, slow_server
from tests.service.wire import Reply, Server

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
#: Threads of a worker with 64 places, on two cores, beside those that read batches.
OTHERS = 64 + 10 + 12


@pytest.fixture(scope="module")
def slow() -> Iterator[Server]:
    with slow_server(CRNN_OCR_THREADS="2", CRNN_OCR_QUEUE_SECONDS="3600") as server:
        yield server


def test_many_batches_do_not_mean_many_threads(slow: Server) -> None:
    def send(number: int) -> Reply:
        pictures = [slow_png(0.5, name=f"{number} {index}") for index in range(4)]
        body = json.dumps([{"image": base64.b64encode(picture).decode()} for picture in pictures])
        return slow.ask("POST", "/ocr/batch", body.encode(), JSON)

    (worker,) = psutil.Process(slow.process.pid).children()
    most = 0
    with ThreadPoolExecutor(62) as clients:
        asked = [clients.submit(send, number) for number in range(62)]
        while not all(future.done() for future in asked):
            most = max(most, worker.num_threads())
            assert slow.get("/readyz").status == 200
    answers = [future.result() for future in asked]
    kinds = Counter(answer.status for answer in answers)
    assert set(kinds) <= {200, 503}
    assert kinds[200] >= MOST_OF_CLIENT
    assert all(answer.json["failed"] == 0 for answer in answers if answer.status == 200)
    assert all(answer.code == "OVERLOADED" for answer in answers if answer.status == 503)
    assert most <= MOST_BATCHES + OTHERS


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/ocr", b"[" + b"[]," * MIB + b"[]]", JSON),
        ("/ocr/batch", b"[" + b"[]," * MIB + b"[]]", JSON),
        ("/preview", b"[" + b"[]," * MIB + b"[]]", JSON),
        ("/export?format=text", b"[" + b"[]," * MIB + b"[]]", JSON),
        ("/compat/umi/api/ocr", b"[" + b"[]," * MIB + b"[]]", JSON),
        ("/compat/rapidocr/ocr", b"a&" * MIB, FORM),
    ],
)
def test_texts_that_become_large_are_refused(
    slow: Server, path: str, body: bytes, headers: dict[str, str]
) -> None:
    answer = slow.ask("POST", path, body, headers)
    assert answer.status == 413
    assert "BODY_TOO_LARGE" in answer.body.decode()
    assert slow.get("/healthz").status == 200
