"""Bounds how much of something is in use at once, whoever asks."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_MOST_PASS = 8  # so many may be let in before one that came earlier
_LOOK_S = 0.1  # how often someone who waits looks whether the wait is still worth it


class Share:
    """What somebody holds of a budget."""

    def __init__(self, budget: Budget, amount: int) -> None:
        self._budget = budget
        self.amount = amount
        self.passed = 0  # by so many while it waited

    def shrink(self, amount: int) -> None:
        """Keep only so much of it; more than is held changes nothing."""
        self._budget._give_back(self, min(amount, self.amount))


class Budget:
    """An amount that callers take parts of, and wait for while too much is taken.

    They are let in in the order in which they came, but a few smaller ones may pass a large one that finds no
    room yet. Something larger than the whole budget is let in when nothing else is, so nobody waits for ever.
    """

    def __init__(self, limit: int) -> None:
        """Set the limit, in any unit; at least 1."""
        if limit < 1:
            raise ValueError(f"a budget of {limit} lets nobody in")
        self._limit = limit
        self._taken = 0
        self._queue: deque[Share] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def take(self, amount: int, check: Callable[[], None] = lambda: None) -> Iterator[Share]:
        """Hold that much for as long as the block runs, or less from some point on.

        Args:
            amount: How much.
            check: Called now and then while waiting; what it raises ends the wait.
        """
        share = Share(self, amount)
        with self._changed:
            self._queue.append(share)
            try:
                while not self._changed.wait_for(lambda: self._admits(share), _LOOK_S):
                    check()
                self._taken += amount
                for earlier in self._before(share):
                    earlier.passed += 1
            finally:
                self._queue.remove(share)
                self._changed.notify_all()
        try:
            yield share
        finally:
            self._give_back(share, 0)

    def _admits(self, share: Share) -> bool:
        fits = self._taken == 0 or self._taken + share.amount <= self._limit
        return fits and all(earlier.passed < _MOST_PASS for earlier in self._before(share))

    def _before(self, share: Share) -> Iterator[Share]:
        """Those who wait for longer."""
        return itertools.takewhile(lambda earlier: earlier is not share, self._queue)

    def _give_back(self, share: Share, kept: int) -> None:
        with self._changed:
            self._taken -= share.amount - kept
            share.amount = kept
            self._changed.notify_all()
