from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.jobs.simulation import Arrival, Clock, PaperStore, Run

from crnn_ocr.jobs.redis_store import RedisStore, connect
from crnn_ocr.jobs.sqlite_store import SqliteStore
from tests.caching.redis_server import RedisServer, running_redis

#: More pages than the workers read at once, and jobs that come in between.
ARRIVALS = [
    *(Arrival(0.0, f"owner {number % 3}", 300) for number in range(8)),
    *(Arrival(0.4 * number, f"owner {number % 5}", 1) for number in range(1, 12)),
]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


def on_paper() -> dict[str, float]:
    run = Run(PaperStore(), Clock())
    run.go(ARRIVALS)
    return run.took


def test_small_jobs_do_not_wait_for_large_ones() -> None:
    took = list(on_paper().items())
    small = [seconds for job, seconds in took if ARRIVALS[int(job, 16)].pages == 1]
    large = [seconds for job, seconds in took if ARRIVALS[int(job, 16)].pages > 1]
    assert len(took) == len(ARRIVALS)
    assert max(small) < min(large)


def test_sqlite_serves_in_the_order_of_the_simulation(tmp_path: Path) -> None:
    clock = Clock()
    store = SqliteStore(tmp_path / "jobs.sqlite", clock=clock)
    run = Run(store, clock)
    run.go(ARRIVALS)
    store.close()
    assert run.took == on_paper()


def test_redis_serves_in_the_order_of_the_simulation(redis: RedisServer) -> None:
    clock = Clock()
    store = RedisStore(connect(redis.url), clock=clock)
    run = Run(store, clock)
    run.go(ARRIVALS)
    store.close()
    assert run.took == on_paper()
