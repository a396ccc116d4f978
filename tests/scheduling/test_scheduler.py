"""The threads that carry the policy out."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from crnn_ocr.errors import DeadlineExceededError, RequestCancelledError
from crnn_ocr.scheduling import stage_clock
from crnn_ocr.scheduling.policy import Demand
from crnn_ocr.scheduling.scheduler import Scheduler
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.scheduling.work import INLINE, Task

PATIENCE_S = 20
MIB = 1024 * 1024


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler(2)
    yield scheduler
    scheduler.close()


def task(call: Callable[[int], Any], cost: float = 1.0, **more: int) -> Task[Any]:
    return Task(Demand(cost, **more), call)


class Gate:
    """A task that runs until it is let go."""

    def __init__(self) -> None:
        self.running = threading.Event()
        self.open = threading.Event()

    def __call__(self, _cores: int) -> str:
        self.running.set()
        assert self.open.wait(PATIENCE_S)
        return "gate"


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_every_task_has_its_own_outcome(scheduler: Scheduler) -> None:
    def broken(_cores: int) -> int:
        raise ZeroDivisionError("broken")

    with scheduler.admit(Ticket()) as work:
        outcomes = work.run([task(lambda _: 1), task(broken), task(lambda _: 3), task(lambda _: None)])

    assert [outcome.error is None for outcome in outcomes] == [True, False, True, True]
    assert (outcomes[0].get(), outcomes[2].get(), outcomes[3].get()) == (1, 3, None)
    with pytest.raises(ZeroDivisionError, match="broken"):
        outcomes[1].get()
    assert (scheduler.waiting, scheduler.busy) == (0, 0)


def test_outcomes_come_in_the_order_of_the_tasks(scheduler: Scheduler) -> None:
    with scheduler.admit(Ticket()) as work:
        outcomes = work.run([task(partial(max, n), cost=1 + n % 7) for n in range(1, 50)])

    assert [outcome.get() for outcome in outcomes] == list(range(1, 50))
    with scheduler.admit(Ticket()) as work:
        assert work.run([]) == []


def test_never_more_run_than_there_are_cores() -> None:
    lock = threading.Lock()
    running = most = 0

    def count(_cores: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with lock:
            running -= 1

    scheduler = Scheduler(3)

    def request(_: int) -> None:
        with scheduler.admit(Ticket()) as work:
            for _ in range(3):
                work.run([task(count) for _ in range(8)])

    with ThreadPoolExecutor(8) as callers:
        list(callers.map(request, range(8)))
    scheduler.close()

    assert most == 3


def test_a_failing_request_does_not_disturb_others(scheduler: Scheduler) -> None:
    def fail(_cores: int) -> None:
        raise MemoryError

    def request(n: int) -> list[object]:
        with scheduler.admit(Ticket()) as work:
            return [o.error or o.get() for o in work.run([task(fail if n % 2 else lambda _: n)] * 20)]

    with ThreadPoolExecutor(6) as callers:
        for n, values in enumerate(callers.map(request, range(30))):
            assert all(isinstance(value, MemoryError) if n % 2 else value == n for value in values)


def test_a_short_request_passes_a_long_one(scheduler: Scheduler) -> None:
    ended: list[str] = []

    def note(name: str) -> Callable[[int], None]:
        def call(_cores: int) -> None:
            time.sleep(0.002)
            ended.append(name)

        return call

    def long() -> None:
        with scheduler.admit(Ticket()) as work:
            work.run([task(note("long")) for _ in range(300)])

    with ThreadPoolExecutor(1) as callers:
        running = callers.submit(long)
        until(lambda: len(ended) >= 10)
        with scheduler.admit(Ticket()) as work:
            work.run([task(note("short"))])
        passed = ended.index("short")
        running.result()

    assert passed < 60  # of 301; it cannot be sure when this thread comes in
    assert len(ended) == 301


@pytest.mark.parametrize("end", ["cancel", "deadline"])
def test_what_nobody_wants_any_more_is_not_started(scheduler: Scheduler, end: str) -> None:
    now = [0.0]
    ticket = Ticket(deadline=10.0, clock=lambda: now[0])
    gates = [Gate(), Gate()]
    done: list[int] = []

    def unwanted() -> None:
        with scheduler.admit(ticket) as work:
            work.run([task(gate, cost=9) for gate in gates] + [task(done.append)] * 100)

    with ThreadPoolExecutor(1) as callers:
        running = callers.submit(unwanted)
        for gate in gates:
            assert gate.running.wait(PATIENCE_S)
        if end == "cancel":
            ticket.cancel()
        else:
            now[0] = 10.0
        assert scheduler.waiting == 100
        gates[0].open.set()  # one run ends, and with it all that waits
        until(lambda: scheduler.waiting == 0)
        assert not running.done()  # the other run still works for this request
        gates[1].open.set()
        with pytest.raises(RequestCancelledError if end == "cancel" else DeadlineExceededError):
            running.result(PATIENCE_S)

    assert done == []
    assert scheduler.busy == 0


def test_an_invalid_ticket_starts_nothing(scheduler: Scheduler) -> None:
    ticket = Ticket()
    ticket.cancel()

    with scheduler.admit(ticket) as work, pytest.raises(RequestCancelledError):
        work.run([task(lambda _: pytest.fail("started"))])


def test_memory_is_shared_by_all_requests() -> None:
    scheduler = Scheduler(4, memory=100)
    heavy = [Gate(), Gate()]

    def request(gate: Gate) -> None:
        with scheduler.admit(Ticket()) as work:
            work.run([task(gate, memory=60)])

    with ThreadPoolExecutor(2) as callers:
        running = [callers.submit(request, gate) for gate in heavy]
        until(lambda: scheduler.busy == 1 and scheduler.waiting == 1)
        with scheduler.admit(Ticket()) as work:  # one that needs no memory passes
            assert work.run([task(lambda cores: cores, most_cores=4)])[0].get() == 1
        assert sum(gate.running.is_set() for gate in heavy) == 1
        for gate in heavy:
            gate.open.set()
        for future in running:
            future.result(PATIENCE_S)
    scheduler.close()


def test_memory_that_was_reserved_is_waited_for(scheduler: Scheduler) -> None:
    gates = [Gate(), Gate()]

    def request() -> None:
        with scheduler.admit(Ticket()) as work:
            work.run([task(gate, memory=100 * MIB) for gate in gates])

    with ThreadPoolExecutor(1) as pool:
        with scheduler.reserve(100 * MIB):
            pool.submit(request)
            assert gates[0].running.wait(PATIENCE_S)
            assert scheduler.waiting == 1
            assert not gates[1].running.is_set()
        assert gates[1].running.wait(PATIENCE_S)
        for gate in gates:
            gate.open.set()


def test_a_failure_leaves_no_cycle(no_collector: None) -> None:
    class Error(Exception):
        pass

    def fail(_cores: int) -> None:
        raise Error

    (outcome,) = INLINE.run([task(fail)])
    with pytest.raises(Error) as caught:
        outcome.get()
    error = weakref.ref(caught.value)
    del outcome, caught

    assert error() is None


def test_alone_a_task_is_told_of_all_cores(scheduler: Scheduler) -> None:
    with scheduler.admit(Ticket()) as work:
        assert work.run([task(lambda cores: cores, most_cores=4)])[0].get() == 2
    assert INLINE.run([task(lambda cores: cores, most_cores=4)])[0].get() == 1


def test_it_tells_what_it_does_and_how_long_was_waited() -> None:
    scheduler = Scheduler(1)
    gate = Gate()
    heard: list[tuple[str, float]] = []

    def wait_behind() -> None:
        stage_clock.listener.set(lambda stage, _begin, _end, spent: heard.append((stage, spent)))
        with scheduler.admit(Ticket()) as work:
            work.run([task(lambda _: 1), task(lambda _: 2)])

    with ThreadPoolExecutor(2) as pool, scheduler.admit(Ticket()) as work:
        first = pool.submit(work.run, [task(gate)])
        assert gate.running.wait(PATIENCE_S)
        second = pool.submit(wait_behind)
        until(lambda: scheduler.waiting == 2)
        during = scheduler.stats()
        time.sleep(0.05)
        gate.open.set()
        first.result(PATIENCE_S)
        second.result(PATIENCE_S)
    after = scheduler.stats()
    scheduler.close()

    assert (during.waiting, during.busy, during.cores, during.requests, during.done) == (2, 1, 1, 2, 0)
    assert (after.waiting, after.busy, after.requests, after.done) == (0, 0, 0, 3)
    assert after.waited_s >= 0.1, "two tasks, each at least 0.05 s"
    ((stage, spent),) = heard
    assert stage == "queue"
    assert 0.05 <= spent < after.waited_s


def test_closing_ends_what_waits_and_lets_finish_what_runs() -> None:
    scheduler = Scheduler(1)
    gate = Gate()

    def request() -> None:
        with scheduler.admit(Ticket()) as work:
            work.run([task(gate, cost=2), task(lambda _: pytest.fail("started"))])

    with ThreadPoolExecutor(2) as callers:
        running = callers.submit(request)
        assert gate.running.wait(PATIENCE_S)
        closing = callers.submit(scheduler.close)
        until(lambda: scheduler.waiting == 0)
        gate.open.set()
        closing.result(PATIENCE_S)
        with pytest.raises(RuntimeError, match="closed"):
            running.result(PATIENCE_S)
    with scheduler.admit(Ticket()) as work, pytest.raises(RuntimeError, match="closed"):
        work.run([task(lambda _: None)])


_FORK = """
import os, sys
from crnn_ocr.scheduling.policy import Demand
from crnn_ocr.scheduling.scheduler import Scheduler
from crnn_ocr.scheduling.ticket import Ticket
from crnn_ocr.scheduling.work import Task

scheduler = Scheduler(2)
pid = os.fork()
if pid:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
with scheduler.admit(Ticket()) as work:
    values = [outcome.get() for outcome in work.run([Task(Demand(1.0), lambda _: 7)] * 9)]
scheduler.close()
os._exit(0 if values == [7] * 9 else 1)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_made_before_a_fork_it_works_after_it() -> None:
    subprocess.run([sys.executable, "-c", _FORK], check=True, timeout=60)


def test_a_program_may_end_without_closing_it() -> None:
    program = _FORK.replace("os.fork()", "0").partition("scheduler.close()")[0]

    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
