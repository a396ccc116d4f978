"""Measures what a running service reads and takes: rows of the sizing table in docs/operations.md.

    python -m benchmarks.sizing [--url http://127.0.0.1:5000] [--key KEY] [--pictures FOLDER]

The service may run anywhere, in a container or a pod with whatever limits are to be measured: all figures
but the times come from its own `/metrics`. It is sent pictures of FOLDER, or else pages and lines of the
evaluation set, by as many clients as keep its cores busy; answers are not taken from its cache. With `--want`
the number of such services for so many pictures per second is printed too.

Pictures per core second are pictures per second of CPU time: they are right on a busy machine as well.
Pictures per second on the clock are right only where nothing else computes.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.harness import report

MIB = 1024 * 1024
#: Use of the cores that is planned with: what is left takes the peaks.
PLANNED_USE = 0.7
_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
_LOOK_S = 1.0


class SizingError(Exception):
    """The service cannot be measured; the message says why."""


@dataclass(frozen=True)
class Look:
    """What `/metrics` says at a time.

    Attributes:
        cpu_s: processor seconds of the workers so far.
        memory: resident bytes of all processes; pages that they share count for each.
        memory_limit: bytes that the service may use.
        cores: that networks are run on; a fraction is rounded up.
        workers: processes that serve.
        pages: read so far.
    """

    cpu_s: float
    memory: float
    memory_limit: float
    cores: int
    workers: int
    pages: float

    @classmethod
    def parse(cls, text: str) -> Look:
        """Read the answer to `GET /metrics`.

        Raises:
            SizingError: It is of another service.
        """
        sums: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
        try:
            return cls(
                sums["crnn_ocr_cpu_seconds_total"],
                sums["crnn_ocr_memory_resident_bytes"],
                sums["crnn_ocr_memory_limit_bytes"],
                round(sums["crnn_ocr_cores"]),
                round(sums["crnn_ocr_workers"]),
                sums.get("crnn_ocr_pages_total", 0.0),
            )
        except KeyError as missing:
            raise SizingError(f"/metrics has no {missing}") from None


class Target:
    """The service that is measured."""

    def __init__(self, url: str, key: str | None = None) -> None:
        """Set the address.

        Args:
            url: Where it is, such as `http://127.0.0.1:5000`.
            key: An API key, where it asks for one.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SizingError(f"{url!r} is no http or https URL")
        self._secure = parts.scheme == "https"
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path.rstrip("/")
        self._headers = {"X-API-Key": key} if key else {}

    @contextmanager
    def connected(self) -> Iterator[HTTPConnection]:
        """Open a connection, and close it in the end."""
        kind = HTTPSConnection if self._secure else HTTPConnection
        with closing(kind(self._host, self._port, timeout=180)) as connection:
            yield connection

    def look(self) -> Look:
        """Ask for the metrics.

        Raises:
            SizingError: There are none.
        """
        try:
            with self.connected() as connection:
                connection.request("GET", f"{self._path}/metrics", headers=self._headers)
                answer = connection.getresponse()
                text = answer.read().decode("utf-8", "replace")
        except (OSError, HTTPException) as error:
            raise SizingError(f"no answer from {self._host}: {error}") from None
        if answer.status != 200:
            raise SizingError(f"/metrics answers {answer.status}: is CRNN_OCR_METRICS on, and the key right?")
        return Look.parse(text)

    def read(self, connection: HTTPConnection, picture: bytes) -> int:
        """Send a picture, and return the status of the answer."""
        headers = {**self._headers, "Content-Type": "application/octet-stream", "Cache-Control": "no-store"}
        connection.request("POST", f"{self._path}/ocr", picture, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


@dataclass(frozen=True)
class Sizing:
    """What was measured.

    Attributes:
        statuses: how many answers had each status.
        seconds: of every picture that was read.
        wall_s: from the first request to the last answer.
        before: the service before the load.
        after: the service after it.
        peak: most resident bytes that were seen meanwhile.
    """

    statuses: dict[int, int]
    seconds: list[float]
    wall_s: float
    before: Look
    after: Look
    peak: float

    @property
    def cpu_s(self) -> float:
        """Processor seconds that the load took."""
        return self.after.cpu_s - self.before.cpu_s

    @property
    def per_second(self) -> float:
        """Pictures per second on the clock."""
        return len(self.seconds) / self.wall_s

    @property
    def per_core_second(self) -> float:
        """Pictures per second of one core."""
        return len(self.seconds) / self.cpu_s if self.cpu_s else math.nan

    def latency(self, share: float) -> float:
        """Return the seconds within which that share of the pictures was read; NaN if none was."""
        times = sorted(self.seconds)
        return times[min(len(times) - 1, int(share * len(times)))] if times else math.nan

    def services_for(self, wanted: float) -> int:
        """Return how many such services read that many pictures per second, with room for peaks."""
        return math.ceil(wanted / (self.per_second * PLANNED_USE))

    def row(self, name: str) -> list[str]:
        """Return the cells for `HEADER`."""
        return [
            name,
            f"{self.per_second:.2f}",
            f"{self.per_core_second:.2f}",
            f"{self.cpu_s / self.wall_s:.2f}",
            f"{self.latency(0.5):.2f}",
            f"{self.latency(0.95):.2f}",
            f"{self.before.memory / MIB:.0f}",
            f"{self.peak / MIB:.0f}",
            f"{self.after.memory_limit / MIB:.0f}",
        ]


HEADER = [
    "service", "pictures/s", "pictures per core second", "cores used", "p50 s", "p95 s", "MiB before",
    "MiB at most", "MiB allowed",
]  # fmt: skip


def measure(
    target: Target, pictures: Sequence[bytes], *, count: int, clients: int, look_s: float = _LOOK_S
) -> Sizing:
    """Send pictures over and over in the same order, from clients that each wait for their answer.

    Args:
        target: The service.
        pictures: What is sent.
        count: How many requests.
        clients: How many at a time.
        look_s: Time between two looks at the memory.

    Raises:
        SizingError: The service does not answer, or reads nothing.
    """
    _warm_up(target, pictures[0])
    before = target.look()
    queue = itertools.islice(itertools.cycle(pictures), count)
    lock = threading.Lock()
    over = threading.Event()
    statuses: dict[int, int] = {}
    seconds: list[float] = []
    peaks = [before.memory]

    def work() -> None:
        with target.connected() as connection:
            while True:
                with lock:
                    picture = next(queue, None)
                if picture is None:
                    return
                started = time.monotonic()
                status = target.read(connection, picture)
                with lock:
                    statuses[status] = statuses.get(status, 0) + 1
                    if status == 200:
                        seconds.append(time.monotonic() - started)

    def watch() -> None:
        while not over.wait(look_s):
            peaks.append(target.look().memory)

    start = time.monotonic()
    with ThreadPoolExecutor(clients + 1) as pool:
        watching = pool.submit(watch)
        working = [pool.submit(work) for _ in range(clients)]
        try:
            for each in working:
                each.result()
        except (OSError, HTTPException) as error:
            raise SizingError(f"the service does not answer any more: {error}") from None
        finally:
            over.set()
        wall = time.monotonic() - start
        watching.result()
    after = target.look()
    if not seconds:
        raise SizingError(f"nothing was read: {statuses}")
    return Sizing(statuses, seconds, wall, before, after, max(*peaks, after.memory))


def _warm_up(target: Target, picture: bytes) -> None:
    """Send one picture, so that no model is loaded within the measured time."""
    try:
        with target.connected() as connection:
            status = target.read(connection, picture)
    except (OSError, HTTPException) as error:
        raise SizingError(f"no answer: {error}") from None
    if status == 401:
        raise SizingError("the service asks for an API key: give one with --key or CRNN_OCR_API_KEY")


def _pictures(folder: Path | None) -> list[bytes]:
    if folder is None:
        from benchmarks.serving import pictures

        return [picture.data for picture in pictures.capacity_mix(quick=False)]
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not found:
        raise SizingError(f"{folder} holds no pictures")
    return [path.read_bytes() for path in found]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 if the service cannot be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:5000", help="the service (%(default)s)")
    parser.add_argument(
        "--key", default=os.environ.get("CRNN_OCR_API_KEY"), help="API key (CRNN_OCR_API_KEY)"
    )
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="what is sent (the evaluation set)")
    parser.add_argument("--count", type=int, default=240, help="pictures that are sent (%(default)s)")
    parser.add_argument("--clients", type=int, help="at a time (two per core and one)")
    parser.add_argument("--name", default="crnn-ocr", help="name of the row, such as '512 MiB, 0.5 CPU'")
    parser.add_argument("--want", type=float, metavar="N", help="how many read N pictures per second?")
    options = parser.parse_args(arguments)
    try:
        target = Target(options.url, options.key)
        clients = options.clients or 2 * target.look().cores + 1
        sizing = measure(target, _pictures(options.pictures), count=options.count, clients=clients)
    except SizingError as error:
        print(f"sizing: {error}", file=sys.stderr)
        return 1
    print(report.table(HEADER, [sizing.row(options.name)]), end="")
    refused = {status: count for status, count in sizing.statuses.items() if status != 200}
    if refused:
        print(f"\nNot read: {refused}")
    if options.want:
        services = sizing.services_for(options.want)
        use = f"{PLANNED_USE:.0%} of their cores"
        print(f"\n{services} such services read {options.want:g} pictures/s at {use}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
