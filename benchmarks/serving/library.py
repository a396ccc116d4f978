"""Measures what the library alone needs for the pictures, and what it reads, as a reference for services."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.engines import ENGINES, OURS, Worker
from benchmarks.serving.clients import Run
from benchmarks.serving.pictures import Picture


@dataclass
class Library:
    """Readings of the library, one by one in a process of its own.

    Attributes:
        cpu_s: CPU seconds per picture, by its name; the mean of all times that it was read.
        texts: what was read, by its name.
    """

    cpu_s: dict[str, float]
    texts: dict[str, tuple[str, ...]]

    @classmethod
    def measure(cls, pictures: Sequence[Picture], *, rounds: int = 1) -> Library:
        """Read all pictures that many times, after one warm-up."""
        cpu: dict[str, float] = dict.fromkeys((picture.name for picture in pictures), 0.0)
        texts: dict[str, tuple[str, ...]] = {}
        with tempfile.TemporaryDirectory() as folder, Worker(ENGINES[OURS]) as worker:
            paths = []
            for number, picture in enumerate(pictures):
                paths.append(Path(folder, str(number)))
                paths[-1].write_bytes(picture.data)
            worker.read(max(paths, key=lambda path: path.stat().st_size))
            for _ in range(rounds):
                for picture, path in zip(pictures, paths, strict=True):
                    reading = worker.read(path)
                    cpu[picture.name] += reading.cpu_s / rounds
                    texts[picture.name] = reading.texts
        return cls(cpu, texts)

    def add(self, other: Library) -> None:
        """Add a second measurement of the same pictures, made at another time of the run."""
        for name, seconds in other.cpu_s.items():
            self.cpu_s[name] = (self.cpu_s[name] + seconds) / 2

    def work(self, run: Run) -> float:
        """Return the CPU seconds that the library alone needs for what the service has read."""
        return sum(self.cpu_s[outcome.picture.name] for outcome in run.read)

    def efficiency(self, run: Run, cores: int) -> float:
        """Return pictures per second × the library's CPU seconds per picture ÷ cores; 1 is the best."""
        return self.work(run) / run.wall_s / cores

    def overhead(self, run: Run) -> float:
        """Return the service's CPU time over the library's for the same pictures."""
        work = self.work(run)
        return run.cpu_s / work if work else float("nan")

    def wrong(self, run: Run) -> list[str]:
        """Return the names of the pictures whose answer was not the library's."""
        return [o.picture.name for o in run.read if o.texts != self.texts[o.picture.name]]
