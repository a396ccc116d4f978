"""Celery's configuration, and the tokens that call workers, with a real Redis and a real RabbitMQ."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from crnn_ocr.errors import JobsUnavailableError, SettingsError
from crnn_ocr.jobs.messaging.configuration import PREFIX, QUEUE, broker_url, configuration, make_app
from crnn_ocr.jobs.messaging.parts import open_background, open_worker
from crnn_ocr.jobs.messaging.tokens import MOST_WAITING, CeleryQueue, TokenKeeper, top_up
from crnn_ocr.jobs.messaging.worker import equip
from crnn_ocr.jobs.store import JobCounts, JobStore
from crnn_ocr.settings import Settings
from tests.caching.redis_server import RedisServer, running_redis
from tests.jobs.rabbitmq_server import running_rabbitmq

CELERY = {"jobs": "celery"}


def settings(**given: Any) -> Settings:
    return Settings(**{**CELERY, **given})


@dataclass
class FakeTable:
    """A table of which only the number of waiting tasks is asked."""

    waiting: int = 0
    away: bool = False
    asked: threading.Event = field(default_factory=threading.Event)

    def counts(self) -> JobCounts:
        self.asked.set()
        if self.away:
            raise JobsUnavailableError("the table is away")
        return JobCounts({}, {}, self.waiting, None, 0, 0)


def table(waiting: int) -> JobStore:
    return cast(JobStore, FakeTable(waiting))


def eventually(condition: Callable[[], bool], limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# ---- configuration ----------------------------------------------------------------------------------


def test_the_broker_is_the_redis_of_the_table_unless_named() -> None:
    both = {"redis_url": "redis://cache:1/0", "jobs_redis_url": "redis://table:2/0"}
    assert broker_url(settings(redis_url="redis://cache:1/0")) == "redis://cache:1/0"
    assert broker_url(settings(**both)) == "redis://table:2/0"
    assert broker_url(settings(**both, jobs_broker_url="amqp://rabbit//")) == "amqp://rabbit//"


@pytest.mark.parametrize("name", ["jobs_broker_url", "jobs_redis_url"])
def test_other_brokers_are_refused_without_their_password(name: str) -> None:
    with pytest.raises(SettingsError, match=f"CRNN_OCR_{name.upper()}: the URL must begin with") as caught:
        broker_url(settings(**{name: "sqs://user:secret@host/"}))
    assert "secret" not in caught.value.message


def test_without_a_redis_the_message_says_what_to_set() -> None:
    with pytest.raises(SettingsError) as caught:
        configuration(settings())
    assert "CRNN_OCR_JOBS_REDIS_URL" in caught.value.hint


def test_a_socket_is_named_as_celery_names_it() -> None:
    def connection(url: str) -> Any:
        with make_app(settings(jobs_redis_url=url)).connection_for_write() as made:
            return made.virtual_host, made.hostname, made.password

    assert broker_url(settings(jobs_redis_url="unix:///run/redis.sock")) == "redis+socket:///run/redis.sock"
    host, path, password = connection("unix://:secret@/run/redis.sock?db=2")
    assert "redis.sock" in f"{host}{path}"
    assert broker_url(settings(jobs_redis_url="unix:///a?db=2")) == "redis+socket:///a?virtual_host=2"
    assert password in (None, "secret")


def test_redis_with_tls_is_verified_unless_the_url_says_otherwise() -> None:
    assert configuration(settings(jobs_redis_url="rediss://host/0"))["broker_use_ssl"] == {
        "ssl_cert_reqs": ssl.CERT_REQUIRED
    }
    url = "rediss://host/0?ssl_cert_reqs=none"
    assert "broker_use_ssl" not in configuration(settings(jobs_redis_url=url))


def test_a_task_ends_before_its_process_is_killed() -> None:
    values = configuration(settings(jobs_redis_url="redis://host/0", jobs_task_timeout_s=90))
    assert values["task_soft_time_limit"] == 90 < values["task_time_limit"]
    assert values["accept_content"] == ["json"]
    assert values["task_acks_late"] is values["task_reject_on_worker_lost"] is True


@pytest.mark.parametrize("where", ["embedded", "off"])
def test_a_worker_without_celery_jobs_says_so(where: str) -> None:
    given = settings(jobs=where, jobs_redis_url="redis://host/0")
    with pytest.raises(SettingsError, match=f"CRNN_OCR_JOBS is {where}"):
        equip(make_app(given), given, open_worker, open_background)


# ---- tokens -----------------------------------------------------------------------------------------


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Start an empty Redis."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a RabbitMQ."""
    with running_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as url:
        yield url


def check_queue(queue: CeleryQueue) -> None:
    """Check what must be true of every broker."""
    assert queue.waiting() == 0
    assert top_up(table(0), queue) == 0
    assert top_up(table(3), queue) == 3
    assert queue.waiting() == 3
    assert top_up(table(3), queue) == 0
    assert top_up(table(5), queue) == 2
    assert top_up(table(1), queue) == 0
    assert queue.waiting() == 5


def test_what_is_missing_is_sent_to_redis(redis: RedisServer) -> None:
    queue = CeleryQueue(settings(jobs_redis_url=redis.url))
    check_queue(queue)
    assert all(key.startswith(PREFIX.encode()) for key in redis.client.keys("*"))
    # An autoscaler that looks at Redis itself counts this list.
    assert redis.client.llen(PREFIX + QUEUE) == 5


@pytest.mark.slow
def test_what_is_missing_is_sent_to_rabbitmq(rabbitmq: str) -> None:
    given = settings(jobs_broker_url=rabbitmq)
    check_queue(CeleryQueue(given))
    with make_app(given).connection_for_write() as connection:
        queue = make_app(given).amqp.queues[QUEUE].bind(connection.default_channel)
        message = queue.get()
        assert message is not None
        assert message.delivery_info["exchange"] == ""
        assert message.properties["delivery_mode"] == 2  # survives a restart of the broker
        message.reject()


def test_a_million_pages_are_no_million_messages(redis: RedisServer) -> None:
    queue = CeleryQueue(settings(jobs_redis_url=redis.url))
    assert top_up(table(1_000_000), queue) == MOST_WAITING
    assert redis.client.memory_usage(PREFIX + QUEUE) < 2_000_000


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_away_is_told_in_words(scheme: str) -> None:
    queue = CeleryQueue(settings(jobs_broker_url=f"{scheme}://127.0.0.1:1/"))
    for attempt in (queue.waiting, lambda: queue.send(1)):
        with pytest.raises(JobsUnavailableError, match="broker of the jobs cannot be reached"):
            attempt()


def test_the_keeper_replaces_lost_tokens_and_survives_the_broker(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    queue = CeleryQueue(settings(jobs_redis_url=redis.url))
    keeper = TokenKeeper(lambda: table(4), queue, every_s=0.1)
    keeper.start()
    try:
        eventually(lambda: queue.waiting() == 4)
        redis.client.flushall()
        eventually(lambda: queue.waiting() == 4)
        redis.stop()
        eventually(lambda: "cannot be announced" in caplog.text)
        redis.start()  # with nothing in it
        eventually(lambda: redis.client.llen(PREFIX + QUEUE) == 4)
    finally:
        keeper.stop()
    warnings = [record for record in caplog.records if "cannot be announced" in record.message]
    assert len(warnings) == 1, "an outage is logged once"


def test_a_new_job_does_not_wait_for_the_next_comparison(redis: RedisServer) -> None:
    fake = FakeTable(0)
    keeper = TokenKeeper(
        lambda: cast(JobStore, fake), CeleryQueue(settings(jobs_redis_url=redis.url)), every_s=3600
    )
    keeper.start()
    try:
        assert fake.asked.wait(30)
        fake.waiting = 2
        keeper.wake()
        eventually(lambda: redis.client.llen(PREFIX + QUEUE) == 2)
    finally:
        keeper.stop()


def test_a_fault_does_not_end_the_keeper(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        asked = 0

        def waiting(self) -> int:
            self.asked += 1
            raise RuntimeError("a fault")

        def send(self, number: int) -> None:
            raise AssertionError(number)

    broken = Broken()
    keeper = TokenKeeper(lambda: table(1), broken, every_s=0.01)
    keeper.start()
    eventually(lambda: broken.asked > 2)
    keeper.stop()
    assert "cannot be announced" in caplog.text
