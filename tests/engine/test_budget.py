from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crnn_ocr.engine.budget import Budget


@settings(max_examples=20)
@given(st.lists(st.integers(1, 15), min_size=1, max_size=30), st.integers(1, 10))
def test_no_more_is_in_use_than_allowed(amounts: list[int], limit: int) -> None:
    budget = Budget(limit)
    lock = threading.Lock()
    current: list[int] = []
    seen: list[list[int]] = []

    def use(amount: int) -> None:
        with budget.take(amount):
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
    with pytest.raises(RuntimeError, match="broken"), budget.take(5):
        raise RuntimeError("broken")

    with budget.take(5):
        pass


def test_an_empty_budget_is_refused() -> None:
    with pytest.raises(ValueError, match="lets nobody in"):
        Budget(0)
