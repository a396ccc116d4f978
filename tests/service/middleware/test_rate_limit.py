from __future__ import annotations

import math
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.caching.shared import connect
from crnn_ocr.service.middleware import rate_limit
from crnn_ocr.service.middleware.rate_limit import Bucket, LocalBuckets, SharedBuckets
from crnn_ocr.service.server.client_name import client_name
from crnn_ocr.settings import Settings
from tests.caching.redis_server import running_redis
from tests.service.fakes import FakeReader, create_app

RATES = st.floats(0.01, 100)
BURSTS = st.integers(1, 500)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


# ---- the rule ----------------------------------------------------------------------------------------


def test_a_full_bucket_gives_its_burst_then_one_per_interval() -> None:
    clock = Clock()
    buckets = LocalBuckets(Bucket(2.0, 3), clock=clock)
    assert [buckets.take("a").allowed for _ in range(4)] == [True, True, True, False]
    clock.now += 0.5
    assert [buckets.take("a").allowed for _ in range(2)] == [True, False]
    assert buckets.take("b").remaining == 2


@given(RATES, BURSTS, st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_never_more_than_burst_and_rate_allow(rate: float, burst: int, pauses: list[float]) -> None:
    bucket, full_at, now, taken = Bucket(rate, burst), None, 0.0, 0
    for pause in pauses:
        now += pause
        decision, full_at = bucket.take(full_at, now)
        taken += decision.allowed
        assert taken <= burst + rate * now + 0.1
        assert 0 <= decision.remaining <= burst
        assert decision.retry_after >= 0
        assert -1e-9 <= decision.reset <= (burst + 0.01) / rate
        assert decision.allowed or decision.retry_after > 0


@given(RATES, BURSTS, st.floats(0, 1e7))
def test_who_waits_as_told_is_let_in(rate: float, burst: int, start: float) -> None:
    bucket, full_at = Bucket(rate, burst), None
    for _ in range(burst):
        decision, full_at = bucket.take(full_at, start)
        assert decision.allowed
    refused, full_at = bucket.take(full_at, start)
    assert not refused.allowed
    later, _ = bucket.take(full_at, start + math.ceil(refused.retry_after))
    assert later.allowed


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    bucket = Bucket(1.0, 5)
    decision, full_at = bucket.take(1e9, 0.0)
    assert full_at <= 5
    assert decision.retry_after <= 1


def test_the_client_that_asked_longest_ago_is_forgotten() -> None:
    clock = Clock()
    buckets = LocalBuckets(Bucket(0.001, 1), most=2, clock=clock)
    for name in ("a", "b", "a", "c"):
        buckets.take(name)
    assert not buckets.take("a").allowed
    assert buckets.take("b").allowed


@pytest.mark.parametrize(
    ("key", "address", "name"),
    [
        ("team", "203.0.113.9", "key:team"),
        (None, "203.0.113.9", "address:203.0.113.9"),
        (None, "::ffff:203.0.113.9", "address:203.0.113.9"),
        (None, "2001:db8:1:2:3::4", "address:2001:db8:1:2::/64"),
        (None, "fe80::1%eth0", "address:fe80::/64"),
        (None, None, "address:unknown"),
        (None, "", "address:unknown"),
    ],
)
def test_who_shares_a_bucket(key: str | None, address: str | None, name: str) -> None:
    assert client_name(key, address) == name


# ---- HTTP --------------------------------------------------------------------------------------------


@pytest.fixture
def limited() -> FlaskClient:
    settings = Settings(rate_limit_per_minute=60, rate_limit_burst=2)
    return create_app(FakeReader(), settings, warm_up=False).test_client()


def test_every_answer_tells_what_is_left(limited: FlaskClient) -> None:
    answer = limited.post("/ocr", data=b"x", content_type="image/png")
    assert answer.status_code == 200
    assert answer.headers["RateLimit-Policy"] == '"default";q=2;w=2'
    assert answer.headers["RateLimit"] == '"default";r=1;t=1'
    assert answer.headers["RateLimit-Limit"] == "2"
    assert answer.headers["RateLimit-Remaining"] == "1"
    assert answer.headers["RateLimit-Reset"] == "1"
    assert "Retry-After" not in answer.headers


def test_who_asks_too_often_is_told_when_to_come_back(limited: FlaskClient) -> None:
    answers = [limited.post("/ocr", data=b"x", content_type="image/png") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    refused = answers[-1]
    assert refused.json is not None
    assert refused.json["error"]["code"] == "RATE_LIMITED"
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["RateLimit-Remaining"] == "0"
    assert re.fullmatch(r'"default";r=0;t=1', refused.headers["RateLimit"])


def test_probes_and_pages_are_not_counted(limited: FlaskClient) -> None:
    for _ in range(5):
        assert limited.get("/healthz").status_code == 200
        with limited.get("/") as page:
            assert "RateLimit" not in page.headers


def test_an_address_behind_a_proxy_is_believed_only_where_told() -> None:
    for proxies, statuses in ((0, [200, 429]), (1, [200, 200])):
        settings = Settings(rate_limit_per_minute=1, trusted_proxies=proxies)
        client = create_app(FakeReader(), settings, warm_up=False).test_client()
        found = [
            client.post(
                "/ocr", data=b"x", content_type="image/png", headers={"X-Forwarded-For": address}
            ).status_code
            for address in ("203.0.113.1", "203.0.113.2")
        ]
        assert found == statuses


def test_nothing_is_limited_by_default(client: FlaskClient) -> None:
    answers = [client.post("/ocr", data=b"x", content_type="image/png") for _ in range(50)]
    assert {answer.status_code for answer in answers} == {200}
    assert not [name for name in answers[0].headers.keys() if name.startswith("RateLimit")]  # noqa: SIM118


# ---- Redis -------------------------------------------------------------------------------------------


class BrokenRedis:
    def __init__(self) -> None:
        self.asked = 0

    def register_script(self, _text: str) -> Any:
        def script(**_: object) -> object:
            self.asked += 1
            raise ConnectionError

        return script


def test_without_redis_a_process_limits_alone_and_stops_asking() -> None:
    broken = BrokenRedis()
    buckets = SharedBuckets(Bucket(0.001, 2), broken)
    assert [buckets.take("a").allowed for _ in range(3)] == [True, True, False]
    assert broken.asked == 1


@pytest.mark.parametrize(
    "answer",
    [
        None,
        5,
        b"text",
        [],
        [b"1"],
        [b"", b""],
        [b"x", b"2"],
        [b"nan", b"2"],
        [b"1", b"inf"],
        [b"1", None],
        [{1: 2}, 1],
    ],
)
def test_what_is_no_answer_of_redis_leaves_the_own_buckets(answer: object) -> None:
    class Odd(BrokenRedis):
        def register_script(self, _text: str) -> Any:
            return lambda **_: answer

    buckets = SharedBuckets(Bucket(0.001, 2), Odd())
    assert [buckets.take("a").allowed for _ in range(3)] == [True, True, False]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Any]:
    with running_redis(tmp_path) as server, connect(server.url) as client:
        yield client


def test_processes_share_a_bucket(redis: Any) -> None:
    prefix = f"crnn-ocr:test:{uuid.uuid4().hex}:"
    rule = Bucket(0.5, 4)
    first, second = SharedBuckets(rule, redis, prefix=prefix), SharedBuckets(rule, redis, prefix=prefix)
    decisions = [buckets.take("a") for buckets in (first, second, first, second, first)]
    assert [decision.allowed for decision in decisions] == [True, True, True, True, False]
    assert [decision.remaining for decision in decisions] == [3, 2, 1, 0, 0]
    assert 0 < decisions[-1].retry_after <= 2
    assert 0 < redis.pttl(f"{prefix}a") <= 8000
    assert first.take("b").allowed


def test_the_default_burst_is_what_a_minute_allows() -> None:
    assert rate_limit.bucket_of(Settings(rate_limit_per_minute=90)) == Bucket(1.5, 90)
    assert rate_limit.bucket_of(Settings(rate_limit_per_minute=0.5)).burst == 1
