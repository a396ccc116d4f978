"""The store inside one process: bounded in bytes and in time; what was not used for longest goes first."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

#: What an entry costs beside its value: the key, the objects around it and its place in the table, in bytes.
OVERHEAD = 512

#: Of the whole store, what a single entry may take; a larger one would push out too many others.
LARGEST_SHARE = 0.25


class LocalStore:
    """Values by key, for as long as there is room and time; may be used by many threads at once."""

    def __init__(self, limit: int, ttl_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Make an empty store.

        Args:
            limit: Bytes that all entries together may take, overhead included.
            ttl_s: Seconds that an entry is kept.
            clock: Tells the time in seconds.
        """
        self._limit = limit
        self._ttl_s = ttl_s
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes that are taken, overhead included."""
        return self._size

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> bytes | None:
        """The value, unless it was never put, is too old or had to make room."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if self._clock() >= entry[0]:
                self._remove(key)
                return None
            self._entries.move_to_end(key)
            return entry[1]

    def put(self, key: str, value: bytes) -> bool:
        """Keep a value, whose time begins now; tell whether there is room for it at all."""
        cost = len(value) + OVERHEAD
        with self._lock:
            if key in self._entries:
                self._remove(key)
            if cost > self._limit * LARGEST_SHARE:
                return False
            while self._size + cost > self._limit:
                self._remove(next(iter(self._entries)))
            self._entries[key] = (self._clock() + self._ttl_s, value)
            self._size += cost
            return True

    def drop(self, key: str) -> None:
        """Forget an entry, if there is one."""
        with self._lock:
            if key in self._entries:
                self._remove(key)

    def _remove(self, key: str) -> None:
        _, value = self._entries.pop(key)
        self._size -= len(value) + OVERHEAD
