"""Measures the speed of this project beside its peers: CPU time, wall time, cold start, peak memory.

    python -m benchmarks.speed [--only 1080p,pages_zh,crop,cold] [--engines …] [--rounds 5]

Every engine runs in a process of its own with its defaults. All are warmed up first; then they take turns,
file by file and round by round, so that a busy neighbour slows all of them alike. The median of the rounds is
taken for each picture, and the mean of these for a folder.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from benchmarks import page
from benchmarks.harness import datasets, metrics, report
from benchmarks.harness.engines import OURS, Engine, Reading, Worker

MIB = 1024 * 1024


@dataclass(frozen=True)
class Timing:
    """One engine on one task.

    Attributes:
        task: what was read.
        engine: its name.
        version: its version.
        cpu_s: CPU seconds per picture, median of the rounds.
        wall_s: wall seconds per picture, likewise.
        peak_rss: largest resident size of the process until then, bytes.
        f1: character F1 of what was read, so that nobody is fast by reading nothing.
    """

    task: str
    engine: str
    version: str
    cpu_s: float
    wall_s: float
    peak_rss: int
    f1: float


def take_turns(
    task: str, samples: Sequence[datasets.Sample], workers: Sequence[Worker], rounds: int
) -> list[Timing]:
    """Read the samples with all workers, interleaved, and reduce to one timing per worker."""
    readings: dict[tuple[int, int], list[Reading]] = {}
    turns = [(s, w) for s in range(len(samples)) for w in range(len(workers))]
    for turn in range(-1, rounds):  # round -1 warms up
        for s, w in tqdm(turns, f"{task} {max(turn + 1, 0)}/{rounds}", disable=None, leave=False):
            reading = workers[w].read(samples[s].path)
            if turn >= 0:
                readings.setdefault((s, w), []).append(reading)
    timings = []
    for w, worker in enumerate(workers):
        own = [readings[s, w] for s in range(len(samples))]
        score = metrics.score_pages(
            [(sample.truth, rounds_[-1].texts) for sample, rounds_ in zip(samples, own, strict=True)]
        )
        timings.append(
            Timing(
                task=task,
                engine=worker.engine.name,
                version=worker.version,
                cpu_s=statistics.fmean(statistics.median(r.cpu_s for r in rounds_) for rounds_ in own),
                wall_s=statistics.fmean(statistics.median(r.wall_s for r in rounds_) for rounds_ in own),
                peak_rss=max(r.peak_rss for rounds_ in own for r in rounds_),
                f1=score.f1,
            )
        )
    return timings


def cold_starts(engines: Sequence[Engine], sample: datasets.Sample, rounds: int) -> list[Timing]:
    """Measure the seconds from starting the process, interpreter included, to the first answer."""
    spent: dict[str, list[tuple[float, float, Reading, str]]] = {}
    for _ in tqdm(range(rounds), "cold start", disable=None, leave=False):
        for engine in engines:
            start = time.perf_counter()
            with Worker(engine) as worker:
                reading = worker.read(sample.path)
                wall = time.perf_counter() - start
                spent.setdefault(engine.name, []).append((worker.cpu_s(), wall, reading, worker.version))
    return [
        Timing(
            task="cold start",
            engine=name,
            version=runs[-1][3],
            cpu_s=statistics.median(run[0] for run in runs),
            wall_s=statistics.median(run[1] for run in runs),
            peak_rss=max(run[2].peak_rss for run in runs),
            f1=metrics.score_pages([(sample.truth, runs[-1][2].texts)]).f1,
        )
        for name, runs in spent.items()
    ]


def timing_table(timings: Sequence[Timing]) -> str:
    """Return one row per engine; the ratio is our CPU time over the engine's: below 1 we are faster."""
    ours = next((timing for timing in timings if timing.engine == OURS), None)
    rows = []
    for timing in timings:
        cpu_ratio = f"{ours.cpu_s / timing.cpu_s:.2f}" if ours else "–"
        wall_ratio = f"{ours.wall_s / timing.wall_s:.2f}" if ours else "–"
        rows.append(
            [
                f"{timing.engine} {timing.version}",
                f"{timing.cpu_s:.3f}",
                cpu_ratio,
                f"{timing.wall_s:.3f}",
                wall_ratio,
                f"{timing.peak_rss / MIB:.0f}",
                f"{timing.f1:.2f}",
            ]
        )
    header = [timings[0].task, "CPU s", "crnn-ocr ÷ it", "wall s", "crnn-ocr ÷ it", "peak MiB", "F1 %"]
    return report.table(header, rows)


def _pictures(folder: Path) -> tuple[datasets.Sample, datasets.Sample]:
    """Draw the printed page and the small crop into the folder."""
    whole, crop = folder / "page.png", folder / "crop.png"
    return datasets.Sample(whole, page.render(whole)), datasets.Sample(crop, page.render_crop(crop))


def main() -> None:
    """Measure, print Markdown, keep JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    tasks = ["1080p", "crop", "pages_zh", "cold"]
    parser.add_argument("--only", type=lambda text: text.split(","), default=tasks, help=",".join(tasks))
    parser.add_argument("--rounds", type=int, default=5, help="after one warm-up round (default: 5)")
    report.add_engine_option(parser)
    arguments = parser.parse_args()
    wrong = set(arguments.only) - set(tasks)
    if wrong or arguments.rounds < 1:
        parser.error(f"tasks are {', '.join(tasks)}; at least one round")
    engines = [e for e in report.chosen_engines(arguments.engines) if "zh" in e.languages]
    results: list[list[Timing]] = []
    print(report.heading(f"Speed, median of {arguments.rounds} interleaved rounds"))
    with tempfile.TemporaryDirectory() as folder:
        printed, crop = _pictures(Path(folder))
        workers = [Worker(engine) for engine in engines]
        try:
            for name, samples in (
                ("1080p", [printed]),
                ("crop", [crop]),
                ("pages_zh", datasets.load("pages_zh") if "pages_zh" in arguments.only else []),
            ):
                if name in arguments.only:
                    results.append(take_turns(name, samples, workers, arguments.rounds))
                    print(timing_table(results[-1]))
        finally:
            for worker in workers:
                worker.close()
        if "cold" in arguments.only:
            results.append(cold_starts(engines, crop, arguments.rounds))
            print(timing_table(results[-1]))
    kept = report.save("speed", [asdict(timing) for timings in results for timing in timings])
    print(f"Kept in {kept}")


if __name__ == "__main__":
    main()
