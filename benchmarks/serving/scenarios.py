"""Defines the loads: at capacity, at four times the capacity, and small pictures beside large ones."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat, takewhile

from benchmarks.harness import metrics, report
from benchmarks.serving.clients import NO_ANSWER, Run, closed_loop, open_loop, rounds
from benchmarks.serving.library import Library
from benchmarks.serving.pictures import Picture
from benchmarks.serving.processes import memory
from benchmarks.serving.services import OURS, Running, Service, running
from benchmarks.serving.verdicts import Verdict

MIB = 1024 * 1024
CLIENTS = 16
OVERLOAD = 4
LEAST_EFFICIENCY = 0.9
MOST_LATENCY = 3.0


@dataclass(frozen=True)
class Measured:
    """A load on a service.

    Attributes:
        load: what it was.
        service: name of the service.
        run: all outcomes.
        peak_rss: of its process tree at the end, an upper bound, in bytes.
        efficiency: see `Library.efficiency`.
        overhead: CPU time of the service over that of the library.
        wrong: pictures whose answer was not the library's; None for other services than ours.
    """

    load: str
    service: str
    run: Run
    peak_rss: int
    efficiency: float
    overhead: float
    wrong: int | None

    @classmethod
    def of(cls, load: str, service: Running, run: Run, library: Library, cores: int) -> Measured:
        """Reduce a run that has just ended."""
        ours = service.service.name == OURS
        return cls(
            load,
            service.service.name,
            run,
            memory(service.pid).peak_rss,
            library.efficiency(run, cores),
            library.overhead(run),
            len(library.wrong(run)) if ours else None,
        )

    def numbers(self) -> dict[str, object]:
        """What is kept of it."""
        run = self.run
        return {
            "load": self.load,
            "service": self.service,
            "statuses": run.statuses,
            "pictures_per_s": run.per_second,
            "p50_s": run.latency(0.5),
            "p95_s": run.latency(0.95),
            "p99_s": run.latency(0.99),
            "cpu_s_per_picture": run.cpu_s / max(1, len(run.read)),
            "wall_s": run.wall_s,
            "client_cpu_s": run.client_cpu_s,
            "peak_rss": self.peak_rss,
            "efficiency": self.efficiency,
            "cpu_over_library": self.overhead,
            "wrong": self.wrong,
            "page_f1": page_f1(run),
        }


def page_score(run: Run) -> metrics.PageScore | None:
    """Return the score of the labelled pages; None if there were none."""
    answers = {o.picture.name: (o.picture.truth, o.texts) for o in run.read if o.picture.page}
    pairs = [(truth, texts) for truth, texts in answers.values() if truth is not None]
    return metrics.score_pages(pairs) if pairs else None


def page_f1(run: Run) -> float:
    """Return the character F1 of the pages that were read, in percent; NaN if there were none."""
    score = page_score(run)
    return float("nan") if score is None else score.f1


def table(rows: Sequence[Measured]) -> str:
    """Return a table with one row per load and service."""
    header = [
        "load", "statuses", "pictures/s", "p50 s", "p95 s", "p99 s", "CPU s/picture", "efficiency",
        "CPU ÷ library", "peak MiB", "wrong", "page F1",
    ]  # fmt: skip
    cells = []
    for row in rows:
        run = row.run
        names = {NO_ANSWER: "no answer"}
        cells.append(
            [
                f"{row.service}, {row.load}",
                ", ".join(f"{count} × {names.get(status, status)}" for status, count in run.statuses.items()),
                f"{run.per_second:.2f}",
                *(f"{run.latency(share):.2f}" for share in (0.5, 0.95, 0.99)),
                f"{run.cpu_s / max(1, len(run.read)):.3f}",
                f"{row.efficiency:.2f}",
                f"{row.overhead:.2f}",
                f"{row.peak_rss / MIB:.0f}",
                "–" if row.wrong is None else str(row.wrong),
                f"{page_f1(run):.2f}",
            ]
        )
    return report.table(header, cells)


def capacity(
    service: Running, pictures: Sequence[Picture], count: int, seconds: float, library: Library, cores: int
) -> Measured:
    """Run sixteen clients that each send the next picture after the answer to the last one."""
    run = closed_loop(service, rounds(pictures, count), clients=CLIENTS, seconds=seconds)
    return Measured.of(f"{CLIENTS} clients", service, run, library, cores)


def overload(
    service: Running,
    pictures: Sequence[Picture],
    seconds: float,
    at_capacity: Measured,
    library: Library,
    cores: int,
) -> Measured:
    """Send four times as many pictures as were read at capacity, without waiting for answers."""
    rate = OVERLOAD * at_capacity.run.per_second
    run = open_loop(service, pictures, rate=rate, seconds=seconds)
    return Measured.of(f"{rate:.1f} arrivals/s", service, run, library, cores)


def judge_capacity(measured: Measured) -> list[Verdict]:
    """Return the verdicts on a run at capacity."""
    statuses = measured.run.statuses
    return [
        Verdict("all pictures are read", str(statuses), set(statuses) == {200}),
        Verdict("every answer is the library's", f"{measured.wrong} differ", measured.wrong == 0),
        Verdict(
            f"efficiency ≥ {LEAST_EFFICIENCY}",
            f"{measured.efficiency:.2f}; in CPU time alone {1 / measured.overhead:.2f}",
            measured.efficiency >= LEAST_EFFICIENCY,
        ),
    ]


def judge_overload(measured: Measured, at_capacity: Measured) -> list[Verdict]:
    """Return the verdicts on a run at four times the capacity."""
    run, before = measured.run, at_capacity.run
    told = all(outcome.retry_after for outcome in run.outcomes if outcome.status == 503)
    ratio = run.latency(0.99) / before.latency(0.5)
    return [
        Verdict(
            "only 200 and 503 with Retry-After", str(run.statuses), set(run.statuses) <= {200, 503} and told
        ),
        Verdict("every answer is the library's", f"{measured.wrong} differ", measured.wrong == 0),
        Verdict(
            f"p99 of those read ≤ {MOST_LATENCY} × the p50 at capacity",
            f"{run.latency(0.99):.2f} s = {ratio:.2f} × {before.latency(0.5):.2f} s",
            ratio <= MOST_LATENCY,
        ),
        Verdict(
            "no fewer pictures per second than at capacity",
            f"{run.per_second:.2f} and {before.per_second:.2f}; efficiency {measured.efficiency:.2f} "
            f"and {at_capacity.efficiency:.2f}",
            run.per_second >= before.per_second,
        ),
    ]


def judge_peer(ours: Measured, peer: Measured) -> list[Verdict]:
    """Return the verdict on a peer: one that reads as well as we do must not be faster."""
    found = (
        f"{ours.run.per_second:.2f} and {peer.run.per_second:.2f} pictures/s, F1 {page_f1(ours.run):.2f} and "
        f"{page_f1(peer.run):.2f}"
    )
    kept = ours.run.per_second > peer.run.per_second and page_f1(ours.run) >= page_f1(peer.run)
    return [Verdict(f"more pictures per second than {peer.service} at no lower F1", found, kept)]


# ---- small ones beside large ones ---------------------------------------------------------------------


@dataclass(frozen=True)
class Mixture:
    """Latencies of one-line pictures, alone and beside long pages.

    Attributes:
        alone: the small ones, nothing else in the service.
        beside: the small ones, while long pages were being read.
        large: the long pages.
    """

    alone: Run
    beside: Run
    large: Run

    def numbers(self) -> dict[str, object]:
        """What is kept of it."""
        score = page_score(self.large)
        return {
            "alone_p50_s": self.alone.latency(0.5),
            "beside_p50_s": self.beside.latency(0.5),
            "beside_p95_s": self.beside.latency(0.95),
            "pages_per_min": 60 * self.large.per_second,
            "page_f1": None if score is None else score.f1,
            "page_hits": None if score is None else score.hits,
            "statuses": [run.statuses for run in (self.alone, self.beside, self.large)],
        }


def mixture(
    service: Service,
    small: Sequence[Picture],
    large: Picture,
    *,
    count: int,
    large_clients: int = 2,
    settings: Mapping[str, str],
) -> Mixture:
    """Send small pictures at intervals from one client, and the long page over and over from others."""
    with running(service, small[0], **settings) as service_running:
        alone = closed_loop(service_running, rounds(small, count), clients=1, pause_s=0.2)
        over = threading.Event()
        runs: list[Run] = []

        def load() -> None:
            pages = takewhile(lambda _: not over.is_set(), repeat(large))
            runs.append(closed_loop(service_running, pages, clients=large_clients))

        thread = threading.Thread(target=load)
        thread.start()
        over.wait(1.0)
        beside = closed_loop(service_running, rounds(small, count), clients=1, pause_s=0.2)
        over.set()
        thread.join()
    return Mixture(alone, beside, runs[0])


def mixture_table(mixtures: Sequence[tuple[str, Mixture]]) -> str:
    """Return one row per service, with how well it read: pages per minute alone say nothing."""
    header = [
        "one-line pictures", "alone: p50 s", "p95 s", "beside: p50 s", "p95 s", "worst s",
        "pages/min", "page F1", "lines right", "lines right/min",
    ]  # fmt: skip
    rows = []
    for name, mixed in mixtures:
        alone, beside = mixed.alone, mixed.beside
        pages = 60 * mixed.large.per_second
        score = page_score(mixed.large)
        rows.append(
            [
                name,
                f"{alone.latency(0.5):.2f}",
                f"{alone.latency(0.95):.2f}",
                f"{beside.latency(0.5):.2f}",
                f"{beside.latency(0.95):.2f}",
                f"{beside.latency(1):.2f}",
                f"{pages:.1f}",
                *(
                    ["–"] * 3
                    if score is None
                    else [
                        f"{score.f1:.1f}",
                        f"{score.hits:.0f} %",
                        f"{pages * score.lines * score.hits / 100:.0f}",
                    ]
                ),
            ]
        )
    return report.table(header, rows)
