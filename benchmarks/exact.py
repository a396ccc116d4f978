"""Measures exact readings and silent errors in numbers and known hard cases, beside the peers.

    python -m benchmarks.exact [--only numbers,cases] [--engines crnn-ocr,rapidocr] [--show-errors]

Nothing is normalised: full width and half width are different characters, and only blanks at the ends of
lines are dropped. A number is right if it stands as a line of its own. A case is right if all its lines are,
in their order, wherever an engine breaks them.

**Silent errors** are lines of which an engine is sure (confidence of 0.95 or more) although the sheet has no
such number.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tqdm import tqdm

from benchmarks.harness import datasets, report
from benchmarks.harness.datasets import Sample
from benchmarks.harness.engines import Engine, EngineError, Reading, Worker

SURE = 0.95
SETS = ("numbers", "cases")
_BETWEEN = {"numbers": " | ", "cases": " ⏎ "}


@dataclass(frozen=True)
class Score:
    """Result of one engine for one folder.

    Attributes:
        count: numbers, or pictures of cases.
        wrong: those of them that are not right.
        silent: wrong lines of which the engine is sure; of cases: wrong pictures without an unsure line.
        cpu_s: CPU seconds per picture.
    """

    count: int
    wrong: int
    silent: int
    cpu_s: float


def wanted_of(sample: Sample, name: str) -> list[str]:
    """Return the lines that a picture's label asks for."""
    label = sample.truth.split("\t")[0]
    return [line.strip() for line in label.split(_BETWEEN[name])]


def score_numbers(wanted: Sequence[str], reading: Reading) -> tuple[int, int]:
    """Return how many numbers are wrong, and how many confident lines are not numbers of the sheet."""
    missing = Counter(wanted)
    silent = 0
    for text, confidence in zip(reading.texts, reading.confidences, strict=True):
        if missing[text.strip()] > 0:
            missing[text.strip()] -= 1
        elif confidence >= SURE:
            silent += 1
    return missing.total(), silent


def score_case(wanted: Sequence[str], reading: Reading) -> tuple[int, int]:
    """Return whether a case is wrong and whether silently: (0, 0), (1, 0) or (1, 1), ignoring remarks."""
    if "".join(wanted) == "".join(text.strip() for text in reading.texts):
        return 0, 0
    return 1, int(all(confidence >= SURE for confidence in reading.confidences))


def measure(engine: Engine, names: Sequence[str], *, show_errors: bool) -> tuple[str, dict[str, Score]]:
    """Read the folders with one process of the engine; return its version, and a score per folder."""
    scores = {}
    with Worker(engine) as worker:
        for name in names:
            samples = datasets.load(name)
            count = wrong = silent = 0
            cpu = 0.0
            for sample in tqdm(samples, f"{engine.name} {name}", disable=None, leave=False):
                reading = worker.read(sample.path)
                wanted = wanted_of(sample, name)
                judge = score_numbers if name == "numbers" else score_case
                bad, sure = judge(wanted, reading)
                if bad and show_errors:
                    lines = [
                        f"{t} ({c:.2f})" for t, c in zip(reading.texts, reading.confidences, strict=True)
                    ]
                    print(f"{engine.name}, {sample.path.name}: {bad} wrong\n  wanted {wanted}\n  got {lines}")
                count += len(wanted) if name == "numbers" else 1
                wrong += bad
                silent += sure
                cpu += reading.cpu_s
            scores[name] = Score(count, wrong, silent, cpu / max(len(samples), 1))
        return worker.version, scores


def table(scores: dict[str, dict[str, Score]], names: Sequence[str]) -> str:
    """Return a table of errors, silent errors and CPU seconds per picture, one column per folder."""
    counts = {name: next(iter(scores.values()))[name].count for name in names}
    header = ["wrong / silent errors / CPU s", *(f"{name} (of {counts[name]})" for name in names)]
    rows = [
        [engine, *(f"{s.wrong} / {s.silent} / {s.cpu_s:.2f}" for s in (found[name] for name in names))]
        for engine, found in scores.items()
    ]
    return report.table(header, rows)


def main() -> None:
    """Measure, print Markdown, keep JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(SETS), help=",".join(SETS))
    parser.add_argument("--show-errors", action="store_true", help="list what is wrong")
    report.add_engine_option(parser)
    arguments = parser.parse_args()
    wrong = set(arguments.only) - set(SETS)
    if wrong:
        parser.error(f"no such set: {', '.join(sorted(wrong))}")
    scores: dict[str, dict[str, Score]] = {}
    versions = {}
    for engine in report.chosen_engines(arguments.engines):
        if "zh" not in engine.languages:
            continue
        try:
            version, scores[engine.name] = measure(engine, arguments.only, show_errors=arguments.show_errors)
            versions[engine.name] = version
        except EngineError as error:
            print(f"left out: {error}", file=sys.stderr)
    if not scores:
        sys.exit("No engine gave an answer.")
    print(report.heading("Exact"))
    print(table(scores, arguments.only))
    print("Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    kept = {name: {key: asdict(score) for key, score in found.items()} for name, found in scores.items()}
    print(f"\nKept in {report.save('exact', kept)}")


if __name__ == "__main__":
    main()
