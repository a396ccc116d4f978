"""The cache of the real service: several workers, a real Redis that goes and comes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from crnn_ocr.caching.shared import NAMESPACE, PAUSE_S
from tests.caching.redis_server import RedisServer, running_redis
from tests.service.rendering import png
from tests.service.wire import Reply, Server, clean_environment, running_server


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def shared(redis: RedisServer) -> Iterator[Server]:
    """Two workers without stores of their own, so that what they keep is in Redis alone."""
    with running_server(
        "--workers", "2", CRNN_OCR_REDIS_URL=redis.url, CRNN_OCR_CACHE_BYTES="0", CRNN_OCR_LOG_LEVEL="debug"
    ) as server:
        yield server


def content(answer: Reply) -> str:
    assert answer.status == 200, answer.body
    body = answer.json
    for about_the_request in ("cached", "elapsed_ms", "request_id"):
        del body[about_the_request]
    return json.dumps(body)


def sources(server: Server, data: bytes, times: int) -> list[str]:
    answers = [server.read(data) for _ in range(times)]
    assert len({content(answer) for answer in answers}) == 1
    return [answer.headers["X-Cache"] for answer in answers]


def test_workers_share_their_answers(shared: Server, redis: RedisServer) -> None:
    data = png("Shared by both", "of the workers")
    assert sources(shared, data, 8) == ["miss"] + ["shared"] * 7
    keys = [key.decode() for key in redis.client.keys("*")]
    assert keys
    assert all(key.startswith(NAMESPACE) for key in keys)
    assert all(b"Shared" not in redis.client.get(key) for key in keys)


def test_a_redis_that_goes_and_comes_costs_no_answer(shared: Server, redis: RedisServer) -> None:
    data = png("With and without Redis")
    assert sources(shared, data, 2) == ["miss", "shared"]
    began = time.monotonic()
    redis.stop()
    assert set(sources(shared, data, 4)) == {"miss"}
    redis.start()
    deadline = time.monotonic() + 4 * PAUSE_S
    while "shared" not in sources(shared, data, 3):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    warnings: list[dict[str, Any]] = [
        entry
        for entry in shared.records()
        if entry["logger"] == "crnn_ocr.caching.shared" and entry["level"] == "warning"
    ]
    # Each of two workers that notices says so, and is then quiet for a while.
    assert 1 <= len(warnings) <= 2 * (1 + (time.monotonic() - began) // PAUSE_S)
    assert redis.url not in json.dumps(warnings)


def test_equal_pictures_at_once_are_read_once(server: Server) -> None:
    """As many as are promised, with the settings that the service has by itself."""
    data = png(*[f"The same picture, row {row}" for row in range(12)])
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: server.read(data), range(50)))
    assert [answer.status for answer in answers] == [200] * 50
    assert len({content(answer) for answer in answers}) == 1
    assert sorted(answer.headers["X-Cache"] for answer in answers) == ["hit"] * 49 + ["miss"]


def test_a_batch_is_streamed_over_a_real_socket(server: Server) -> None:
    body = json.dumps([{"image": "bm8gcGljdHVyZQ=="}]).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/x-ndjson"}
    answer = server.ask("POST", "/ocr/batch", body, headers)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    (row,) = answer.body.splitlines()
    assert json.loads(row)["error"]["code"] == "IMAGE_TYPE_UNSUPPORTED"


@pytest.mark.parametrize("url", ["http://127.0.0.1", "redis://127.0.0.1:port"])
def test_a_url_that_can_never_work_stops_the_start(url: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "crnn_ocr", "serve", "--port", "0"],
        capture_output=True,
        text=True,
        env=clean_environment(CRNN_OCR_REDIS_URL=url),
        timeout=60,
    )
    assert ended.returncode == 2
    assert "CRNN_OCR_REDIS_URL" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_document_shows_how_it_is_started() -> None:
    text = Path(__file__).parents[3].joinpath("docs", "cache.md").read_text(encoding="utf-8")
    assert "CRNN_OCR_REDIS_URL=redis://localhost:6379/0 crnn-ocr serve --workers 2" in text
