from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from crnn_ocr.errors import IdempotencyKeyReusedError, TooManyJobsError
from crnn_ocr.jobs.records import MOST_ATTEMPTS, MOST_DELIVERIES, Job, Problem, SourceFile
from crnn_ocr.jobs.redis_store import RedisStore, connect
from crnn_ocr.jobs.sqlite_store import SqliteStore
from crnn_ocr.jobs.store import Beat, JobStore
from tests.caching.redis_server import RedisServer, running_redis
from tests.jobs.stores import BROKEN, Clock, create, new_job, planned, read, take


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[JobStore]:
    made: JobStore
    if request.param == "sqlite":
        made = SqliteStore(tmp_path / "jobs.sqlite", clock=clock)
    else:
        client = connect(request.getfixturevalue("redis").url)
        client.flushall()
        made = RedisStore(client, clock=clock)
    yield made
    made.close()


def got(store: JobStore, job: str) -> Job:
    found = store.get(job)
    assert found is not None
    return found


def states(store: JobStore, job: str) -> dict[int, tuple[str, int]]:
    return {page.number: (page.state, page.attempts) for page in store.pages(job)}


def lost(store: JobStore, lease: str) -> bool:
    """Revoke a lease as the watcher does."""
    (beat,) = [beat for beat in store.beats() if beat.lease == lease]
    return store.revoke(beat)


# ---- a job from its beginning to its end ---------------------------------------------------------------


def test_a_job_is_planned_read_assembled(store: JobStore, clock: Clock) -> None:
    new = new_job()
    job, made = store.create(new, most_unfinished=1)
    assert made
    assert (job.state, job.position, job.pages_total, job.created) == ("queued", 0, None, clock.now)
    assert job.request == new.request
    assert [(file.name, file.size, file.pages) for file in job.files] == [("文 0.pdf", 100, None)]
    clock.now += 1
    plan = take(store, "plan")
    assert (plan.job, plan.owner, plan.request, plan.file, plan.pages) == (job.id, "ann", new.request, 0, ())
    assert (got(store, job.id).state, got(store, job.id).started) == ("running", clock.now)
    assert store.take("other") is None
    assert store.plan(plan.lease, [[1, 2], [3]])
    assert got(store, job.id).pages_total == 3
    assert states(store, job.id) == dict.fromkeys((1, 2, 3), ("queued", 0))
    first, second = take(store, "read"), take(store, "read")
    assert (first.pages, second.pages) == ((1, 2), (3,))
    assert store.begin_page(second.lease, 3)
    assert states(store, job.id)[3] == ("running", 1)
    assert store.end_page(second.lease, 3, problem=BROKEN)
    assert store.finish(second.lease)
    assert store.take("worker") is None
    read(store, first)
    assemble = take(store, "assemble")
    assert got(store, job.id).state == "running"
    clock.now += 1
    assert store.finish(assemble.lease)
    assert store.take("worker") is None
    job = got(store, job.id)
    assert (job.state, job.pages_done, job.pages_failed) == ("partial", 2, 1)
    assert (job.finished, job.expires) == (clock.now, clock.now + 100)
    assert job.files[0].pages == 3
    assert job.problem is None


def test_pages_come_in_the_order_of_their_changes(store: JobStore) -> None:
    job = planned(store, [[1, 2, 3]])
    before = got(store, job).sequence
    assert [page.number for page in store.pages(job)] == [1, 2, 3]
    assert store.pages(job, after=before) == []
    task = take(store, "read")
    store.begin_page(task.lease, 2)
    store.end_page(task.lease, 2, elapsed_ms=7.25)
    store.begin_page(task.lease, 1)
    store.end_page(task.lease, 1, problem=BROKEN)
    changed = store.pages(job, after=before)
    assert [(page.number, page.state) for page in changed] == [(2, "done"), (1, "failed")]
    assert (changed[0].elapsed_ms, changed[0].problem, changed[1].problem) == (7.25, None, BROKEN)
    assert store.pages(job, after=before, limit=1) == changed[:1]
    assert store.pages(job, after=changed[0].sequence) == changed[1:]
    assert got(store, job).sequence >= changed[1].sequence
    assert [page.number for page in store.pages(job)] == [3, 2, 1]


def test_a_page_is_found_by_its_place(store: JobStore) -> None:
    job = create(store, new_job(files=2))
    assert store.page(job, 0, 1) is None
    assert store.plan(take(store, "plan").lease, [[1], [3]])
    assert store.plan(take(store, "plan").lease, [[1, 2]])
    task = take(store, "read")
    store.begin_page(task.lease, 1)
    store.end_page(task.lease, 1, problem=BROKEN)
    store.finish(task.lease)
    read(store, take(store, "read"))
    for page in store.pages(job):
        assert store.page(job, page.file, page.number) == page
    found = store.page(job, 0, 1)
    assert found is not None
    assert (found.state, found.problem) == ("failed", BROKEN)
    for file, number in ((0, 2), (0, 0), (0, -1), (0, 4), (2, 1), (-1, 1), (0, 2**18), (0, 2**53 - 1)):
        assert store.page(job, file, number) is None, (file, number)
    assert store.page("0" * 32, 0, 1) is None
    store.cancel(job)
    store.expire(job)
    assert store.page(job, 0, 1) is None


def test_a_job_whose_pages_all_failed_has_failed(store: JobStore) -> None:
    job = planned(store, [[1]])
    task = take(store, "read")
    store.end_page(task.lease, 1, problem=BROKEN)
    store.finish(task.lease)
    store.finish(take(store, "assemble").lease)
    assert got(store, job).state == "failed"
    assert got(store, job).problem == BROKEN


def test_without_readable_files_there_is_no_assembling(store: JobStore) -> None:
    job = create(store, new_job(files=2))
    assert store.fail(take(store, "plan").lease, BROKEN)
    assert got(store, job).state == "running"
    assert store.fail(take(store, "plan").lease, BROKEN)
    assert store.take("worker") is None
    found = got(store, job)
    assert (found.state, found.problem, found.pages_total) == ("failed", BROKEN, 0)
    assert [file.problem for file in found.files] == [BROKEN, BROKEN]


def test_a_job_with_one_unreadable_file_is_partial(store: JobStore) -> None:
    job = create(store, new_job(files=2))
    assert store.fail(take(store, "plan").lease, BROKEN)
    assert store.plan(take(store, "plan").lease, [[1]])
    task = take(store, "read")
    assert task.file == 1
    read(store, task)
    store.finish(take(store, "assemble").lease)
    assert got(store, job).state == "partial"


@pytest.mark.parametrize(("problem", "state"), [(None, "succeeded"), (BROKEN, "partial")])
def test_a_job_with_a_format_that_could_not_be_written_is_partial(
    store: JobStore, problem: Problem | None, state: str
) -> None:
    job = planned(store, [[1]])
    read(store, take(store, "read"))
    assert store.finish(take(store, "assemble").lease, problem=problem)
    assert (got(store, job).state, got(store, job).problem) == (state, problem)


def test_a_job_whose_pages_all_failed_tells_why_they_did(store: JobStore) -> None:
    job = planned(store, [[1]])
    task = take(store, "read")
    store.begin_page(task.lease, 1)
    store.end_page(task.lease, 1, problem=BROKEN)
    store.finish(task.lease)
    store.finish(take(store, "assemble").lease, problem=Problem("JOB_RESULT_TOO_LARGE", "It is too large."))
    assert (got(store, job).state, got(store, job).problem) == ("failed", BROKEN)


def test_a_webhook_is_told_after_the_end(store: JobStore) -> None:
    job = planned(store, [[1]], new=new_job(webhook="https://example.com/hook"))
    read(store, take(store, "read"))
    store.finish(take(store, "assemble").lease)
    for attempt in range(1, MOST_DELIVERIES + 1):
        assert got(store, job).state == "succeeded"
        task = take(store, "notify")
        assert task.attempt == attempt
        assert store.fail(task.lease, BROKEN, retry_after_s=0)
    assert store.take("worker") is None
    assert got(store, job).state == "succeeded"


# ---- attempts ------------------------------------------------------------------------------------------


def test_a_lost_task_is_split_at_the_page_being_read(store: JobStore) -> None:
    job = planned(store, [[1, 2, 3, 4]])
    task = take(store, "read")
    store.begin_page(task.lease, 1)
    store.end_page(task.lease, 1)
    store.begin_page(task.lease, 2)
    assert lost(store, task.lease)
    assert not store.end_page(task.lease, 2)
    assert states(store, job)[2] == ("queued", 1)
    again = {task.pages: task.attempt for task in (take(store, "read"), take(store, "read"))}
    assert again == {(2,): 2, (3, 4): 1}
    assert store.take("worker") is None
    counts = store.counts()
    assert (counts.expired_leases, counts.retries) == (1, 2)


def test_a_task_whose_pages_are_all_read_is_not_tried_again(store: JobStore) -> None:
    planned(store, [[1]])
    task = take(store, "read")
    store.end_page(task.lease, 1)
    assert store.release(task.lease)  # as a worker that stops does
    assert lost(store, take(store, "read").lease)
    assert store.counts().retries == 0
    take(store, "assemble")


def test_a_page_that_kills_workers_fails_alone(store: JobStore) -> None:
    job = planned(store, [[1, 2]])
    innocent = None
    for attempt in range(1, MOST_ATTEMPTS + 1):
        task = take(store, "read")
        if task.pages == (2,):
            innocent, task = task, take(store, "read")
        assert (task.pages[0], task.attempt) == (1, attempt)
        assert store.begin_page(task.lease, 1)
        assert lost(store, task.lease)
    assert states(store, job) == {1: ("failed", MOST_ATTEMPTS), 2: ("queued", 0)}
    (failed,) = [page for page in store.pages(job) if page.number == 1]
    assert failed.problem is not None
    assert failed.problem.code == "JOB_WORKER_LOST"
    read(store, innocent or take(store, "read"))
    store.finish(take(store, "assemble").lease)
    assert got(store, job).state == "partial"


def test_workers_that_die_between_pages_cost_no_attempt(store: JobStore) -> None:
    planned(store, [[1, 2, 3, 4, 5, 6]])
    for page in range(1, 6):
        task = take(store, "read")
        assert (task.attempt, task.pages[0]) == (1, page)
        store.begin_page(task.lease, page)
        store.end_page(task.lease, page)
        assert lost(store, task.lease)


@pytest.mark.parametrize("kind", ["plan", "read", "assemble"])
def test_a_task_that_kills_workers_is_given_up(store: JobStore, kind: str) -> None:
    job = create(store, new_job())
    if kind != "plan":
        store.plan(take(store, "plan").lease, [[1]])
    if kind == "assemble":
        read(store, take(store, "read"))
    for _ in range(MOST_ATTEMPTS):
        assert lost(store, take(store, kind).lease)
    if kind == "read":
        store.finish(take(store, "assemble").lease)
    found = got(store, job)
    assert found.state == "failed"
    assert found.problem is not None
    assert found.problem.code == "JOB_WORKER_LOST"


def test_a_beat_saves_the_lease(store: JobStore) -> None:
    planned(store, [[1]])
    task = take(store, "read")
    (before,) = store.beats()
    assert store.beat(task.lease)
    assert not store.revoke(before)
    assert store.beats() == [Beat(task.lease, before.count + 1)]
    assert store.revoke(store.beats()[0])
    assert not store.beat(task.lease)
    assert not store.revoke(before)
    assert store.beats() == []


def test_a_failure_is_tried_again_after_a_while(store: JobStore, clock: Clock) -> None:
    job = planned(store, [[1, 2]])
    for attempt in range(1, MOST_ATTEMPTS):
        task = take(store, "read")
        assert (task.attempt, task.pages) == (attempt, (1, 2))
        store.begin_page(task.lease, 1)
        assert store.fail(task.lease, BROKEN, retry_after_s=30)
        assert states(store, job)[1] == ("queued", attempt)
        assert store.take("worker") is None
        assert store.counts().waiting_tasks == 0
        clock.now += 31
        assert store.counts().waiting_tasks == 1
    assert store.fail(take(store, "read").lease, BROKEN, retry_after_s=30)
    assert {state for state, _ in states(store, job).values()} == {"failed"}
    take(store, "assemble")


@pytest.mark.parametrize("jump", [-1_000_000.0, 1_000_000.0])
def test_a_clock_that_jumps_delays_no_task(store: JobStore, clock: Clock, jump: float) -> None:
    planned(store, [[1]])
    assert store.fail(take(store, "read").lease, BROKEN, retry_after_s=30)
    clock.now += jump
    assert store.counts().waiting_tasks in (0, 1)
    if store.take("worker") is None:
        clock.now += 31
        take(store, "read")


def test_what_is_given_back_is_no_attempt(store: JobStore) -> None:
    job = planned(store, [[1, 2]])
    for _ in range(2 * MOST_ATTEMPTS):
        task = take(store, "read")
        assert (task.attempt, task.pages) == (1, (1, 2))
        store.begin_page(task.lease, 1)
        assert store.release(task.lease)
        assert not store.release(task.lease)
    assert states(store, job)[1] == ("queued", 0)
    assert store.counts().retries == 0


def test_nothing_is_done_with_a_lease_of_another_kind(store: JobStore) -> None:
    job = planned(store, [[1]])
    task = take(store, "read")
    assert not store.plan(task.lease, [[1]])
    assert store.end_page(task.lease, 1)
    assert store.end_page(task.lease, 1, problem=BROKEN)  # again, as after an answer that was lost
    assert store.begin_page(task.lease, 1)
    assert states(store, job) == {1: ("done", 0)}
    assert got(store, job).pages_done == 1


def test_pages_left_behind_are_read_by_another(store: JobStore) -> None:
    job = planned(store, [[1, 2]])
    task = take(store, "read")
    store.end_page(task.lease, 1)
    assert store.finish(task.lease)
    assert take(store, "read").pages == (2,)
    assert got(store, job).state == "running"


# ---- clients -------------------------------------------------------------------------------------------


def test_cancelling_ends_everything_at_once(store: JobStore, clock: Clock) -> None:
    job = planned(store, [[1], [2]], new=new_job(webhook="https://example.com/hook"))
    task = take(store, "read")
    store.begin_page(task.lease, 1)
    before = got(store, job).sequence
    assert store.cancel(job)
    assert not store.cancel(job)
    assert not store.beat(task.lease)
    assert not store.end_page(task.lease, 1)
    assert not store.finish(task.lease)
    assert store.take("worker") is None
    found = got(store, job)
    assert (found.state, found.finished, found.expires) == ("cancelled", clock.now, clock.now + 100)
    assert [(page.number, page.state) for page in store.pages(job, after=before)] == [(1, "queued")]
    assert store.beats() == []
    assert not store.cancel("unknown")


def test_a_finished_job_expires_and_is_forgotten(store: JobStore, clock: Clock) -> None:
    job = planned(store, [[1]])
    store.expire(job)
    assert got(store, job).state == "running"
    store.cancel(job)
    assert store.due(clock.now) == []
    clock.now += 100
    assert store.due(clock.now) == [job]
    store.expire(job)
    assert store.due(clock.now) == []
    assert (got(store, job).state, store.pages(job)) == ("expired", [])
    assert got(store, job).pages_total == 1
    store.forget(clock.now)
    assert got(store, job).state == "expired"
    store.forget(clock.now + 1)
    assert store.get(job) is None
    assert store.jobs("ann") == []
    assert store.counts().jobs.get("expired", 0) == 0


def test_a_repeated_request_gives_the_same_job(store: JobStore) -> None:
    first = new_job(key="key")
    create(store, first, most=1)
    again, made = store.create(new_job(key="key"), most_unfinished=1)
    assert (again.id, made) == (first.id, False)
    with pytest.raises(IdempotencyKeyReusedError):
        store.create(new_job(key="key", digest="other"), most_unfinished=9)
    assert create(store, new_job("bob", key="key", digest="other")) != first.id
    again, made = store.create(first, most_unfinished=1)  # as after an answer that was lost
    assert (again.id, made) == (first.id, True)
    assert len(store.jobs("ann")) == 1
    store.cancel(first.id)
    store.expire(first.id)
    store.forget(1e12)
    assert create(store, new_job(key="key", digest="other"))


PASSWORD = 'geheim " 文 \\'
#: Options whose JSON Lua would write differently.
OPTIONS = {"enhance": [], "scale": 1.0, "big": 2**53 + 1, "none": None, "password": PASSWORD}


@pytest.mark.parametrize("end", ["cancel", "succeed", "fail"])
def test_a_password_is_forgotten_with_the_files(store: JobStore, clock: Clock, end: str) -> None:
    new = new_job(key="key", options=OPTIONS, webhook="https://example.com/hook")
    job = planned(store, [[1]], new=new)
    assert got(store, job).request == new.request
    if end == "cancel":
        assert take(store, "read").request == new.request
        store.cancel(job)
    else:
        read(store, take(store, "read"))
        task = take(store, "assemble")
        assert task.request == new.request
        if end == "fail":
            store.fail(task.lease, BROKEN)
        else:
            store.finish(task.lease)
        assert got(store, job).state == {"fail": "failed", "succeed": "succeeded"}[end]
        assert got(store, job).request == new.request, "pictures of its pages are still drawn"
        store.expire(job)
    kept = {name: value for name, value in OPTIONS.items() if name != "password"}
    for found in (got(store, job), *store.jobs("ann")):
        assert found.request == replace(new.request, options={"layout": "blocks", **kept})
    # A repeated request still finds its job, and another one is still refused.
    again, made = store.create(
        replace(new_job(key="key", options=OPTIONS), digest=new.digest), most_unfinished=9
    )
    assert (again.id, made) == (job, False)
    with pytest.raises(IdempotencyKeyReusedError):
        store.create(new_job(key="key", digest="other"), most_unfinished=9)


def test_a_request_without_a_password_stays_as_it_is(store: JobStore) -> None:
    new = new_job()
    job = create(store, new)
    store.cancel(job)
    assert got(store, job).request == new.request


def together(what: Callable[[], None], times: int) -> None:
    threads = [threading.Thread(target=what) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_requests_that_come_together_make_one_job(store: JobStore) -> None:
    made: list[tuple[str, bool]] = []

    def request() -> None:
        job, new = store.create(new_job(key="key"), most_unfinished=9)
        made.append((job.id, new))

    together(request, 6)
    assert len({job for job, _ in made}) == 1
    assert [new for _, new in made].count(True) == 1


def test_the_limit_holds_for_jobs_that_come_together(store: JobStore) -> None:
    outcomes: list[str] = []

    def request() -> None:
        try:
            store.create(new_job(), most_unfinished=2)
            outcomes.append("made")
        except TooManyJobsError:
            outcomes.append("refused")

    together(request, 6)
    assert sorted(outcomes) == ["made"] * 2 + ["refused"] * 4


def test_no_two_threads_hold_the_same_task(store: JobStore) -> None:
    planned(store, [[page] for page in range(1, 31)])
    taken: list[int] = []

    def work() -> None:
        while (task := store.take("thread")) is not None and task.kind == "read":
            read(store, task)
            taken.extend(task.pages)

    together(work, 4)
    assert sorted(taken) == list(range(1, 31))


def test_an_owner_may_have_so_many_unfinished_jobs(store: JobStore) -> None:
    first = create(store, new_job(), most=1)
    with pytest.raises(TooManyJobsError) as refused:
        store.create(new_job(), most_unfinished=1)
    assert refused.value.retry_after
    create(store, new_job("bob"), most=1)
    store.cancel(first)
    create(store, new_job(), most=1)


def test_jobs_are_listed_for_their_owner_alone(store: JobStore) -> None:
    own = [create(store, new_job()) for _ in range(3)]
    other = create(store, new_job("bob"))
    assert [job.id for job in store.jobs("ann")] == own[::-1]
    assert [job.id for job in store.jobs("ann", limit=2)] == own[:0:-1]
    assert [job.id for job in store.jobs("bob")] == [other]
    assert store.jobs("") == []
    assert [got(store, job).position for job in (*own, other)] == [0, 1, 2, 3]
    store.cancel(own[1])
    assert [job.id for job in store.jobs("ann", states=["cancelled", "failed"])] == [own[1]]
    assert [job.id for job in store.jobs("ann", states=["queued"], limit=1)] == [own[2]]
    assert got(store, other).position == 2


def test_counts_add_up(store: JobStore, clock: Clock) -> None:
    assert store.counts().oldest is None
    first = planned(store, [[1], [2], [3]])
    task = take(store, "read")
    clock.now += 5
    create(store, new_job())
    counts = store.counts()
    assert dict(counts.jobs) == {"running": 1, "queued": 1}
    assert (counts.waiting_tasks, counts.oldest) == (3, clock.now - 5)
    store.begin_page(task.lease, 1)
    assert dict(store.counts().pages) == {"queued": 2, "running": 1, "done": 0, "failed": 0}
    store.end_page(task.lease, 1)
    assert dict(store.counts().pages) == {"queued": 2, "running": 0, "done": 1, "failed": 0}
    store.cancel(first)
    counts = store.counts()
    assert dict(counts.pages) == {"queued": 0, "running": 0, "done": 0, "failed": 0}
    assert (counts.jobs["cancelled"], counts.waiting_tasks, counts.oldest) == (1, 1, clock.now)


def test_names_of_files_are_any_text(store: JobStore) -> None:
    names = ("文件.pdf", "bro\udce9ken.pdf", 'a"b\\c\0.pdf', "")
    new = replace(new_job(), files=tuple(SourceFile(name, 1) for name in names))
    job, _ = store.create(new, most_unfinished=1)
    assert tuple(file.name for file in job.files) == names


def test_owners_and_keys_are_any_text(store: JobStore) -> None:
    for owner in ("", "文", "a:b", "a b*"):
        for key in (None, "", "k:1", "é"):
            job = create(store, new_job(owner, key=key, digest=f"{key}"))
            assert got(store, job).owner == owner
        assert len(store.jobs(owner)) == 4


def test_page_numbers_may_have_gaps(store: JobStore) -> None:
    job = planned(store, [[5000, 7], [100_000]])
    assert sorted(states(store, job)) == [7, 5000, 100_000]
    task = take(store, "read")
    assert task.pages == (7, 5000)
    assert store.begin_page(task.lease, 8)
    assert store.end_page(task.lease, 100_000)
    assert set(states(store, job).values()) == {("queued", 0)}
    read(store, task)
    read(store, take(store, "read"))
    assert got(store, job).pages_done == 3


def test_a_file_may_have_many_pages(store: JobStore) -> None:
    numbers = list(range(1, 5001))
    job = planned(store, [numbers[at : at + 3] for at in range(0, 5000, 3)])
    found, after = [], 0
    while part := store.pages(job, after=after, limit=700):
        found += [page.number for page in part]
        after = part[-1].sequence
    assert found == numbers
    assert got(store, job).pages_total == 5000


def test_a_file_without_pages_is_nothing_bad(store: JobStore) -> None:
    job = planned(store, [])
    store.finish(take(store, "assemble").lease)
    assert (got(store, job).state, got(store, job).pages_total) == ("succeeded", 0)


def test_a_job_needs_files(store: JobStore) -> None:
    with pytest.raises(ValueError, match="at least one file"):
        store.create(new_job(files=0), most_unfinished=1)


# ---- fairness ------------------------------------------------------------------------------------------


def test_one_page_is_served_before_the_rest_of_many(store: JobStore) -> None:
    large = planned(store, [[page] for page in range(1, 51)])
    for _ in range(20):
        read(store, take(store, "read"))
    small = create(store, new_job())
    task = take(store, "plan")
    assert task.job == small
    store.plan(task.lease, [[1]])
    within = [take(store, "read") for _ in range(2)]
    assert small in [task.job for task in within]
    for task in within:
        read(store, task)
    assert small in [
        task.job for task in (store.take("w"), store.take("w")) if task and task.kind == "assemble"
    ]
    assert got(store, large).state == "running"


def test_owners_share_whatever_the_number_of_their_jobs(store: JobStore) -> None:
    for _ in range(9):
        create(store, new_job("many"))
    for _ in range(3):
        take(store, "plan")
    create(store, new_job("one", files=3))
    owners = [take(store, "plan").owner for _ in range(6)]
    assert owners.count("one") == 3


def test_jobs_that_came_together_are_read_in_turn(store: JobStore) -> None:
    jobs = [create(store, new_job()) for _ in range(3)]
    for _ in jobs:
        task = take(store, "plan")
        store.plan(task.lease, [[page] for page in range(1, 7)])
    served = [take(store, "read").job for _ in range(18)]
    for at in range(0, 18, 3):
        assert sorted(served[at : at + 3]) == sorted(jobs)


def test_pages_of_a_job_are_read_in_their_order(store: JobStore) -> None:
    planned(store, [[1, 2], [3], [4, 5]])
    assert [take(store, "read").pages for _ in range(3)] == [(1, 2), (3,), (4, 5)]
