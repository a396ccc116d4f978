"""Ends a watcher between two steps, so that no result and no move of an original is left half done."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(KeyboardInterrupt):
    """The program has been told to stop. It passes through the engine as Ctrl+C does."""


class Stop:
    """The wish to stop, which SIGTERM and SIGINT (Ctrl+C) express.

    Attributes:
        signal: Number of the signal that came; None until one has.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._interruptible = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Notice the signals while the block runs; only the main thread of a program can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._notice) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _notice(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        if self._interruptible:
            raise Stopped

    def check(self) -> None:
        """Raise `Stopped` if a signal has come."""
        if self.signal is not None:
            raise Stopped

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal end the block at once, with `Stopped`; elsewhere it is only noticed."""
        self._interruptible = True
        try:
            self.check()
            yield
        finally:
            self._interruptible = False

    def wait(self, seconds: float) -> None:
        """Wait, or raise `Stopped` as soon as a signal comes."""
        with self.interruptible():
            time.sleep(seconds)
