"""Bounds how much of something is in use at once, whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """An amount that callers take parts of, and wait for while too much is taken.

    Something larger than the whole budget is let in when nothing else is, so nobody waits for ever.
    """

    def __init__(self, limit: int) -> None:
        """Set the limit, in any unit; at least 1."""
        if limit < 1:
            raise ValueError(f"a budget of {limit} lets nobody in")
        self._limit = limit
        self._taken = 0
        self._changed = threading.Condition()

    @contextmanager
    def take(self, amount: int) -> Iterator[None]:
        """Hold that much for as long as the block runs."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken == 0 or self._taken + amount <= self._limit)
            self._taken += amount
        try:
            yield
        finally:
            with self._changed:
                self._taken -= amount
                self._changed.notify_all()
