"""What the stores of jobs lean on breaks: disks, locks, files, Redis."""

from __future__ import annotations

import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crnn_ocr.errors import JobStorageFullError, JobsUnavailableError, SettingsError
from crnn_ocr.jobs.redis_store import NAMESPACE, RedisStore, connect
from crnn_ocr.jobs.sqlite_store import SqliteStore
from crnn_ocr.jobs.store import JobStore
from crnn_ocr.jobs.tables.sqlite_database import VERSION
from tests.caching.redis_server import RedisServer, running_redis
from tests.jobs.stores import BROKEN, Clock, create, new_job, planned, read, take


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "jobs.sqlite"


@pytest.fixture
def sqlite_store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path, busy_s=0.05)
    yield store
    store.close()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def client(redis: RedisServer) -> Iterator[Any]:
    client = connect(redis.url)
    client.flushall()
    yield client
    client.close()


def used(store: JobStore) -> list[Callable[[], object]]:
    """Return every operation, on things that may not exist."""
    return [
        lambda: store.create(new_job(), most_unfinished=9),
        lambda: store.get("job"),
        lambda: store.jobs("ann"),
        lambda: store.pages("job"),
        lambda: store.cancel("job"),
        lambda: store.expire("job"),
        lambda: store.due(1),
        lambda: store.forget(1),
        lambda: store.take("worker"),
        lambda: store.beat("lease"),
        lambda: store.plan("lease", [[1]]),
        lambda: store.begin_page("lease", 1),
        lambda: store.end_page("lease", 1),
        lambda: store.finish("lease"),
        lambda: store.fail("lease", BROKEN),
        lambda: store.release("lease"),
        lambda: store.beats(),
        lambda: store.counts(),
    ]


# ---- SQLite --------------------------------------------------------------------------------------------


def test_only_the_owner_can_read_the_file(path: Path, sqlite_store: SqliteStore) -> None:
    create(sqlite_store, new_job())
    rights = {found.name: stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()}
    assert rights == dict.fromkeys(("jobs.sqlite", "jobs.sqlite-wal", "jobs.sqlite-shm"), 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_was_created_is_there_after_a_restart(path: Path, sqlite_store: SqliteStore) -> None:
    job = planned(sqlite_store, [[1, 2]], new=new_job(webhook="https://example.com"))
    before = sqlite_store.get(job), sqlite_store.pages(job), sqlite_store.counts()
    sqlite_store.close()
    again = SqliteStore(path)
    assert (again.get(job), again.pages(job), again.counts()) == before
    again.close()


def test_a_table_of_a_newer_version_is_left_alone(path: Path, sqlite_store: SqliteStore) -> None:
    sqlite_store.close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(JobsUnavailableError, match="newer version"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_table_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"This is no table of jobs. " * 100)
    with pytest.raises(JobsUnavailableError, match="not a database"):
        SqliteStore(path)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JobsUnavailableError, match="cannot be opened"):
        SqliteStore(tmp_path / "file" / "jobs.sqlite")


def test_a_closed_table_is_unavailable(sqlite_store: SqliteStore) -> None:
    sqlite_store.close()
    for use in used(sqlite_store):
        with pytest.raises(JobsUnavailableError):
            use()


def test_a_locked_table_is_unavailable_and_whole(path: Path, sqlite_store: SqliteStore) -> None:
    job = planned(sqlite_store, [[1]])
    task = take(sqlite_store, "read")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writes: list[Callable[[], object]] = [
        lambda: sqlite_store.create(new_job(), most_unfinished=9),
        lambda: sqlite_store.beat(task.lease),
        lambda: sqlite_store.end_page(task.lease, 1),
        lambda: sqlite_store.cancel(job),
    ]
    for write in writes:
        with pytest.raises(JobsUnavailableError, match="locked") as refused:
            write()
        assert refused.value.retry_after
    assert len(sqlite_store.jobs("ann")) == 1  # reading goes on
    other.execute("ROLLBACK")
    other.close()
    read(sqlite_store, task)
    assert len(sqlite_store.jobs("ann")) == 1


def test_a_full_disk_makes_no_half_of_a_job(
    path: Path, sqlite_store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(sqlite_store, new_job())
    sqlite_store.close()
    connect_to = sqlite3.connect

    def limited(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect_to(*args, **kwargs)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")  # as if the disk ended here
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", limited)
        store = SqliteStore(path)
        with pytest.raises(JobStorageFullError, match="disk"):
            store.create(new_job(files=2000), most_unfinished=9)
        assert len(store.jobs("ann")) == 1
        assert store.counts().waiting_tasks == 1
        task = take(store, "plan")
        with pytest.raises(JobStorageFullError, match="disk"):
            store.plan(task.lease, [[page] for page in range(1, 5000)])
        assert store.fail(task.lease, BROKEN)  # the job ends, the service goes on
        store.close()
    store = SqliteStore(path)
    assert len(store.jobs("ann", states=["failed"])) == 1
    create(store, new_job(files=2000))
    store.close()


def test_a_forgotten_password_is_in_no_file_of_sqlite(path: Path) -> None:
    store = SqliteStore(path)
    long = "correct horse" * 1000  # on pages of its own, which are freed
    job = create(store, new_job(options={"password": long}))
    store.cancel(create(store, new_job(options={"password": "correct horse"})))
    store.cancel(job)
    store.close()  # writes the log into the table
    assert job.encode() in path.read_bytes()
    assert not any(b"correct horse" in found.read_bytes() for found in path.parent.iterdir())


def test_nothing_is_left_of_forgotten_jobs_in_sqlite(path: Path) -> None:
    store = SqliteStore(path)
    leave_nothing(store)
    store.close()
    connection = sqlite3.connect(path)
    for table in ("jobs", "files", "pages", "tasks"):
        assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (0,)
    connection.close()


def leave_nothing(store: JobStore) -> None:
    """Let jobs come to all kinds of ends, and forget them."""
    planned(store, [[1, 2], [3]], new=new_job(webhook="https://example.com", key="key"))
    failing = take(store, "read")
    store.end_page(failing.lease, 1, problem=BROKEN)
    store.fail(failing.lease, BROKEN)
    read(store, take(store, "read"))
    store.finish(take(store, "assemble").lease)  # and `notify` waits
    cancelled = create(store, new_job())
    store.cancel(cancelled)
    while (task := store.take("worker")) is not None:
        store.fail(task.lease, BROKEN, retry_after_s=50)  # `notify` waits for its time
    half = planned(store, [[1], [2], [3]], new=new_job("bob"))
    store.begin_page(take(store, "read").lease, 1)
    store.fail(take(store, "read").lease, BROKEN, retry_after_s=50)
    store.cancel(half)
    for job in store.due(1e12):
        store.expire(job)
    store.forget(1e12)
    assert store.jobs("ann") == store.jobs("bob") == []
    assert store.take("worker") is None


# ---- Redis ---------------------------------------------------------------------------------------------


def test_nothing_is_left_of_forgotten_jobs_in_redis(client: Any) -> None:
    clock = Clock()
    store = RedisStore(client, clock=clock)
    leave_nothing(store)
    clock.now += 100  # tasks of cancelled jobs that waited for a time
    assert store.take("worker") is None
    assert client.keys() == [f"{NAMESPACE}figures".encode()]
    figures = {name: value for name, value in client.hgetall(f"{NAMESPACE}figures").items() if value != b"0"}
    assert figures.keys() <= {b"number", b"virtual", b"retries", b"clock"}


def test_a_forgotten_password_is_in_no_key_of_redis(client: Any) -> None:
    store = RedisStore(client)
    job = create(store, new_job(options={"password": "correct horse"}))
    store.cancel(job)
    record = client.hgetall(f"{NAMESPACE}job:{job}")
    assert b"request" in record
    assert not any(b"correct horse" in value for value in record.values())


def test_without_redis_everything_is_unavailable() -> None:
    store = RedisStore(connect("redis://127.0.0.1:1/0"))
    for use in used(store):
        with pytest.raises(JobsUnavailableError, match="Redis") as refused:
            use()
        assert refused.value.retry_after
    store.close()


def test_times_are_those_of_redis(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RedisStore(client)
    seconds, _ = client.time()
    monkeypatch.setattr(time, "time", lambda: 12.5)  # this host's clock is wrong
    job, _ = store.create(new_job(), most_unfinished=1)
    assert abs(job.created - seconds) < 60
    assert store.counts().oldest == job.created


def test_the_script_may_be_forgotten(client: Any) -> None:
    store = RedisStore(client)
    job = planned(store, [[1]])
    client.script_flush()
    read(store, take(store, "read"))
    assert store.get(job) is not None


def test_two_tables_in_one_redis_do_not_mix(client: Any) -> None:
    first, second = RedisStore(client, prefix="a:"), RedisStore(client, prefix="b:")
    create(first, new_job())
    assert second.jobs("ann") == []
    assert second.take("worker") is None
    assert all(key.startswith(b"a:") for key in client.scan_iter())


def test_a_full_redis_makes_no_half_of_a_job(client: Any) -> None:
    store = RedisStore(client)
    done = planned(store, [[1]])
    store.cancel(done)
    before = set(client.keys())
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "100kb")  # less than it has in use already
    try:
        with pytest.raises(JobStorageFullError, match="memory"):
            store.create(new_job(files=10), most_unfinished=9)
        assert set(client.keys()) == before
        store.expire(done)  # what frees memory goes on
        expired = store.get(done)
        assert expired is not None
        assert expired.state == "expired"
        store.forget(1e12)
        assert store.get(done) is None
    finally:
        client.config_set("maxmemory", "0")
    create(store, new_job())


def test_a_redis_that_may_not_write_is_unavailable(client: Any) -> None:
    store = RedisStore(client)
    client.replicaof("127.0.0.1", "1")  # as after a failover
    try:
        with pytest.raises(JobsUnavailableError, match=r"(?i)read.?only"):
            store.create(new_job(), most_unfinished=9)
    finally:
        client.replicaof("NO", "ONE")
    assert store.jobs("ann") == []
    create(store, new_job())


def test_a_mistake_in_the_script_is_no_outage(client: Any) -> None:
    store = RedisStore(client)
    with pytest.raises(Exception, match="user_script") as raised:
        store._run("nothing of that name")
    assert not isinstance(raised.value, JobsUnavailableError)


def test_a_malformed_url_names_the_setting_alone() -> None:
    with pytest.raises(SettingsError) as refused:
        connect("redis://:secret@host:port")
    assert "CRNN_OCR_JOBS_REDIS_URL" in str(refused.value)
    assert "secret" not in str(refused.value)
