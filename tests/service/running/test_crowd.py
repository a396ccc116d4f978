"""Many pictures inside: the queue is shorter then."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from crnn_ocr.errors import OverloadedError
from crnn_ocr.service.ocr.admission import Admission


def admission(cores: float = 2.0) -> Admission:
    return Admission(10 * cores, cores, cpu_clock=lambda: 0.0, spread=min)


def fill(door: Admission, held: ExitStack, seconds: float) -> int:
    """Let in as many as there is room for."""
    count = 0
    while True:
        try:
            held.enter_context(door.admit(seconds))
        except OverloadedError:
            return count
        count += 1


def test_some_large_pictures_may_fill_the_whole_queue() -> None:
    with ExitStack() as held:
        assert fill(admission(), held, 2.5) == 8


@pytest.mark.parametrize(("cores", "crowd"), [(0.5, 16), (2, 16), (8, 64)])
def test_a_crowd_is_let_in_whatever_it_brings(cores: float, crowd: int) -> None:
    with ExitStack() as held:
        assert fill(admission(cores), held, 0.6 * 10 * cores / crowd) == crowd


def test_small_pictures_may_be_a_greater_crowd() -> None:
    door = admission()
    with ExitStack() as held:
        assert fill(door, held, 0.1) == 70
        assert door.capacity_s == pytest.approx(7)
        # There is room when 16 are left, or when the others have less to do: whichever is told, it is soon.
        with pytest.raises(OverloadedError) as caught, door.admit(0.5):
            pass
        assert caught.value.retry_after == 1
    assert door.capacity_s == 20


def test_large_pictures_wait_outside_of_a_crowd() -> None:
    door = admission()
    with ExitStack() as held:
        for _ in range(16):
            held.enter_context(door.admit(0.4))
        with pytest.raises(OverloadedError), door.admit(1.0):
            pass
        with door.admit(0.5):
            pass
