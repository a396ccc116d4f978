"""How many processes for PDFs there are at once, and who gives its own up for whom."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

#: Processes of this process: one document that keeps its own busy shall not stop all others.
MOST = 2

_LOOK_S = 0.05  # how often someone who waits looks whether the wait is still worth it


class Holder(Protocol):
    """Somebody who keeps a process from one use to the next."""

    @property
    def has_process(self) -> bool:
        """Whether there is something to give up."""
        ...

    def release(self) -> Callable[[], None]:
        """Forget the process at once; returns what ends it."""
        ...


class ProcessLimit:
    """Lets so many work at once. Who does not work keeps the process only while nobody needs the place."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._busy = 0
        self._idle: list[Holder] = []
        self._changed = threading.Condition()

    @contextmanager
    def slot(self, holder: Holder, check: Callable[[], None]) -> Iterator[None]:
        """Hold a place while the block runs.

        Args:
            holder: Whose process is used, or started, in the block.
            check: Called now and then while waiting; what it raises ends the wait.
        """
        with self._changed:
            while not self._changed.wait_for(lambda: self._busy < self._most, _LOOK_S):
                check()
            self._busy += 1
            others = [other for other in self._idle if other is not holder and other.has_process]
            room = self._most - self._busy
            ends = [other.release() for other in others[: max(0, len(others) - room)]]
            self._idle = others[len(ends) :]
        try:
            for end in ends:
                end()
            yield
        finally:
            with self._changed:
                self._busy -= 1
                if holder.has_process:
                    self._idle.append(holder)
                self._changed.notify()


_current = ProcessLimit()


def current() -> ProcessLimit:
    """Those of this process."""
    return _current


def _renew() -> None:
    """After a fork: what the other process holds is not held here."""
    global _current
    _current = ProcessLimit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
