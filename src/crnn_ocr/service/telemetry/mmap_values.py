"""Values of metrics in files that all processes of a service read, and that no full disk makes deadly.

`prometheus_client` maps sparse files into memory, and writing to such memory where the disk has no room left
ends the process with SIGBUS. /dev/shm is small in containers, and others use it too. So here the room of a
file is reserved before it is mapped. Where there is none, values stay in the memory of their process until
there is.
"""

from __future__ import annotations

import logging
import mmap
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock
from typing import Any

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from crnn_ocr.service.telemetry.metrics_folder import FIRST_BYTES, make_file

#: Where there was no room, it is asked for again after so many seconds.
RETRY_S = 10.0

_log = logging.getLogger(__name__)


def install(folder: Path | None) -> None:
    """Decide where the values of metrics are kept that this process makes from now on.

    Args:
        folder: Of the files that the processes share; None: in the process's own memory.
    """
    current = values.ValueClass
    if folder is None:
        if isinstance(current, SharedValues):
            values.ValueClass = values.MutexValue
    elif not (isinstance(current, SharedValues) and current.belongs_to(folder)):
        values.ValueClass = SharedValues(folder)


def unshared() -> bool:
    """Whether values of this process should be shared and are not, for want of room."""
    current = values.ValueClass
    return isinstance(current, SharedValues) and current.failing


class ReservedDict(MmapedDict):
    """A file of values in which every byte has its place on the disk before it is written.

    Its methods raise `OSError` where there is no room; what was there before stays as it was.
    """

    def __init__(self, path: Path) -> None:
        """Open a file, or make it."""
        if path.exists():
            with path.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, max(FIRST_BYTES, path.stat().st_size))
        else:
            make_file(path)
        super().__init__(str(path))  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        """Make a place for a value, as the base class does once there is room."""
        length = len(key.encode())
        padding = 8 - (length + 4) % 8
        needed = self._used + 4 + length + padding + 16
        capacity = self._capacity
        while capacity < needed:
            capacity *= 2
        if capacity > self._capacity:
            os.posix_fallocate(self._f.fileno(), 0, capacity)
            self._m = mmap.mmap(self._f.fileno(), capacity)
            self._capacity = capacity
        super()._init_value(key)  # type: ignore[no-untyped-call]


class SharedValue:
    """One value, with the methods that metrics ask for."""

    __slots__ = ("_home", "changed", "key", "kind", "placed", "time", "value")
    _multiprocess = True

    def __init__(self, home: SharedValues, kind: str, key: str) -> None:
        """Begin at 0."""
        self._home = home
        self.kind = kind
        self.key = key
        self.value = 0.0
        self.time = 0.0
        self.changed = False
        self.placed = False

    def inc(self, amount: float) -> None:
        """Add to the value."""
        with self._home.lock:
            self.value += amount
            self.time = 0.0
            self.changed = True
            self._home.keep(self)

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Replace the value."""
        with self._home.lock:
            self.value = value
            self.time = timestamp or 0.0
            self.changed = True
            self._home.keep(self)

    def get(self) -> float:
        """The value in this process."""
        return self.value

    def set_exemplar(self, exemplar: object) -> None:
        """Exemplars are not shared."""

    def get_exemplar(self) -> None:
        """Exemplars are not shared."""


class SharedValues:
    """Makes the values of one process and keeps them in its files; takes the place of a class."""

    def __init__(
        self, folder: Path, *, retry_s: float = RETRY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare; files are opened when they are needed.

        Args:
            folder: Of the files.
            retry_s: How often room is asked for where there was none.
            clock: Tells the time in seconds; it never goes back.
        """
        self.lock = Lock()
        self.failing = False
        self._folder = folder
        self._pid = os.getpid()
        self._retry_s = retry_s
        self._clock = clock
        self._retry_at = 0.0
        self._files: dict[str, ReservedDict] = {}
        self._waiting: list[SharedValue] = []

    def belongs_to(self, folder: Path) -> bool:
        """Whether it keeps the values of the running process in that folder; a forked one has others."""
        return (self._folder, self._pid) == (folder, os.getpid())

    def __call__(
        self,
        typ: str,
        metric_name: str,
        name: str,
        labelnames: Iterable[str],
        labelvalues: Iterable[str],
        help_text: str,
        multiprocess_mode: str = "",
        **_others: Any,
    ) -> SharedValue:
        """Make a value; where this process has one of the same name already, it goes on from there."""
        kind = f"{typ}_{multiprocess_mode}" if typ == "gauge" else typ
        value = SharedValue(self, kind, mmap_key(metric_name, name, [*labelnames], [*labelvalues], help_text))
        with self.lock:
            self._waiting.append(value)
            self.keep(value)
        return value

    def keep(self, value: SharedValue) -> None:
        """Write a value where the others see it, as soon as there is room; the lock is held."""
        if value.placed:
            self._files[value.kind].write_value(value.key, value.value, value.time)  # type: ignore[no-untyped-call]
        elif self._clock() >= self._retry_at:
            self._place()

    def _place(self) -> None:
        """Find places for all that have none."""
        while self._waiting:
            value = self._waiting[-1]
            try:
                file = self._open(value.kind)
                before, _ = file.read_value(value.key)  # type: ignore[no-untyped-call]
            except OSError as error:
                self._retry_at = self._clock() + self._retry_s
                if not self.failing:
                    self.failing = True
                    reason = {"folder": self._folder, "reason": error.strerror}
                    _log.warning("no room for metrics: not shared", extra={"fields": reason})
                return
            if not value.kind.startswith("gauge"):
                value.value += before
            elif not value.changed:
                value.value = before
            value.placed = True
            self._waiting.pop()
            self.keep(value)
        if self.failing:
            self.failing = False
            _log.warning("room for metrics: shared again", extra={"fields": {"folder": self._folder}})

    def close(self) -> None:
        """Close the files; what was counted stays in them."""
        with self.lock:
            for file in self._files.values():
                file.close()  # type: ignore[no-untyped-call]
            self._files.clear()

    def _open(self, kind: str) -> ReservedDict:
        file = self._files.get(kind)
        if file is None:
            file = self._files[kind] = ReservedDict(self._folder / f"{kind}_{self._pid}.db")
        return file
