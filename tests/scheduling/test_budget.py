from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crnn_ocr.errors import RequestCancelledError
from crnn_ocr.scheduling.budget import Budget
from crnn_ocr.scheduling.ticket import Ticket


@settings(max_examples=20)
@given(st.lists(st.integers(1, 15), min_size=1, max_size=30), st.integers(1, 10))
def test_no_more_is_in_use_than_allowed(amounts: list[int], limit: int) -> None:
    budget = Budget(limit)
    lock = threading.Lock()
    current: list[int] = []
    seen: list[list[int]] = []

    def use(amount: int) -> None:
        with budget.take(amount, Ticket()):
            with lock:
                current.append(amount)
                seen.append(list(current))
            time.sleep(0)
            with lock:
                current.remove(amount)

    with ThreadPoolExecutor(8) as callers:
        list(callers.map(use, amounts))

    assert len(seen) == len(amounts)
    assert all(sum(held) <= limit or len(held) == 1 for held in seen)


def test_what_is_taken_comes_back_after_an_error() -> None:
    budget = Budget(5)
    with pytest.raises(RuntimeError, match="broken"), budget.take(5, Ticket()):
        raise RuntimeError("broken")

    with budget.take(5, Ticket()):
        pass


def test_an_empty_budget_is_refused() -> None:
    with pytest.raises(ValueError, match="lets nobody in"):
        Budget(0)


def test_what_is_given_back_early_lets_others_in() -> None:
    budget = Budget(10)
    inside = threading.Event()

    def second() -> None:
        with budget.take(7, Ticket()):
            inside.set()

    with ThreadPoolExecutor(1) as callers, budget.take(9, Ticket()) as share:
        waiting = callers.submit(second)
        assert not inside.wait(0.05)
        share.shrink(3)
        assert inside.wait(10)
        waiting.result(10)
        share.shrink(5)  # it never grows
        assert share.amount == 3
    with budget.take(10, Ticket()):
        pass


def test_a_wait_ends_when_it_is_not_worth_it_any_more() -> None:
    budget = Budget(10)
    gone = Ticket()
    gone.cancel()

    with budget.take(10, Ticket()), pytest.raises(RequestCancelledError), budget.take(1, gone):
        pytest.fail("let in")
    with budget.take(10, Ticket()):  # whoever gave up is not waited for
        pass


def test_a_few_small_ones_pass_a_large_one_that_waits() -> None:
    budget = Budget(10)
    order: list[str] = []
    lock = threading.Lock()
    hold = threading.Event()

    def use(name: str, amount: int) -> None:
        with budget.take(amount, Ticket()):
            with lock:
                order.append(name)
            if name == "first":
                assert hold.wait(10)

    with ThreadPoolExecutor(16) as callers:
        first = callers.submit(use, "first", 6)
        while not order:
            time.sleep(0.001)
        large = callers.submit(use, "large", 10)
        time.sleep(0.1)
        small = [callers.submit(use, "small", 2) for _ in range(12)]
        time.sleep(0.3)
        assert order == ["first", *["small"] * 8]
        hold.set()
        for future in (first, large, *small):
            future.result(10)

    assert order == ["first", *["small"] * 8, "large", *["small"] * 4]
