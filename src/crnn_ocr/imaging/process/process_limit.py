"""Limit how many decoding processes run at once, and reuse the slots of idle ones."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

from crnn_ocr.scheduling.ticket import Ticket

#: Decoding processes per Python process. Two, so that one slow document does not block all others.
MOST = 2


class Holder(Protocol):
    """An object that keeps a process between two uses, such as an open document."""

    @property
    def has_process(self) -> bool:
        """Whether it holds a process that could be released."""
        ...

    def release(self) -> Callable[[], None]:
        """Detach the process at once and return a function that ends it."""
        ...


class ProcessLimit:
    """A limit on running processes. Idle holders lose their process when another caller needs the slot."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._busy = 0
        self._idle: list[Holder] = []
        self._changed = threading.Condition()

    @contextmanager
    def slot(self, holder: Holder, ticket: Ticket) -> Iterator[None]:
        """Occupy a slot while the block runs.

        Args:
            holder: Owner of the process that is used or started in the block.
            ticket: The caller's ticket; the wait ends when it becomes invalid.

        Raises:
            DeadlineExceededError: The ticket's time ran out.
            RequestCancelledError: The ticket was cancelled.
        """
        with self._changed:
            ticket.wait(partial(self._changed.wait_for, lambda: self._busy < self._most))
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
    """Return the limit of this Python process."""
    return _current


def _renew() -> None:
    """Start with a new limit after a fork, because the parent's processes do not belong to the child."""
    global _current
    _current = ProcessLimit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
