"""Measures what the second look gains and costs: accuracy against CPU time for many thresholds.

    python -m benchmarks.recheck [--model NAME] [--second NAME] [--data FOLDER] [--lines 300] [--plot FILE]

The first recogniser reads every line; a second one reads again what the first is not sure of. Two ways are
compared: **stretches**, as `recheck=auto` does it, and the **whole line** as soon as anything in it is in
doubt, taking the second reading as it is. Lines are those of the evaluation sets and, with ``--data`` (the
folder of the training data, see docs/training-data.md), rendered ones of held-out fonts and texts: on these a
threshold may be chosen. CPU time is that of one thread without any stages but reading; every crop is read
once, and all thresholds are reckoned from the same readings.

The plot needs matplotlib, the rendered lines what training needs: `pip install 'crnn-ocr[train]'`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.harness import datasets, metrics, report
from crnn_ocr.imaging.decode import Limits, decode_pages
from crnn_ocr.models.fingerprint import SECOND_READER
from crnn_ocr.models.registry import Registry
from crnn_ocr.recognition.lines.reader import SECOND_LOOK
from crnn_ocr.recognition.lines.recheck import Policy, Stretch, splice, stretches
from crnn_ocr.recognition.network.load import load_recognizer
from crnn_ocr.recognition.network.recognizer import Reading, Recognizer
from crnn_ocr.recognition.text.postprocess import tidy
from crnn_ocr.settings import load_settings

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)
#: Lines at least this sure are counted apart: they are those that nobody looks at.
SURE = 0.95
PLOT = Path(__file__).resolve().parents[1] / "docs" / "images" / "recheck.png"
RENDERED = ("known-fonts-degraded", "unseen-fonts-clean", "unseen-fonts-degraded", "poems-degraded", "forms")

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class LineSet:
    """Lines with their truth.

    Attributes:
        name: Of the set.
        pictures: Line crops.
        truths: What they say.
        case: Whether upper and lower case differ.
    """

    name: str
    pictures: Sequence[Picture]
    truths: Sequence[str]
    case: bool = True


@dataclass(frozen=True)
class Point:
    """One way of reading a set.

    Attributes:
        lines: Name of the set.
        way: `first`, `second` (each alone), `stretches` or `whole line`.
        threshold: Characters of less confidence were in doubt; None where there was none.
        score: Accuracy.
        first_ms: CPU milliseconds per line of the first recogniser.
        second_ms: The same of the second.
        looked_at: Lines that were read again, wholly or in part, in percent.
        pixels: Width of what was read again, in percent of all lines' width.
        mended: Lines that became right, white space aside.
        spoiled: Lines that became wrong.
        sure: Lines with a confidence of `SURE` or more, in percent.
        sure_right: How many of these are right, in percent.
    """

    lines: str
    way: str
    threshold: float | None
    score: metrics.LineScore
    first_ms: float
    second_ms: float
    looked_at: float
    pixels: float
    mended: int
    spoiled: int
    sure: float
    sure_right: float

    @property
    def ms(self) -> float:
        """CPU milliseconds per line."""
        return self.first_ms + self.second_ms


class Timed:
    """A recogniser that reads each part of a picture once, and remembers the reading and its CPU time."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._known: dict[tuple[int, int, int], tuple[Reading, float]] = {}

    @property
    def characters(self) -> frozenset[str]:
        """What the recogniser can read."""
        return self._recognizer.characters

    def read(self, picture: Picture, part: Stretch | None = None) -> tuple[Reading, float]:
        """Read a line or a part of it.

        Args:
            picture: The line; the caller keeps it as long as this object lives.
            part: Which part; None: all of it.

        Returns:
            The reading and the CPU milliseconds that it took.
        """
        left, right = part.columns(picture.shape[1]) if part else (0, picture.shape[1])
        key = (id(picture), left, right)
        if key not in self._known:
            before = time.thread_time()
            line = self._recognizer.prepare(picture[:, left:right])
            frames = [self._recognizer.infer(window) for window in line.windows]
            reading = tidy(self._recognizer.decode(line, frames))
            self._known[key] = reading, 1000 * (time.thread_time() - before)
        return self._known[key]


def measure(lines: LineSet, first: Timed, second: Timed, policy: Policy | None, *, whole: bool) -> Point:
    """Read a set with both recognisers.

    Args:
        lines: What is read.
        first: Reads every line.
        second: Reads what is in doubt.
        policy: What is in doubt; None: nothing.
        whole: Take the second reading of the whole line wherever anything is in doubt.
    """
    pairs: list[tuple[str, str]] = []
    confidences: list[float] = []
    first_ms = second_ms = looked = mended = spoiled = seen = total = sure_right = 0.0
    for picture, truth in zip(lines.pictures, lines.truths, strict=True):
        reading, spent = first.read(picture)
        aspect = picture.shape[1] / picture.shape[0]
        before = time.thread_time()
        parts = stretches(reading, aspect, policy) if policy else ()
        if parts and whole:
            parts = (Stretch(0, len(reading.chars), 0.0, 1.0),)
        policy_ms = 1000 * (time.thread_time() - before)
        answers = [second.read(picture, part) for part in parts]
        before = time.thread_time()
        seconds = [(part, answer) for part, (answer, _) in zip(parts, answers, strict=True)]
        result = answers[0][0] if parts and whole else splice(reading, seconds, second.characters)
        policy_ms += 1000 * (time.thread_time() - before)
        first_ms += spent
        second_ms += sum(ms for _, ms in answers) + policy_ms * (policy is not None)
        looked += bool(parts)
        seen += aspect * sum(part.end - part.start for part in parts)
        total += aspect
        pairs.append((truth, result.text))
        confidences.append(result.confidence)
        was, now = (_right(lines, truth, text) for text in (reading.text, result.text))
        mended += now and not was
        spoiled += was and not now
        sure_right += now and result.confidence >= SURE
    count = max(len(pairs), 1)
    sure = sum(confidence >= SURE for confidence in confidences)
    return Point(
        lines.name,
        "first" if policy is None else "whole line" if whole else "stretches",
        policy.unsure if policy else None,
        metrics.score_lines(pairs, case=lines.case),
        first_ms / count,
        second_ms / count,
        100 * looked / count,
        100 * seen / max(total, 1e-9),
        int(mended),
        int(spoiled),
        100 * sure / count,
        100 * sure_right / max(sure, 1),
    )


def _right(lines: LineSet, truth: str, text: str) -> bool:
    wanted, got = (metrics.normalise(t, spaces=False, case=lines.case) for t in (truth, text))
    return wanted == got


def curves(lines: LineSet, first: Timed, second: Timed, thresholds: Iterable[float]) -> list[Point]:
    """Measure both recognisers alone, and the second look in both ways at every threshold."""
    points = [measure(lines, first, second, None, whole=False)]
    points.append(replace(measure(lines, second, first, None, whole=False), way="second"))
    for threshold in thresholds:
        policy = replace(SECOND_LOOK, unsure=threshold)
        points += [measure(lines, first, second, policy, whole=whole) for whole in (False, True)]
    return points


def labelled() -> list[LineSet]:
    """Return the lines of the evaluation sets."""
    limits = Limits(max_bytes=1 << 28, max_pixels=10**9, max_side=10**6, max_pages=1)
    found = []
    for dataset in datasets.LINES:
        samples = datasets.load(dataset.name)
        pictures = [next(iter(decode_pages(sample.path.read_bytes(), limits))) for sample in samples]
        found.append(LineSet(dataset.name, pictures, [sample.truth for sample in samples], dataset.case))
    return found


def rendered(data: Path, count: int) -> list[LineSet]:
    """Return lines of held-out fonts and texts, always the same for the same data."""
    from crnn_ocr.training.data.dataset import SampleConfig
    from crnn_ocr.training.data.heldout_sets import heldout

    found = []
    for name in RENDERED:
        samples = heldout(name, SampleConfig(data), count)
        found.append(LineSet(name, [picture for picture, _ in samples], [text for _, text in samples]))
    return found


def table(points: Sequence[Point]) -> str:
    """Return a table of all points of one set."""
    header = [
        points[0].lines,
        "exact, %",
        "with spaces",
        "CER, %",
        "CPU ms",
        "lines, %",
        "pixels, %",
        "mended / spoiled",
        f"sure ({SURE}): lines / right, %",
    ]
    rows = []
    for point in points:
        score = point.score
        rows.append(
            [
                point.way if point.threshold is None else f"{point.way} {point.threshold:g}",
                f"{score.exact:.1f}",
                f"{score.exact_spaces:.1f}",
                f"{score.cer:.2f}",
                f"{point.ms:.1f}",
                f"{point.looked_at:.0f}",
                f"{point.pixels:.0f}",
                f"{point.mended} / {point.spoiled}",
                f"{point.sure:.0f} / {point.sure_right:.1f}",
            ]
        )
    return report.table(header, rows)


def plot(points: Mapping[str, Sequence[Point]], title: str, target: Path) -> None:
    """Draw exact lines against CPU time, one panel per set."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(3, len(points))
    rows = -(-len(points) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.5 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, some) in zip(panels, points.items(), strict=False):
        for way, colour in (("stretches", "tab:blue"), ("whole line", "tab:orange")):
            curve = [point for point in some if point.way == way]
            axes.plot(
                [p.ms for p in curve], [p.score.exact for p in curve], ".-", color=colour, label=way, lw=1.2
            )
        for way, mark in (("first", "s"), ("second", "^")):
            (alone,) = (point for point in some if point.way == way)
            axes.plot([alone.ms], [alone.score.exact], mark, color="0.25", label=f"{way} alone")
        for chosen in (p for p in some if p.way == "stretches" and p.threshold == SECOND_LOOK.unsure):
            axes.plot(
                [chosen.ms], [chosen.score.exact], "o", mfc="none", mec="tab:red", ms=11, label="recheck=auto"
            )
        axes.set(title=f"{name} ({some[0].score.count})", xlabel="CPU ms per line", ylabel="exact lines, %")
        axes.set_xlim(left=0)
        axes.grid(visible=True, alpha=0.25)
    panels[0].legend(fontsize=8, loc="lower right")
    for axes in panels[len(points) :]:
        axes.set_visible(False)
    figure.suptitle(title, fontsize=10)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=100)


def main() -> None:
    """Measure, print Markdown, keep JSON, draw."""
    settings = load_settings()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default=settings.model, help="first recogniser [%(default)s]")
    parser.add_argument("--second", default=SECOND_READER, help="second recogniser [%(default)s]")
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("CRNN_OCR_TRAIN_DATA"),
        help="training data, for the rendered lines; else CRNN_OCR_TRAIN_DATA",
    )
    parser.add_argument("--lines", type=int, default=300, help="rendered lines per set [%(default)s]")
    parser.add_argument(
        "--thresholds",
        type=lambda text: tuple(float(part) for part in text.split(",")),
        default=THRESHOLDS,
        help="comma-separated [" + ",".join(f"{value:g}" for value in THRESHOLDS) + "]",
    )
    parser.add_argument("--plot", type=Path, default=PLOT, help="PNG to draw [docs/images/recheck.png]")
    arguments = parser.parse_args()
    registry = Registry(settings.models_dir)
    first, second = (
        load_recognizer(registry, name, cache_dir=settings.cache_dir, precision=settings.precision)
        for name in (arguments.model, arguments.second)
    )
    if first.name == second.name:
        parser.error(f"both recognisers are {first.name}: name a faster one with --model")
    sets = [*(rendered(arguments.data, arguments.lines) if arguments.data else ()), *labelled()]
    title = f"Second look: {first.name}, then {second.name}"
    print(report.heading(title))
    points: dict[str, list[Point]] = {}
    readers = Timed(first), Timed(second)
    thresholds = sorted({*arguments.thresholds, SECOND_LOOK.unsure})
    for lines in tqdm(sets, disable=None, leave=False):
        points[lines.name] = curves(lines, *readers, thresholds)
        print(table(points[lines.name]), flush=True)
    kept = {"first": first.name, "second": second.name, "policy": asdict(SECOND_LOOK)}
    everything = [asdict(point) for some in points.values() for point in some]
    print(f"\nKept in {report.save('recheck', kept | {'points': everything})}")
    shown = {name: some for name, some in points.items() if some[0].score.count >= 20}
    plot(shown, title, arguments.plot)
    print(f"Drawn in {arguments.plot}")


if __name__ == "__main__":
    main()
