"""Sends many requests of all sizes, and measures how the memory of the process tree develops."""

from __future__ import annotations

import csv
import importlib
import statistics
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.serving.clients import Run, closed_loop
from benchmarks.serving.pictures import SoakMix
from benchmarks.serving.processes import PeakWatch, memory
from benchmarks.serving.services import Running
from benchmarks.serving.verdicts import Verdict

MIB = 1024 * 1024
BLOCK = 50
SETTLED = 200  # requests, after which memory must not grow any more
MOST_MIB = 512
MOST_GROWTH = 5.0
CLIENTS = 4
_TRIES = 100  # of a picture that is refused while the service is full
_WINDOW = 4  # looks that are averaged at either end, or a third of all where that is more


@dataclass(frozen=True)
class Look:
    """Memory of the tree after a number of requests.

    Attributes:
        requests: sent until then.
        seconds: on the clock since the start.
        rest_mib: PSS while nothing is being read.
        mean_mib: mean PSS since the look before, ten times a second.
        busy_mib: largest PSS seen since the look before.
        peak_rss_mib: sum of the processes' VmHWM, an upper bound for all the time before.
    """

    requests: int
    seconds: float
    rest_mib: float
    mean_mib: float
    busy_mib: float
    peak_rss_mib: float


def soak(
    running: Running, count: int, *, seconds: float, mix: str = "full", clients: int = CLIENTS
) -> tuple[list[Look], Run]:
    """Send pictures in blocks, and measure the memory after each block, with nothing in flight.

    Args:
        running: The service.
        count: How many pictures.
        seconds: Ends early after so long.
        mix: Which of `MIXES`.
        clients: How many send at a time.
    """
    source = iter(SoakMix(mix))
    whole = Run()
    looks: list[Look] = []
    start = time.monotonic()
    with PeakWatch(running.pid) as watch, tqdm(total=count, desc="soak", disable=None, leave=False) as bar:
        while len(whole.outcomes) < count and time.monotonic() - start < seconds:
            block = islice(source, min(BLOCK, count - len(whole.outcomes)))
            run = closed_loop(running, block, clients=clients, tries=_TRIES)
            whole.outcomes += run.outcomes
            whole.wall_s += run.wall_s
            whole.cpu_s += run.cpu_s
            now = memory(running.pid)
            busiest, mean = watch.take()
            looks.append(
                Look(
                    len(whole.outcomes),
                    round(time.monotonic() - start, 1),
                    round(now.pss / MIB, 1),
                    round(mean / MIB, 1),
                    round(busiest / MIB, 1),
                    round(now.peak_rss / MIB, 1),
                )
            )
            bar.update(len(run.outcomes))
    return looks, whole


def growth(looks: Sequence[Look]) -> tuple[float, float] | None:
    """Return the growth of mean and peaks from request 200 on, in percent; None if there are too few looks.

    The first looks from there are compared with the last ones. What is resident at rest tells less: it
    differs by a fifth from look to look, with the holes that the last large picture left.
    """
    settled = [look for look in looks if look.requests >= SETTLED]
    if len(settled) < 2 * _WINDOW:
        return None

    window = max(_WINDOW, len(settled) // 3)

    def percent(values: list[float]) -> float:
        return 100 * (statistics.fmean(values[-window:]) / statistics.fmean(values[:window]) - 1)

    return percent([look.mean_mib for look in settled]), percent([look.busy_mib for look in settled])


def judge(looks: Sequence[Look], run: Run, kills: int | None = None) -> list[Verdict]:
    """Return the verdicts on the memory.

    Args:
        looks: at the memory.
        run: all requests.
        kills: of processes, by the kernel, in the control group of the service; None where it had none.
    """
    last = looks[-1]
    busiest = max(look.busy_mib for look in looks)
    verdicts = [
        Verdict("all pictures are read", str(run.statuses), set(run.statuses) == {200}),
        Verdict(
            f"the tree stays within {MOST_MIB} MiB",
            f"{busiest:.0f} MiB PSS at the peak, {last.peak_rss_mib:.0f} MiB as the sum of VmHWM",
            busiest <= MOST_MIB,
        ),
    ]
    if kills is not None:
        verdicts.append(Verdict("the kernel kills nothing inside the limit", f"{kills} kills", kills == 0))
    found = growth(looks)
    if found is not None:
        mean, busy = found
        words = f"{mean:+.1f} % in the mean, {busy:+.1f} % at the peaks of {BLOCK} requests"
        claim = f"from request {SETTLED} to {last.requests} memory grows by less than {MOST_GROWTH:.0f} %"
        verdicts.append(Verdict(claim, words, mean < MOST_GROWTH))
    return verdicts


def write(looks: Sequence[Look], target: Path) -> None:
    """Save the looks as CSV."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([field.name for field in fields(Look)])
        writer.writerows(astuple(look) for look in looks)


def read(source: Path) -> list[Look]:
    """Load the looks that `write` saved."""
    with source.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [
        Look(int(row["requests"]), *(float(row[field.name]) for field in fields(Look)[1:])) for row in rows
    ]


def plot(looks: Sequence[Look], target: Path) -> None:
    """Draw memory over requests.

    Raises:
        ModuleNotFoundError: matplotlib is not installed; the extra `train` has it.
    """
    agg: Any = importlib.import_module("matplotlib.backends.backend_agg")
    figures: Any = importlib.import_module("matplotlib.figure")
    figure = figures.Figure(figsize=(8, 4), layout="constrained")
    agg.FigureCanvasAgg(figure)
    axes = figure.subplots()
    counts = [look.requests for look in looks]
    axes.plot(counts, [look.peak_rss_mib for look in looks], color="0.6", lw=1, label="sum of VmHWM")
    axes.plot(
        counts, [look.busy_mib for look in looks], color="tab:orange", lw=1, label="peak PSS since last"
    )
    axes.plot(
        counts, [look.mean_mib for look in looks], color="tab:blue", lw=1.5, label="mean PSS since last"
    )
    axes.plot(counts, [look.rest_mib for look in looks], color="tab:green", lw=1, label="PSS at rest")
    axes.axhline(MOST_MIB, color="tab:red", lw=1, ls="--")
    axes.axvline(SETTLED, color="0.8", lw=1)
    axes.set(xlabel="requests", ylabel="MiB, whole process tree", xlim=(0, None), ylim=(0, None))
    axes.grid(visible=True, alpha=0.25)
    axes.legend(fontsize=8, loc="lower right")
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=100)
