"""Remembers pictures that ended a worker process, so that none of them is read over and over.

While a picture is read, its digest stands in memory that its worker shares with the supervisor. If the worker
crashes, or the kernel kills it because memory ran out, a picture that was read alone is refused for a while.
Several are suspects: a worker reads only one suspect at a time, so that the next crash tells which of them it
was, and one that is read to its end is a suspect no more. Workers that are told to end, or that a person
kills, say nothing about their pictures.
"""

from __future__ import annotations

import hashlib
import logging
import mmap
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

from crnn_ocr.errors import ImageKilledWorkerError
from crnn_ocr.runtime.cgroups import memory_kills
from crnn_ocr.scheduling.budget import Budget
from crnn_ocr.scheduling.ticket import Ticket

#: How long a picture is refused or suspected, in seconds.
REMEMBERED_S = 3600.0
#: Seconds that may pass between a kill for want of memory and the end of the worker that it met. Giving back
#: hundreds of MiB takes tenths of a second; the rest is for machines that have little time for it.
_ENDING_S = 5.0
#: Pictures that are remembered; further ones replace the oldest suspects, then the oldest of all.
MOST_KNOWN = 256
#: Pictures of a worker that are told apart; what is read beyond them is not watched.
MOST_READ = 256

_DIGEST = 16
_ROW = struct.Struct("=16sdB")  # digest, when it is forgotten, what it is
_FREE, _SUSPECT, _REFUSED = range(3)
#: Signals that the fault of a process itself sends it.
_FAULTS = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGSYS}
)

_log = logging.getLogger(__name__)


class KnownPictures:
    """The table of pictures, in memory that all processes share; only the supervisor adds to it."""

    def __init__(self, rows: Any, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Use the memory.

        Args:
            rows: Writable bytes, `MOST_KNOWN` rows.
            clock: Returns the time in seconds, the same in all processes.
        """
        self._rows = rows
        self._clock = clock

    def state(self, digest: bytes) -> int:
        """Return what is known of a picture."""
        row = self._row(digest)
        return _FREE if row is None else self._read(row)[2]

    def add(self, digest: bytes, state: int) -> None:
        """Remember a picture from now on."""
        row = self._row(digest)
        if row is None:
            row = min(range(0, len(self._rows), _ROW.size), key=self._worth)
        until = self._clock() + REMEMBERED_S
        _ROW.pack_into(self._rows, row, digest, until, _FREE)
        self._rows[row + _ROW.size - 1] = state  # last, because workers read meanwhile

    def clear(self, digest: bytes) -> None:
        """Forget a suspect; a picture that is refused stays so."""
        row = self._row(digest)
        if row is not None and self._read(row)[2] == _SUSPECT:
            self._rows[row + _ROW.size - 1] = _FREE

    def _row(self, digest: bytes) -> int | None:
        found = bytes(self._rows).find(digest)
        return found if found >= 0 and found % _ROW.size == 0 else None

    def _worth(self, row: int) -> tuple[int, float]:
        _, until, state = self._read(row)
        return state, until

    def _read(self, row: int) -> tuple[bytes, float, int]:
        digest, until, state = _ROW.unpack_from(self._rows, row)
        return (digest, until, state) if until > self._clock() else (digest, until, _FREE)


class Reading:
    """A worker's part: tells the supervisor what is read, and refuses what is known to be harmful."""

    def __init__(self, digests: Any, known: KnownPictures) -> None:
        """Use memory that is shared with the supervisor.

        Args:
            digests: The digests of the pictures in work, `MOST_READ` of them.
            known: The pictures that ended a worker.
        """
        self._digests = digests
        self._known = known
        self._free = list(range(0, MOST_READ * _DIGEST, _DIGEST))
        self._lock = threading.Lock()
        self._one_suspect = Budget(1)

    @contextmanager
    def watched(self, picture: bytes, ticket: Ticket, *, whole: bool) -> Iterator[None]:
        """Watch a picture while the block reads it; see the function `watched`."""
        digest = hashlib.blake2b(picture, digest_size=_DIGEST).digest()
        with ExitStack() as stack:
            if self._known.state(digest) == _SUSPECT:
                stack.enter_context(self._one_suspect.take(1, ticket))
            if self._known.state(digest) == _REFUSED:
                raise ImageKilledWorkerError(
                    "A process that read this picture crashed or ran out of memory a short while ago."
                )
            stack.enter_context(self._marked(digest))
            yield
            if whole:
                self._known.clear(digest)

    @contextmanager
    def _marked(self, digest: bytes) -> Iterator[None]:
        with self._lock:
            place = self._free.pop() if self._free else None
        if place is None:
            yield
            return
        self._digests[place : place + _DIGEST] = digest
        try:
            yield
        finally:
            self._digests[place : place + _DIGEST] = bytes(_DIGEST)
            with self._lock:
                self._free.append(place)


class _MemoryKills:
    """What the kernel has killed lately because memory ran out, of which workers are a part only.

    Helper processes that decode are the first to be killed, and where no control group counts, other programs
    count, too. So only kills of the last seconds can have ended a worker that ends now.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counts = [(clock(), memory_kills() or 0)]

    def look(self) -> None:
        """Note the count, at most every `_ENDING_S`; call it every second or so."""
        now = self._clock()
        if now - self._counts[-1][0] >= _ENDING_S:
            self._counts = [*self._counts[-1:], (now, memory_kills() or 0)]

    def may_have_ended_a_worker(self) -> bool:
        """Return whether there is such a kill that no worker's end has been put down to yet."""
        before = next((n for since, n in reversed(self._counts) if self._clock() - since >= _ENDING_S), None)
        if before is None:
            before = self._counts[0][1]
        if (memory_kills() or 0) <= before:
            return False
        self._counts = [(since, max(number, before + 1)) for since, number in self._counts]
        return True


class HarmfulPictures:
    """The supervisor's part; its methods are hooks of Gunicorn, but for `look`."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Make the table that all workers share.

        Args:
            clock: Returns the time in seconds, the same in all processes.
        """
        self._rows = mmap.mmap(-1, MOST_KNOWN * _ROW.size)
        self._known = KnownPictures(self._rows, clock=clock)
        self._kills = _MemoryKills(clock)

    def look(self) -> None:
        """Note what the kernel has killed; call it every second or so."""
        self._kills.look()

    def pre_fork(self, _arbiter: object, worker: Any) -> None:
        """In the supervisor, before a fork: make the memory shared with the worker."""
        worker.pictures = mmap.mmap(-1, MOST_READ * _DIGEST)

    def post_fork(self, _arbiter: object, worker: Any) -> None:
        """In a new worker: begin to tell what is read."""
        begin(Reading(worker.pictures, self._known))

    def child_exit(self, _arbiter: object, worker: Any) -> None:
        """When a worker has ended: blame what it was reading, if that may have ended it."""
        out_of_memory = worker.killed_by == signal.SIGKILL and self._kills.may_have_ended_a_worker()
        # Gunicorn aborts a worker that hangs.
        if out_of_memory or (worker.killed_by in _FAULTS and not worker.aborted):
            self.blame(bytes(worker.pictures))

    def blame(self, digests: bytes) -> None:
        """Refuse the picture that ended a worker, or suspect all that were in work.

        Args:
            digests: What the worker told.
        """
        rows = {digests[start : start + _DIGEST] for start in range(0, len(digests), _DIGEST)}
        in_work = rows - {bytes(_DIGEST)}
        guilty = {digest for digest in in_work if self._known.state(digest) != _FREE}
        if len(in_work) == 1:
            guilty = in_work
        for digest in guilty or in_work:
            self._known.add(digest, _REFUSED if guilty else _SUSPECT)
        if in_work:
            fields = {"refused": len(guilty), "suspects": 0 if guilty else len(in_work)}
            _log.warning("pictures ended a worker", extra={"fields": fields})


#: The part of this process, if it is a worker.
_reading: Reading | None = None


def begin(reading: Reading) -> None:
    """Watch all pictures that this process reads from now on."""
    global _reading
    _reading = reading


@contextmanager
def watched(picture: bytes, ticket: Ticket, *, whole: bool = True) -> Iterator[None]:
    """Watch a picture while the block reads it; in a process that is no worker nothing is watched.

    Args:
        picture: The whole file.
        ticket: The request's ticket.
        whole: Whether all of it is read, so that it is no suspect afterwards.

    Raises:
        ImageKilledWorkerError: It ended a worker.
        DeadlineExceededError: The ticket's time ran out while another suspect was read.
        RequestCancelledError: The ticket was cancelled while another suspect was read.
    """
    with nullcontext() if _reading is None else _reading.watched(picture, ticket, whole=whole):
        yield
