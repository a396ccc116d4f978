"""Measures the processor time and memory of a process tree, read from ``/proc``."""

from __future__ import annotations

import os
import re
import statistics
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


def tree(pid: int) -> Iterator[int]:
    """Return a process and its descendants."""
    yield pid
    try:
        lists = [path.read_text(encoding="ascii") for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except _GONE:
        return
    for children in lists:
        for child in children.split():
            yield from tree(int(child))


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a tree, user and system, with the children that have ended."""
    ticks = 0
    for member in tree(pid):
        try:
            stat = Path(f"/proc/{member}/stat").read_text(encoding="ascii")
        except _GONE:
            continue
        fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks
        ticks += sum(map(int, fields[11:15]))  # utime stime cutime cstime, proc(5)
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """Memory of a tree in bytes.

    Attributes:
        pss: what is resident, pages that processes share counted once.
        rss: what is resident, shared pages counted for each process.
        peak_rss: sum of the largest sizes that the processes ever had; an upper bound of the tree's own.
    """

    pss: int
    rss: int
    peak_rss: int


def memory(pid: int) -> Memory:
    """Return the memory of a tree now."""
    pss = rss = peak = 0
    for member in tree(pid):
        try:
            rollup = Path(f"/proc/{member}/smaps_rollup").read_text(encoding="ascii")
            status = Path(f"/proc/{member}/status").read_text(encoding="ascii")
        except _GONE:
            continue
        pss += _kib(rollup, "Pss")
        rss += _kib(rollup, "Rss")
        peak += _kib(status, "VmHWM")
    return Memory(pss, rss, peak)


def _kib(text: str, name: str) -> int:
    match = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


class PeakWatch:
    """Thread that samples the memory of a tree, and keeps the largest and the mean sum.

    Args:
        pid: Root of the tree.
        interval: Seconds between two looks. A look costs the kernel some tenths of a millisecond per process.
    """

    def __init__(self, pid: int, *, interval: float = 0.1) -> None:
        self._pid = pid
        self._interval = interval
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._seen: list[int] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def take(self) -> tuple[int, float]:
        """Return the largest and the mean PSS since the last call, in bytes."""
        now = memory(self._pid).pss
        with self._lock:
            seen, self._seen = [*self._seen, now], []
        return max(seen), statistics.fmean(seen)

    def _run(self) -> None:
        while not self._over.wait(self._interval):
            now = memory(self._pid).pss
            with self._lock:
                self._seen.append(now)
