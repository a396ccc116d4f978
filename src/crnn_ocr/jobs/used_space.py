"""Keeps the total size of the files of jobs, so that a quota need not count all files for each one.

A total that is only added to and subtracted from drifts: processes are killed between the two, and people
delete files. So the files are counted anew now and then, the more often the fuller the store is, and always
before a file is refused.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from crnn_ocr.errors import JobStorageFullError

#: Seconds between two counts of an empty store; the time shrinks with the room that is left.
RECOUNT_S = 600.0
#: Seconds for which a count is trusted even where the store is full: a full store is not counted for each
#: file that it refuses.
TRUSTED_S = 10.0
#: What file systems answer that have no locks.
_NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})


@dataclass(slots=True)
class Total:
    """Bytes of all files, and when they were counted, in seconds; never, if that is negative."""

    size: int = 0
    counted: float = -1.0


class UsedSpace(ABC):
    """Total size of the files of a store, and its limit. It is safe to use from several threads."""

    def __init__(
        self,
        count: Callable[[], int],
        *,
        quota: int,
        clock: Callable[[], float],
        recount_s: float = RECOUNT_S,
    ) -> None:
        """Set the limit.

        Args:
            count: Counts the bytes of all files.
            quota: Most bytes of all files together.
            clock: Returns the time in seconds.
            recount_s: Seconds between two counts of an empty store.
        """
        self._count = count
        self._quota = quota
        self._clock = clock
        self._recount_s = recount_s

    @abstractmethod
    def _held(self) -> AbstractContextManager[Total]:
        """Let nobody else see or change the total while the block runs, which may change it."""

    def take(self, size: int) -> None:
        """Add bytes that are about to be written.

        Raises:
            JobStorageFullError: There is no room for them.
        """
        with self._held() as total:
            self._refresh(total)
            if total.size + size > self._quota and self._age(total) > TRUSTED_S:
                self._recount(total)
            if total.size + size > self._quota:
                raise JobStorageFullError("The files of all jobs take up the space set for them.")
            total.size += size

    def give(self, size: int) -> None:
        """Subtract bytes of files that are gone."""
        with self._held() as total:
            total.size = max(0, total.size - size)

    def size(self) -> int:
        """Return the bytes of all files."""
        with self._held() as total:
            self._refresh(total)
            return total.size

    def _refresh(self, total: Total) -> None:
        room = max(0.0, 1.0 - total.size / self._quota)
        if self._age(total) > max(TRUSTED_S, self._recount_s * room):
            self._recount(total)

    def _age(self, total: Total) -> float:
        age = self._clock() - total.counted
        return age if total.counted >= 0 and age >= 0 else float("inf")  # the clock may have been set back

    def _recount(self, total: Total) -> None:
        total.size, total.counted = self._count(), self._clock()


class OwnUsedSpace(UsedSpace):
    """Total that this process keeps for itself; it learns what others wrote when it counts."""

    def __init__(
        self,
        count: Callable[[], int],
        *,
        quota: int,
        clock: Callable[[], float] = time.monotonic,
        recount_s: float = RECOUNT_S,
    ) -> None:
        """Set the limit, see `UsedSpace`."""
        super().__init__(count, quota=quota, clock=clock, recount_s=recount_s)
        self._lock = threading.Lock()
        self._total = Total()

    @contextmanager
    def _held(self) -> Iterator[Total]:
        with self._lock:
            yield self._total


class SharedUsedSpace(UsedSpace):
    """Total in a small file, which all processes share that use the folder."""

    def __init__(
        self,
        path: Path,
        count: Callable[[], int],
        *,
        quota: int,
        clock: Callable[[], float] = time.time,
        recount_s: float = RECOUNT_S,
    ) -> None:
        """Set the file, which is made if it does not exist, and the limit, see `UsedSpace`."""
        super().__init__(count, quota=quota, clock=clock, recount_s=recount_s)
        self._path = path

    @contextmanager
    def _held(self) -> Iterator[Total]:
        # Opened each time: locks of one descriptor would not keep threads of one process apart.
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            except OSError as error:
                if error.errno not in _NO_LOCKS:  # without locks the total drifts more, until it is counted
                    raise
            total = _parse(os.pread(descriptor, 64, 0))
            before = (total.size, total.counted)
            try:
                yield total
            finally:
                if (total.size, total.counted) != before:
                    text = f"{total.size} {total.counted:.3f}\n".encode()
                    os.pwrite(descriptor, text, 0)
                    os.ftruncate(descriptor, len(text))  # one that is damaged is counted anew
        finally:
            os.close(descriptor)


def _parse(text: bytes) -> Total:
    with suppress(ValueError):
        size, counted = text.split()
        return Total(int(size), float(counted))
    return Total()
