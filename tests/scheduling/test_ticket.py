from __future__ import annotations

import pickle

import pytest

from crnn_ocr.errors import DeadlineExceededError, RequestCancelledError
from crnn_ocr.scheduling.ticket import Ticket


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_without_a_deadline_time_does_not_matter() -> None:
    clock = Clock()
    ticket = Ticket(clock=clock)
    clock.now += 1e9

    ticket.check()

    assert ticket.valid
    assert ticket.remaining is None


def test_a_deadline_ends_the_request_when_it_is_reached() -> None:
    clock = Clock()
    ticket = Ticket(deadline=103.0, clock=clock)
    ticket.check()
    assert (ticket.valid, ticket.remaining) == (True, 3.0)

    clock.now = 103.0

    assert (ticket.valid, ticket.remaining) == (False, 0.0)
    with pytest.raises(DeadlineExceededError) as raised:
        ticket.check()
    assert (raised.value.code, raised.value.http_status) == ("DEADLINE_EXCEEDED", 504)


def test_the_ordinary_clock_is_monotonic_time() -> None:
    assert not Ticket(deadline=0.0).valid
    assert Ticket(deadline=float("inf")).valid


def test_a_cancelled_request_stays_cancelled() -> None:
    clock = Clock()
    ticket = Ticket(deadline=103.0, clock=clock)

    ticket.cancel()
    ticket.cancel()

    assert ticket.cancelled
    assert not ticket.valid
    clock.now = 200.0  # nobody hears of the deadline any more
    with pytest.raises(RequestCancelledError) as raised:
        ticket.check()
    assert (raised.value.code, raised.value.http_status) == ("REQUEST_CANCELLED", 499)


def test_a_wait_ends_with_success_or_with_the_ticket() -> None:
    clock = Clock()
    ticket = Ticket(deadline=100.07, clock=clock)
    waited: list[float] = []

    def attempt(seconds: float) -> bool:
        waited.append(round(seconds, 6))
        clock.now += seconds
        return len(waited) == 3

    with pytest.raises(DeadlineExceededError):
        ticket.wait(attempt)
    assert waited == [0.05, 0.02]
    ticket.wait(attempt)  # what is there at once is had, however late
    assert waited[2:] == [0.0]


def test_the_errors_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(DeadlineExceededError("late")))

    assert (type(error), error.message) == (DeadlineExceededError, "late")
