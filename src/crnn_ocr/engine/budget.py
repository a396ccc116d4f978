"""Bounds how much of something is in use at once, whoever asks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK_S = 0.1  # how often someone who waits looks whether the wait is still worth it


class Share:
    """What somebody holds of a budget."""

    def __init__(self, budget: Budget, amount: int) -> None:
        self._budget = budget
        self.amount = amount

    def shrink(self, amount: int) -> None:
        """Keep only so much of it; more than is held changes nothing."""
        self._budget._give_back(self, min(amount, self.amount))


class Budget:
    """An amount that callers take parts of, and wait for while too much is taken.

    They are let in in the order in which they came. Something larger than the whole budget is let in when
    nothing else is, so nobody waits for ever.
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
            finally:
                self._queue.remove(share)
                self._changed.notify_all()
        try:
            yield share
        finally:
            self._give_back(share, 0)

    def _admits(self, share: Share) -> bool:
        first = self._queue[0] is share
        return first and (self._taken == 0 or self._taken + share.amount <= self._limit)

    def _give_back(self, share: Share, kept: int) -> None:
        with self._changed:
            self._taken -= share.amount - kept
            share.amount = kept
            self._changed.notify_all()
