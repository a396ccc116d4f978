"""Sends requests over loopback: from clients that wait for their answer, or at random times."""

from __future__ import annotations

import json
import random
import resource
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import islice
from queue import LifoQueue

from benchmarks.serving.pictures import Picture
from benchmarks.serving.processes import cpu_seconds
from benchmarks.serving.services import Running

_BUSY_S = 1.0
"""How long a client waits that was refused: less than it is told to, so that the service stays full."""
NO_ANSWER = 0
"""The status of a request that met a closed connection or no answer in time."""


@dataclass(frozen=True)
class Outcome:
    """Outcome of one request.

    Attributes:
        picture: what was sent.
        status: of HTTP; `NO_ANSWER` where there was none.
        seconds: from the time at which it was due to be sent to the last byte of the answer.
        texts: the lines, where it was read.
        retry_after: whether a refusal says when to come back.
    """

    picture: Picture
    status: int
    seconds: float
    texts: tuple[str, ...] = ()
    retry_after: bool = False


@dataclass
class Run:
    """All outcomes of one load.

    Attributes:
        outcomes: in the order in which they came.
        wall_s: from the first request to the last answer.
        cpu_s: processor seconds of the service's tree meanwhile.
        client_cpu_s: those of the clients, which run on the same machine.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    client_cpu_s: float = 0.0

    @property
    def read(self) -> list[Outcome]:
        """The requests that were answered with 200."""
        return [outcome for outcome in self.outcomes if outcome.status == 200]

    @property
    def statuses(self) -> dict[int, int]:
        """Number of requests by status."""
        found = sorted(outcome.status for outcome in self.outcomes)
        return {status: found.count(status) for status in dict.fromkeys(found)}

    @property
    def per_second(self) -> float:
        """Pictures read per second on the clock."""
        return len(self.read) / self.wall_s

    def latency(self, share: float) -> float:
        """Return the seconds within which that share of the pictures was read; NaN if none was."""
        times = sorted(outcome.seconds for outcome in self.read)
        return times[min(len(times) - 1, int(share * len(times)))] if times else float("nan")


class _Client:
    """One connection, kept open as long as the service does."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._connection: HTTPConnection | None = None

    def send(self, picture: Picture, due: float) -> Outcome:
        """Send one picture and wait for the answer."""
        request = self._running.service.request(picture)
        try:
            kept = self._connection is not None
            try:
                status, headers_retry, body = self._exchange(request.path, request.body, request.headers)
            except (ConnectionError, HTTPException):
                if not kept:
                    raise
                # The service may close a connection at any time between two requests: that is no failure.
                self.close()
                status, headers_retry, body = self._exchange(request.path, request.body, request.headers)
        except (OSError, HTTPException):
            self.close()
            return Outcome(picture, NO_ANSWER, time.monotonic() - due)
        seconds = time.monotonic() - due
        texts = tuple(self._running.service.texts(json.loads(body))) if status == 200 else ()
        return Outcome(picture, status, seconds, texts, headers_retry)

    def _exchange(self, path: str, body: bytes, headers: object) -> tuple[int, bool, bytes]:
        if self._connection is None:
            self._connection = self._running.connect()
        self._connection.request("POST", path, body, dict(headers))  # type: ignore[call-overload]
        response = self._connection.getresponse()
        return response.status, "Retry-After" in response.headers, response.read()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _measured(running: Running, load: Callable[[Run], None]) -> Run:
    run = Run()
    service, clients = cpu_seconds(running.pid), _own_cpu()
    start = time.monotonic()
    load(run)
    run.wall_s = time.monotonic() - start
    run.cpu_s = cpu_seconds(running.pid) - service
    run.client_cpu_s = _own_cpu() - clients
    return run


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def closed_loop(
    running: Running,
    pictures: Iterable[Picture],
    *,
    clients: int,
    seconds: float = 3600,
    pause_s: float = 0,
    tries: int = 1,
) -> Run:
    """Run clients that each send the next picture after the answer to the last one.

    Args:
        running: The service.
        pictures: What to send, until it ends.
        clients: How many.
        seconds: After so long no more are sent.
        pause_s: How long each client waits between two pictures.
        tries: How often a picture is sent that is refused until later; its last outcome counts.
    """
    source: Iterator[Picture] = iter(pictures)
    lock = threading.Lock()

    def load(run: Run) -> None:
        end = time.monotonic() + seconds

        def work() -> None:
            client = _Client(running)
            while time.monotonic() < end:
                with lock:
                    picture = next(source, None)
                if picture is None:
                    break
                outcome = client.send(picture, time.monotonic())
                for _ in range(tries - 1):
                    if not (outcome.status == 503 and outcome.retry_after):
                        break
                    time.sleep(_BUSY_S)
                    outcome = client.send(picture, time.monotonic())
                with lock:
                    run.outcomes.append(outcome)
                time.sleep(pause_s)
            client.close()

        with ThreadPoolExecutor(clients) as pool:
            for done in [pool.submit(work) for _ in range(clients)]:
                done.result()

    return _measured(running, load)


def open_loop(
    running: Running, pictures: Sequence[Picture], *, rate: float, seconds: float, most_clients: int = 256
) -> Run:
    """Send requests at random times (Poisson) at a rate, regardless of open answers.

    A request's time counts from the moment at which it was due, also where no client was free to send it.
    """
    chance = random.Random(11)

    def load(run: Run) -> None:
        free: LifoQueue[_Client] = LifoQueue()
        for _ in range(most_clients):
            free.put(_Client(running))

        def send(picture: Picture, due: float) -> None:
            client = free.get()
            outcome = client.send(picture, due)
            free.put(client)
            run.outcomes.append(outcome)

        start = time.monotonic()
        due = start
        with ThreadPoolExecutor(most_clients) as pool:
            sent = []
            while (due := due + chance.expovariate(rate)) < start + seconds:
                time.sleep(max(0.0, due - time.monotonic()))
                sent.append(pool.submit(send, chance.choice(pictures), due))
            for done in sent:
                done.result()
        while not free.empty():
            free.get().close()

    return _measured(running, load)


def rounds(pictures: Sequence[Picture], count: int) -> Iterator[Picture]:
    """Yield that many pictures, over and over in the same order."""
    return islice((picture for _ in range(1 + count // len(pictures)) for picture in pictures), count)
