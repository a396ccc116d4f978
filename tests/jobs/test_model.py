"""Each store does what a simple model does, whatever happens in whatever order."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from crnn_ocr.errors import IdempotencyKeyReusedError, TooManyJobsError
from crnn_ocr.jobs.records import Job, NewJob
from crnn_ocr.jobs.redis_store import RedisStore, connect
from crnn_ocr.jobs.sqlite_store import SqliteStore
from crnn_ocr.jobs.store import Beat, JobStore
from tests.caching.redis_server import RedisServer, running_redis
from tests.jobs.model import BROKEN, Entry, Model, Piece
from tests.jobs.stores import Clock, new_job

OWNERS = ("ann", "bob")
#: What happens more often than the rest.
OFTEN = ("create", "work", "work", "work", "work_until_killed", "begin_page", "finish", "finish", "release")
MOST = 3
TASKS = st.lists(st.lists(st.integers(1, 2), min_size=1, max_size=4), max_size=3).map(
    # Numbers that grow, with gaps, as pages that somebody chose have.
    lambda steps: _numbered(steps)
)


def _numbered(steps: list[list[int]]) -> list[list[int]]:
    numbers = itertools.accumulate(step for pages in steps for step in pages)
    return [[next(numbers) for _ in pages] for pages in steps]


ACTIONS: dict[str, dict[str, st.SearchStrategy[Any]]] = {}
Method = TypeVar("Method", bound=Callable[..., None])


def action(**arguments: st.SearchStrategy[Any]) -> Callable[[Method], Method]:
    """Mark what may happen; as rules Hypothesis would leave most of it out of most examples."""

    def mark(method: Method) -> Method:
        ACTIONS[method.__name__] = arguments
        return method

    return mark


class StoreMachine(RuleBasedStateMachine):
    """Several workers, clients and a watcher, over two connections to one table."""

    def __init__(self, make: Callable[[Clock], list[JobStore]]) -> None:
        super().__init__()
        self.clock = Clock()
        self.stores = itertools.cycle(make(self.clock))
        self.model = Model()
        self.lost_leases: list[str] = []
        self.sequences: dict[str, int] = {}

    @property
    def store(self) -> JobStore:
        return next(self.stores)

    @initialize()
    def start(self) -> None:
        assert self.store.counts().jobs == {}

    def lease(self, data: st.DataObject, *kinds: str) -> str | None:
        leases = [
            lease
            for entry in self.model.entries.values()
            for lease, piece in entry.held.items()
            if not kinds or piece.kind in kinds
        ]
        return data.draw(st.sampled_from(leases)) if leases else None

    def job(self, data: st.DataObject, wanted: Callable[[Entry], bool]) -> str | None:
        jobs = [job for job, entry in self.model.entries.items() if wanted(entry)]
        return data.draw(st.sampled_from(jobs)) if jobs else None

    # ---- clients -----------------------------------------------------------------------------------

    @action(
        owner=st.sampled_from(OWNERS),
        files=st.integers(1, 2),
        hook=st.booleans(),
        key=st.sampled_from([None, None, None, "key"]),
        digest=st.sampled_from(["digest", "digest", "other"]),
    )
    def create(self, owner: str, files: int, hook: bool, key: str | None, digest: str) -> None:
        webhook = "https://example.com" if hook else None
        new = new_job(owner, files=files, webhook=webhook, ttl_s=50.0, key=key, digest=digest)
        same = [entry.new for entry in self.model.entries.values() if key and self.same_key(entry.new, new)]
        mine = [entry for entry in self.model.entries.values() if entry.new.owner == owner]
        if same and same[0].digest != digest:
            with pytest.raises(IdempotencyKeyReusedError):
                self.store.create(new, most_unfinished=MOST)
        elif same:
            found, made = self.store.create(new, most_unfinished=MOST)
            assert (found.id, made) == (same[0].id, False)
        elif sum(entry.unfinished for entry in mine) >= MOST:
            with pytest.raises(TooManyJobsError):
                self.store.create(new, most_unfinished=MOST)
        else:
            found, made = self.store.create(new, most_unfinished=MOST)
            assert (found.id, found.state, made) == (new.id, "queued", True)
            self.model.create(new, self.clock.now)

    @staticmethod
    def same_key(one: NewJob, other: NewJob) -> bool:
        return (one.owner, one.idempotency_key) == (other.owner, other.idempotency_key)

    @action(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job = self.job(data, lambda entry: True)
        if job is None:
            return
        unfinished = self.model.entries[job].unfinished
        assert self.store.cancel(job) == unfinished
        if unfinished:
            self.lost_leases += self.model.entries[job].held
            self.model.cancel(job, self.clock.now)

    # ---- workers -----------------------------------------------------------------------------------

    @action()
    def take(self) -> None:
        task = self.store.take("worker")
        if task is None:
            waiting = [piece for entry in self.model.entries.values() for piece in entry.waiting]
            assert not any(piece.must for piece in waiting)
            return
        assert task.lease not in self.model.leases()
        assert task.request == self.model.entries[task.job].new.request
        assert task.owner == self.model.entries[task.job].new.owner
        self.model.take(task)

    @action(tasks=TASKS, begun=st.integers(0, 2), ended=st.integers(0, 2))
    def work(self, tasks: list[list[int]], begun: int, ended: int) -> None:
        """Take a task and get on with it, so that long stories are told often enough."""
        before = self.model.leases().keys()
        self.take()
        for lease in self.model.leases().keys() - before:
            _, piece = self.model.holder(lease)
            if piece.kind == "plan":
                assert self.store.plan(lease, tasks)
                self.model.plan(lease, tasks, self.clock.now)
                return
            for page in piece.pages[:begun]:
                assert self.store.begin_page(lease, page)
                self.model.begin_page(lease, page)
            for page in piece.pages[:ended]:
                assert self.store.end_page(lease, page, elapsed_ms=1.5)
                self.model.end_page(lease, page, None)

    @action(tasks=TASKS, begun=st.integers(1, 2))
    def work_until_killed(self, tasks: list[list[int]], begun: int) -> None:
        self.work(tasks, begun, 0)
        for lease in self.model.leases():
            self.lose(lease)
            break

    @action(data=st.data())
    def beat(self, data: st.DataObject) -> None:
        if (lease := self.lease(data)) is not None:
            assert self.store.beat(lease)
            self.model.holder(lease)[1].beat += 1

    @action(data=st.data(), tasks=TASKS)
    def plan(self, data: st.DataObject, tasks: list[list[int]]) -> None:
        if (lease := self.lease(data, "plan")) is not None:
            assert self.store.plan(lease, tasks)
            self.model.plan(lease, tasks, self.clock.now)

    @action(data=st.data())
    def begin_page(self, data: st.DataObject) -> None:
        if (lease := self.lease(data, "read")) is not None and (pages := self.model.holder(lease)[1].pages):
            page = data.draw(st.sampled_from(pages))
            assert self.store.begin_page(lease, page)
            self.model.begin_page(lease, page)

    @action(data=st.data(), problem=st.sampled_from([None, None, BROKEN]))
    def end_page(self, data: st.DataObject, problem: None) -> None:
        if (lease := self.lease(data, "read")) is not None and (pages := self.model.holder(lease)[1].pages):
            page = data.draw(st.sampled_from(pages))
            assert self.store.end_page(lease, page, elapsed_ms=1.5, problem=problem)
            self.model.end_page(lease, page, problem)

    @action(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        if (lease := self.lease(data, "read", "assemble", "notify")) is not None:
            assert self.store.finish(lease)
            self.model.finish(lease, self.clock.now)
            self.lost_leases.append(lease)

    def reading(self, lease: str) -> None:
        """Let the worker be in the middle of a page."""
        _, piece = self.model.holder(lease)
        for page in piece.pages[:1]:
            assert self.store.begin_page(lease, page)
            self.model.begin_page(lease, page)

    @action(data=st.data(), delay=st.sampled_from([None, 0.0, 20.0, 20.0]), reading=st.booleans())
    def fail(self, data: st.DataObject, delay: float | None, reading: bool) -> None:
        if (lease := self.lease(data)) is not None:
            if reading:
                self.reading(lease)
            assert self.store.fail(lease, BROKEN, retry_after_s=delay)
            self.model.fail(lease, BROKEN, delay, self.clock.now)
            self.lost_leases.append(lease)

    @action(data=st.data(), reading=st.booleans())
    def release(self, data: st.DataObject, reading: bool) -> None:
        if (lease := self.lease(data)) is not None:
            if reading:
                self.reading(lease)
            assert self.store.release(lease)
            self.model.release(lease)
            self.lost_leases.append(lease)

    @action(data=st.data())
    def report_with_a_lost_lease(self, data: st.DataObject) -> None:
        if not self.lost_leases:
            return
        lease = data.draw(st.sampled_from(self.lost_leases))
        assert not self.store.beat(lease)
        assert not self.store.plan(lease, [[1]])
        assert not self.store.begin_page(lease, 1)
        assert not self.store.end_page(lease, 1)
        assert not self.store.finish(lease)
        assert not self.store.fail(lease, BROKEN, retry_after_s=1)
        assert not self.store.release(lease)
        assert not self.store.revoke(Beat(lease, 0))

    # ---- the watcher and the clock -----------------------------------------------------------------

    @action(data=st.data(), stale=st.integers(0, 4))
    def revoke(self, data: st.DataObject, stale: int) -> None:
        if (lease := self.lease(data)) is not None:
            count = self.model.holder(lease)[1].beat
            if stale == 0:
                assert not self.store.revoke(Beat(lease, count - 1))
            else:
                self.lose(lease)

    def lose(self, lease: str) -> None:
        assert self.store.revoke(Beat(lease, self.model.holder(lease)[1].beat))
        self.model.lose(lease, self.clock.now)
        self.model.expired_leases += 1
        self.lost_leases.append(lease)

    @action(seconds=st.sampled_from([1.0, 15.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds
        self.model.pass_time(seconds, jump=False)

    @action(seconds=st.sampled_from([-1e6, -30.0, 30.0, 1e6]))
    def the_clock_jumps(self, seconds: float) -> None:
        self.clock.now += seconds
        self.store.counts()  # as the watcher asks for them all the time
        self.model.pass_time(seconds, jump=True)

    @action()
    def expire(self) -> None:
        now = self.clock.now
        due = self.store.due(now)
        expected = {
            job: entry.expires
            for job, entry in self.model.entries.items()
            if entry.expires is not None and entry.expires <= now and entry.state != "expired"
        }
        assert sorted(due) == sorted(expected)
        assert [expected[job] for job in due] == sorted(filter(None, expected.values()))
        for job in due:
            self.store.expire(job)
            self.lost_leases += self.model.entries[job].held
            self.model.expire(job, now)

    @action()
    def forget(self) -> None:
        self.store.forget(self.clock.now)
        for job, entry in list(self.model.entries.items()):
            if entry.expired is not None and entry.expired < self.clock.now:
                del self.model.entries[job]
                assert self.store.get(job) is None

    @rule(data=st.data())
    def something_happens(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from([*ACTIONS, *OFTEN]))
        arguments = {
            argument: data if argument == "data" else data.draw(strategy)
            for argument, strategy in ACTIONS[name].items()
        }
        getattr(self, name)(**arguments)

    # ---- what holds at any time ----------------------------------------------------------------------

    @invariant()
    def leases_are_those_held(self) -> None:
        assert {beat.lease: beat.count for beat in self.store.beats()} == self.model.leases()

    @invariant()
    def jobs_are_as_in_the_model(self) -> None:
        jobs: dict[str, Job] = {}
        for owner in OWNERS:
            listed = self.store.jobs(owner)
            own = [job for job, entry in self.model.entries.items() if entry.new.owner == owner]
            assert [job.id for job in listed] == own[::-1]
            jobs |= {job.id: job for job in listed}
        for job in list(jobs)[:1]:
            assert self.store.get(job) == jobs[job]
        queued = [job for job, entry in self.model.entries.items() if entry.state == "queued"]
        for job, entry in self.model.entries.items():
            found = jobs[job]
            assert (found.state, found.problem, found.expires) == (entry.state, entry.problem, entry.expires)
            assert found.created == entry.created
            assert found.position == (queued.index(job) if job in queued else None)
            plans = [entry.plans.get(file) for file in range(len(entry.new.files))]
            assert [file.problem or file.pages for file in found.files] == plans
            total = None if None in plans else len(entry.pages)
            assert (found.pages_total, found.pages_done) == (total, entry.number("done"))
            assert found.pages_failed == entry.number("failed")
            assert found.sequence >= self.sequences.get(job, 0)
            self.pages_are_as_in_the_model(job, entry, found.sequence)

    def pages_are_as_in_the_model(self, job: str, entry: Entry, sequence: int) -> None:
        if sequence == self.sequences.get(job):
            assert self.store.pages(job, after=sequence) == []
            return  # compared before
        pages = self.store.pages(job)
        if entry.state == "expired":
            assert pages == []
            self.sequences[job] = sequence
            return
        found = {(page.file, page.number): (page.state, page.attempts, page.problem) for page in pages}
        assert found == {
            place: (page.state, page.attempts, page.problem) for place, page in entry.pages.items()
        }
        sequences = [page.sequence for page in pages]
        assert sequences == sorted(set(sequences))
        assert max(sequences, default=0) <= sequence
        changed = [page for page in pages if page.sequence > self.sequences.get(job, 0)]
        assert self.store.pages(job, after=self.sequences.get(job, 0)) == changed
        assert all(page.ends <= 1 for page in entry.pages.values())
        self.sequences[job] = sequence

    @invariant()
    def figures_add_up(self) -> None:
        counts = self.store.counts()
        entries = self.model.entries.values()
        states = {entry.state for entry in entries}
        assert dict(counts.jobs) == {state: sum(e.state == state for e in entries) for state in states}
        unfinished = [entry for entry in entries if entry.unfinished]
        for state in ("queued", "running", "done", "failed"):
            assert counts.pages[state] == sum(entry.number(state) for entry in unfinished)
        assert counts.oldest == min((entry.created for entry in unfinished), default=None)
        assert (counts.expired_leases, counts.retries) == (self.model.expired_leases, self.model.retries)
        waiting: list[Piece] = [piece for entry in entries for piece in entry.waiting]
        assert sum(piece.must for piece in waiting) <= counts.waiting_tasks
        assert counts.waiting_tasks <= sum(piece.may for piece in waiting)

    def teardown(self) -> None:
        """Let honest workers do what is left: every job ends, and every page of it."""
        for _ in range(2000):
            for lease in self.model.leases():
                entry, piece = self.model.holder(lease)
                if piece.kind == "plan":
                    assert self.store.plan(lease, [[1, 2]])
                    self.model.plan(lease, [[1, 2]], self.clock.now)
                    continue
                for page in list(piece.pages):
                    assert self.store.end_page(lease, page)
                    self.model.end_page(lease, page, None)
                assert self.store.finish(lease)
                self.model.finish(lease, self.clock.now)
            self.wait(60.0)
            self.take()
            if not self.model.leases():
                break
        self.leases_are_those_held()
        self.jobs_are_as_in_the_model()
        self.figures_add_up()
        for entry in self.model.entries.values():
            assert not entry.unfinished
            ended = entry.state in ("succeeded", "partial")
            assert not ended or all(page.ends == 1 for page in entry.pages.values())


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


def machine(make: Callable[[Clock], list[JobStore]]) -> type[StoreMachine]:
    class Machine(StoreMachine):
        def __init__(self) -> None:
            super().__init__(make)

    return Machine


PROFILE = settings(max_examples=25, stateful_step_count=60, deadline=None)


def test_redis_does_what_the_model_does(redis: RedisServer) -> None:
    client = connect(redis.url)

    def make(clock: Clock) -> list[JobStore]:
        client.flushall()
        return [RedisStore(client, clock=clock)] * 2

    run_state_machine_as_test(machine(make), settings=PROFILE)
    client.close()


def test_sqlite_does_what_the_model_does(tmp_path: Path) -> None:
    opened: list[SqliteStore] = []

    def make(clock: Clock) -> list[JobStore]:
        for store in opened:
            store.close()
        path = Path(tempfile.mkdtemp(dir=tmp_path)) / "jobs.sqlite"
        opened[:] = [SqliteStore(path, clock=clock), SqliteStore(path, clock=clock)]
        return [*opened]

    run_state_machine_as_test(machine(make), settings=PROFILE)
    for store in opened:
        store.close()
