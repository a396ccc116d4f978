"""Limits how much of something, such as memory, may be in use at once."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from crnn_ocr.scheduling.ticket import Ticket

_MOST_PASS = 8  # how many later callers may overtake one that waits


class Share:
    """The part of a budget that a caller holds.

    Attributes:
        amount: How much is held, in the budget's unit.
        passed: How many later callers have overtaken it while it waited.
        background: Whether all others may overtake it.
    """

    def __init__(self, budget: Budget, amount: int, *, background: bool = False) -> None:
        self._budget = budget
        self.amount = amount
        self.passed = 0
        self.background = background

    def shrink(self, amount: int) -> None:
        """Give back everything above that amount; an amount above the one held changes nothing."""
        self._budget._give_back(self, min(amount, self.amount))


class Budget:
    """An amount of which callers take shares; they wait while too much is taken.

    Callers are served in the order of arrival, but a few that want little may overtake one that wants more
    than is free. A caller that wants more than the whole budget is served when nobody else holds a share, so
    no caller waits for ever. It is safe to use from several threads.
    """

    def __init__(self, limit: int) -> None:
        """Set the limit.

        Args:
            limit: The whole amount, at least 1, in any unit.

        Raises:
            ValueError: The limit is below 1.
        """
        if limit < 1:
            raise ValueError(f"a budget of {limit} lets nobody in")
        self._limit = limit
        self._taken = 0
        self._queue: deque[Share] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def take(self, amount: int, ticket: Ticket, *, background: bool = False) -> Iterator[Share]:
        """Hold a share while the block runs; the block may shrink it.

        Args:
            amount: How much to take.
            ticket: The caller's ticket; the wait ends when it becomes invalid.
            background: Whether the caller waits until nobody else does.

        Raises:
            DeadlineExceededError: The ticket's time ran out.
            RequestCancelledError: The ticket was cancelled.
        """
        share = Share(self, amount, background=background)
        with self._changed:
            self._queue.append(share)
            try:
                ticket.wait(partial(self._changed.wait_for, lambda: self._admits(share)))
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

    def contended(self) -> bool:
        """Return whether somebody waits who is not in the background."""
        with self._changed:
            return any(not share.background for share in self._queue)

    def _admits(self, share: Share) -> bool:
        fits = self._taken == 0 or self._taken + share.amount <= self._limit
        if share.background and any(not other.background for other in self._queue):
            return False
        return fits and all(earlier.passed < _MOST_PASS for earlier in self._before(share))

    def _before(self, share: Share) -> Iterator[Share]:
        """Yield the shares that have waited longer, and that it may not overtake at will."""
        earlier = itertools.takewhile(lambda other: other is not share, self._queue)
        return (other for other in earlier if share.background or not other.background)

    def _give_back(self, share: Share, kept: int) -> None:
        with self._changed:
            self._taken -= share.amount - kept
            share.amount = kept
            self._changed.notify_all()
