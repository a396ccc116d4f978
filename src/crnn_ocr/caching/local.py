"""Keeps cache entries inside one process, with a size limit and a time to live.

The least recently used entry is evicted first.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

#: Overhead of an entry beside its value, in bytes: its key, the objects around it and its place in the table.
OVERHEAD = 512

#: The largest share of the store that one entry may take; a larger one would evict too many others.
LARGEST_SHARE = 0.25


class LocalStore:
    """Values by key, with a size limit and a time to live. It is safe to use from several threads."""

    def __init__(self, limit: int, ttl_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Make an empty store.

        Args:
            limit: Bytes that all entries together may take, overhead included.
            ttl_s: Time to live of an entry, in seconds.
            clock: Returns the time in seconds.
        """
        self._limit = limit
        self._ttl_s = ttl_s
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes in use, overhead included."""
        return self._size

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> bytes | None:
        """Return the value; None if it was never put, has expired or was evicted."""
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
        """Keep a value, whose time to live begins now.

        Returns:
            Whether it was kept: a value that takes more than `LARGEST_SHARE` of the store is not.
        """
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
        """Remove an entry, if there is one."""
        with self._lock:
            if key in self._entries:
                self._remove(key)

    def _remove(self, key: str) -> None:
        _, value = self._entries.pop(key)
        self._size -= len(value) + OVERHEAD
