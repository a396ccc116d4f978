"""How much work is let in: pure policy, no HTTP.

Work is counted in CPU seconds, estimated from the header of a picture before its pixels are decoded. The
service lets in what its cores can do within the latency budget; the rest is refused at once, with the time
after which trying again makes sense. A bounded queue keeps the answers of those who are let in early,
however many ask; an unbounded one would make everybody wait for ever longer.

Some large pictures may fill the whole queue; once a crowd is in, a third of it has to do. So a burst is let
in, and under lasting overload nobody waits much longer than where all cores are just busy.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from crnn_ocr.errors import OverloadedError

# CPU seconds of pictures with the default models and options, second look included, fitted by hand to every
# other page of the evaluation set and to blank pictures up to 24 million pixels (`python -m
# benchmarks.admission`, one thread): 8.6 s are estimated for 8.8 s measured. What a page costs depends on its
# text, which no header tells; single ones are off by a factor of up to three.
_PER_PAGE = 0.02
_PER_MEGAPIXEL = 0.9
_DENSE_MEGAPIXELS = 1.0  # beyond that, pictures are larger rather than fuller of text
_PER_FURTHER_MEGAPIXEL = 0.1
_MOST_BYTES_PER_PIXEL = 11  # 8, and a third more where they come in base64

#: So many pictures for each core, and at least in all, are a crowd …
_CROWD_PER_CORE = 8
_LEAST_CROWD = 16
#: … and then so much of the capacity is all there is. By simulation with the evaluation set's pictures: the
#: p99 at four times the load that two cores can do is 2 to 2.6 times the p50 of 16 clients; without this, 4.
_CROWDED = 0.35

#: Work that the learnt factor remembers, in estimated seconds; older work fades.
_MEMORY_S = 120.0
_PRIOR_S = 10.0
_FACTORS = (0.1, 10.0)


def estimate_seconds(pages: Iterable[tuple[int, int]]) -> float:
    """Estimate the CPU seconds that reading a document takes.

    Args:
        pages: Width and height of each page in pixels.
    """
    total = 0.0
    for width, height in pages:
        megapixels = width * height / 1e6
        dense = min(megapixels, _DENSE_MEGAPIXELS)
        total += _PER_PAGE + _PER_MEGAPIXEL * dense + _PER_FURTHER_MEGAPIXEL * (megapixels - dense)
    return total


def least_seconds(body_bytes: int) -> float:
    """Return the least CPU seconds that reading a body of so many bytes takes, as `estimate_seconds` counts.

    No usual format takes more than `_MOST_BYTES_PER_PIXEL`: 16 bits in each of four channels, not compressed.
    """
    pixels = body_bytes // _MOST_BYTES_PER_PIXEL
    return estimate_seconds([(pixels, 1)])


class Experience:
    """What finished work taught about the estimates: the ratio of CPU time spent to CPU time estimated.

    Requests share threads, so no single one knows what it cost; but the process knows its own CPU time, and
    over many requests the sums can be compared. It starts at 1, as if `_PRIOR_S` seconds had been just right.
    """

    def __init__(self) -> None:
        self._spent = _PRIOR_S
        self._estimated = _PRIOR_S

    @property
    def factor(self) -> float:
        """By how much estimates have to be multiplied."""
        low, high = _FACTORS
        return min(max(self._spent / self._estimated, low), high)

    def add(self, *, spent: float, estimated: float) -> None:
        """Take note of finished work, in seconds; earlier work fades."""
        kept = math.exp(-estimated / _MEMORY_S)
        self._spent = self._spent * kept + max(spent, 0.0)
        self._estimated = self._estimated * kept + estimated


class Admission:
    """Bounds the work that is let in at once; all threads of a process share one.

    Work that is larger than the whole capacity is let in when nothing else is there, so that nothing is
    refused for ever.
    """

    def __init__(
        self,
        capacity_s: float,
        cores: float,
        *,
        cpu_clock: Callable[[], float] = time.process_time,
        spread: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Open the door.

        Args:
            capacity_s: The most work that may be inside, in CPU seconds.
            cores: How many CPU seconds are worked off in a second.
            cpu_clock: CPU seconds that the process has spent so far.
            spread: Picks a time between two.
        """
        if not (capacity_s > 0 and cores > 0):
            raise ValueError(f"a capacity of {capacity_s} seconds on {cores} cores lets nobody in")
        self._capacity_s = capacity_s
        self._crowd = max(_LEAST_CROWD, _CROWD_PER_CORE * cores)
        self._cores = cores
        self._cpu_clock = cpu_clock
        self._spread = spread
        self._lock = threading.Lock()
        self._experience = Experience()
        self._inside: dict[object, float] = {}
        self._cpu_mark = 0.0

    @property
    def backlog_s(self) -> float:
        """Work inside, in estimated CPU seconds."""
        with self._lock:
            return sum(self._inside.values())

    @property
    def capacity_s(self) -> float:
        """The most work that may be inside now, in CPU seconds."""
        with self._lock:
            return self._capacity()

    @property
    def inside(self) -> int:
        """Pieces of work inside."""
        with self._lock:
            return len(self._inside)

    @property
    def factor(self) -> float:
        """What finished work taught: CPU time spent per CPU time estimated."""
        with self._lock:
            return self._experience.factor

    def retry_after(self, seconds: float = 0.0) -> int:
        """Whole seconds until there may be room for that much estimated work; at least 1.

        Between the time at which there is room and the one at which all work is done: if all who are refused
        were told the same, they would all come back at once, and most of them in vain.
        """
        with self._lock:
            return self._retry_after(seconds * self._experience.factor)

    def check_room(self, seconds: float) -> None:
        """Return if work of so many estimated seconds would be let in now.

        Raises:
            OverloadedError: It would not.
        """
        with self._lock:
            self._check(seconds * self._experience.factor, None)

    @contextmanager
    def admit(self, seconds: float, *, patience: float | None = None) -> Iterator[None]:
        """Hold a place for work while the block runs.

        Args:
            seconds: The work, as `estimate_seconds` says.
            patience: How long its client waits, in seconds; None: for ever.

        Raises:
            OverloadedError: There is no room, or its turn would come too late.
        """
        token = self._enter(seconds, patience)
        done = False
        try:
            yield
            done = True
        finally:
            self._leave(token, seconds if done else 0.0)

    def _enter(self, seconds: float, patience: float | None) -> object:
        with self._lock:
            charge = seconds * self._experience.factor
            self._check(charge, patience)
            if not self._inside:
                self._cpu_mark = self._cpu_clock()
            token = object()
            self._inside[token] = charge
            return token

    def _capacity(self) -> float:
        return self._capacity_s * (_CROWDED if len(self._inside) >= self._crowd else 1.0)

    def _check(self, charge: float, patience: float | None) -> None:
        backlog = sum(self._inside.values())
        too_much = backlog + charge > self._capacity()
        too_late = patience is not None and backlog / self._cores > patience
        if self._inside and (too_much or too_late):
            raise OverloadedError(
                f"The service has work for about {backlog / self._cores:.1f} seconds and takes no more.",
                retry_after=self._retry_after(charge),
            )

    def _leave(self, token: object, finished: float) -> None:
        with self._lock:
            now = self._cpu_clock()
            if finished:
                self._experience.add(spent=now - self._cpu_mark, estimated=finished)
            # Work that failed or was given up tells nothing: its time is passed over.
            self._cpu_mark = now
            del self._inside[token]

    def _retry_after(self, charge: float) -> int:
        room_at = max(0.0, self._capacity() - charge)  # the backlog at which it fits
        backlog = sum(self._inside.values())
        room, done = max(0.0, backlog - room_at) / self._cores, backlog / self._cores
        return max(1, math.ceil(self._spread(room, done)))
