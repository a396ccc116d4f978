"""Decides whether work is accepted, without HTTP.

Work is measured in CPU seconds, estimated from the header of a picture before its pixels are decoded. The
service accepts what its cores can do within the latency budget, and refuses the rest at once, with the time
after which to try again. Because the queue is bounded, accepted requests are answered soon, however many
arrive; in an unbounded queue everybody would wait longer and longer.

A few large pictures may fill the whole queue; with many requests in it, its capacity is about a third. So a
burst is accepted, and under lasting overload the wait is not much longer than with all cores just busy.
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
# benchmarks.serving.admission`, one thread): 8.6 s are estimated for 8.8 s measured. What a page costs
# depends on its text, which no header shows; single estimates are off by a factor of up to three.
_PER_PAGE = 0.02
_PER_MEGAPIXEL = 0.9
_DENSE_MEGAPIXELS = 1.0  # larger pictures have larger text rather than more of it
_PER_FURTHER_MEGAPIXEL = 0.1
_MOST_BYTES_PER_PIXEL = 11  # 8, and a third more in base64

#: Accepted pictures per core from which on the capacity is reduced, and their least number in total …
_CROWD_PER_CORE = 8
_LEAST_CROWD = 16
#: … and the share of the capacity that is left then. In a simulation with the evaluation set's pictures, the
#: p99 at four times the load that two cores can do is 2 to 2.6 times the p50 of 16 clients; without this, 4.
_CROWDED = 0.35

#: Amount of recent work that determines the correction factor, in estimated seconds.
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
    """Return the least CPU seconds that reading a body of so many bytes can take.

    No usual format takes more than `_MOST_BYTES_PER_PIXEL`: 16 bits in each of four channels, not compressed.
    """
    pixels = body_bytes // _MOST_BYTES_PER_PIXEL
    return estimate_seconds([(pixels, 1)])


class Experience:
    """Running ratio of the CPU time spent to the CPU time estimated.

    Requests share threads, so the cost of a single one is not known; but the CPU time of the process is, and
    over many requests the sums can be compared. The ratio starts at 1, with a weight of `_PRIOR_S` seconds.
    """

    def __init__(self) -> None:
        self._spent = _PRIOR_S
        self._estimated = _PRIOR_S

    @property
    def factor(self) -> float:
        """Factor by which estimates have to be multiplied."""
        low, high = _FACTORS
        return min(max(self._spent / self._estimated, low), high)

    def add(self, *, spent: float, estimated: float) -> None:
        """Add finished work, in seconds; the weight of earlier work decreases."""
        kept = math.exp(-estimated / _MEMORY_S)
        self._spent = self._spent * kept + max(spent, 0.0)
        self._estimated = self._estimated * kept + estimated


class Admission:
    """Limit of the work that is accepted at a time, shared by all threads of a process.

    Work that exceeds the whole capacity is accepted when there is no other, so that nothing is refused for
    ever.
    """

    def __init__(
        self,
        capacity_s: float,
        cores: float,
        *,
        cpu_clock: Callable[[], float] = time.process_time,
        spread: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Set the capacity.

        Args:
            capacity_s: The most work that may be accepted at a time, in CPU seconds.
            cores: Number of cores that do the work.
            cpu_clock: Returns the CPU seconds that the process has spent so far.
            spread: Returns a random number between two.
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
        """Accepted work that is not finished, in estimated CPU seconds."""
        with self._lock:
            return sum(self._inside.values())

    @property
    def capacity_s(self) -> float:
        """The most work that may be accepted now, in CPU seconds."""
        with self._lock:
            return self._capacity()

    @property
    def inside(self) -> int:
        """Number of accepted requests that are not finished."""
        with self._lock:
            return len(self._inside)

    @property
    def factor(self) -> float:
        """CPU time spent per CPU time estimated, from recent work."""
        with self._lock:
            return self._experience.factor

    def retry_after(self, seconds: float = 0.0) -> int:
        """Return the whole seconds until that much estimated work may be accepted; at least 1.

        It is a random time between the one at which there is capacity and the one at which all work is done:
        if all refused clients got the same time, they would come back together, and most of them in vain.
        """
        with self._lock:
            return self._retry_after(seconds * self._experience.factor)

    def check_room(self, seconds: float) -> None:
        """Return if work of so many estimated seconds would be accepted now.

        Raises:
            OverloadedError: It would not.
        """
        with self._lock:
            self._check(seconds * self._experience.factor, None)

    @contextmanager
    def admit(self, seconds: float, *, patience: float | None = None) -> Iterator[None]:
        """Reserve capacity for work while the block runs.

        Args:
            seconds: The work, as estimated by `estimate_seconds`.
            patience: Seconds that its client waits; None for no limit.

        Raises:
            OverloadedError: There is too little capacity, or the work would start too late.
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
            # The time of work that failed or was cancelled says nothing about the estimates.
            self._cpu_mark = now
            del self._inside[token]

    def _retry_after(self, charge: float) -> int:
        room_at = max(0.0, self._capacity() - charge)  # the backlog at which the work is accepted
        backlog = sum(self._inside.values())
        room, done = max(0.0, backlog - room_at) / self._cores, backlog / self._cores
        return max(1, math.ceil(self._spread(room, done)))
