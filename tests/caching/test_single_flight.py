from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from crnn_ocr.caching.single_flight import SingleFlight
from crnn_ocr.errors import (
    DeadlineExceededError,
    ImageDecodeError,
    OcrError,
    RequestCancelledError,
)
from crnn_ocr.scheduling.ticket import Ticket

PATIENCE_S = 20


class Work:
    """Work that tells when it begins and ends when it may."""

    def __init__(self) -> None:
        self.calls = 0
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Event()
        self.errors: list[BaseException] = []

    def __call__(self) -> str:
        self.calls += 1
        number = self.calls
        self.begun.release()
        assert self.may_end.wait(PATIENCE_S)
        if self.errors:
            raise self.errors.pop(0)
        if number > 1:
            time.sleep(0.3)  # long enough for those who wait to find it under way
        return f"result {number}"


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def flights() -> SingleFlight[str]:
    return SingleFlight()


def start(
    pool: ThreadPoolExecutor, flights: SingleFlight[str], work: Work, count: int, **tickets: Ticket
) -> list[Future[tuple[str, bool]]]:
    """A leader whose work has begun, and followers behind it."""
    leader = pool.submit(flights.do, "key", work, tickets.get("leader", Ticket()))
    assert work.begun.acquire(timeout=PATIENCE_S)
    followers = [
        pool.submit(flights.do, "key", work, tickets.get("follower", Ticket())) for _ in range(count - 1)
    ]
    return [leader, *followers]


def test_fifty_at_once_are_read_once(flights: SingleFlight[str]) -> None:
    work = Work()
    with ThreadPoolExecutor(50) as pool:
        futures = start(pool, flights, work, 50)
        time.sleep(0.1)
        work.may_end.set()
        results = [future.result(PATIENCE_S) for future in futures]
    assert work.calls == 1
    assert {text for text, _ in results} == {"result 1"}
    assert [led for _, led in results] == [True] + [False] * 49
    assert len(flights) == 0


def test_other_keys_do_not_wait(flights: SingleFlight[str]) -> None:
    work = Work()
    with ThreadPoolExecutor(2) as pool:
        futures = start(pool, flights, work, 1)
        assert flights.do("other", lambda: "at once", Ticket()) == ("at once", True)
        work.may_end.set()
        assert futures[0].result(PATIENCE_S) == ("result 1", True)


def test_the_next_one_works_again(flights: SingleFlight[str]) -> None:
    work = Work()
    work.may_end.set()
    assert [flights.do("key", work, Ticket()) for _ in range(2)] == [("result 1", True), ("result 2", True)]


@pytest.mark.parametrize(
    "ends", [RequestCancelledError("gone"), DeadlineExceededError("late"), MemoryError()]
)
def test_a_waiting_caller_takes_over_from_one_that_fails(
    flights: SingleFlight[str], ends: BaseException
) -> None:
    work = Work()
    work.errors = [ends]
    with ThreadPoolExecutor(5) as pool:
        leader, *followers = start(pool, flights, work, 5)
        time.sleep(0.1)
        work.may_end.set()
        with pytest.raises(type(ends)):
            leader.result(PATIENCE_S)
        results = [future.result(PATIENCE_S) for future in followers]
    assert work.calls == 2
    assert {text for text, _ in results} == {"result 2"}
    assert sorted(led for _, led in results) == [False, False, False, True]
    assert len(flights) == 0


def test_a_broken_picture_is_broken_for_all_of_them(flights: SingleFlight[str]) -> None:
    work = Work()
    work.errors = [ImageDecodeError("cut short", hint="send it whole")]
    errors: list[OcrError] = []
    with ThreadPoolExecutor(5) as pool:
        futures = start(pool, flights, work, 5)
        time.sleep(0.1)
        work.may_end.set()
        for future in futures:
            with pytest.raises(ImageDecodeError) as caught:
                future.result(PATIENCE_S)
            errors.append(caught.value)
    assert work.calls == 1
    assert {(error.message, error.hint) for error in errors} == {("cut short", "send it whole")}
    assert len({id(error) for error in errors}) == 5


def test_a_follower_waits_no_longer_than_its_own_deadline(flights: SingleFlight[str]) -> None:
    work = Work()
    with ThreadPoolExecutor(2) as pool:
        hurried = Ticket(deadline=time.monotonic() + 0.2)
        leader, follower = start(pool, flights, work, 2, follower=hurried)
        with pytest.raises(DeadlineExceededError):
            follower.result(PATIENCE_S)
        assert not leader.done()
        work.may_end.set()
        assert leader.result(PATIENCE_S) == ("result 1", True)


def test_a_cancelled_follower_leaves_at_once(flights: SingleFlight[str]) -> None:
    work = Work()
    with ThreadPoolExecutor(2) as pool:
        ticket = Ticket()
        leader, follower = start(pool, flights, work, 2, follower=ticket)
        ticket.cancel()
        with pytest.raises(RequestCancelledError):
            follower.result(PATIENCE_S)
        work.may_end.set()
        assert leader.result(PATIENCE_S) == ("result 1", True)


def test_each_follower_that_takes_over_may_fail_in_turn(flights: SingleFlight[str]) -> None:
    work = Work()
    work.errors = [RequestCancelledError(str(number)) for number in range(4)]
    with ThreadPoolExecutor(5) as pool:
        futures = start(pool, flights, work, 5)
        time.sleep(0.1)
        work.may_end.set()
        wait_until(lambda: all(future.done() for future in futures))
    assert work.calls == 5
    assert sorted(future.exception() is None for future in futures) == [False] * 4 + [True]
