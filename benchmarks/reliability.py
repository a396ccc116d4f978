"""Measures how many lines are right among those that a recogniser reads with high confidence.

    python -m benchmarks.reliability [--model NAME] [--pages [--recheck auto]] [--show-errors]

Single lines are read by the recogniser alone on the crop as it is; an empty reading has confidence 0. With
``--pages``, pages are read end to end as well, and a line is right where it stands in one line of the truth:
the detector may cut a line at a wide gap. White space is dropped. Exits with 1 where fewer than ``--want``
per cent of the single lines with a confidence of ``--least`` or more are right.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tqdm import tqdm

from benchmarks.harness import datasets, metrics, report
from crnn_ocr import OCR
from crnn_ocr.imaging.decode import Limits, decode_pages
from crnn_ocr.models.registry import Registry
from crnn_ocr.options import ReadOptions, options_from_text
from crnn_ocr.recognition.lines.windows import read_crops
from crnn_ocr.recognition.network.load import load_recognizer
from crnn_ocr.settings import Settings, load_settings

EDGES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class Judged:
    """One line that was read.

    Attributes:
        source: Set and file.
        text: What was read.
        truth: What the line says; of a page's line empty.
        confidence: Of the reading, 0 to 1.
        right: Whether it holds no error, white space aside.
    """

    source: str
    text: str
    truth: str
    confidence: float
    right: bool


@dataclass(frozen=True)
class Band:
    """The lines between two confidences.

    Attributes:
        least: The lower one.
        count: How many lines.
        confidence: Their mean confidence, in percent.
        right: How many of them are right, in percent.
    """

    least: float
    count: int
    confidence: float
    right: float


def bands(lines: Sequence[Judged], edges: Sequence[float] = EDGES) -> list[Band]:
    """Count lines from each edge to the next; the last band is open, and empty bands are left out."""
    found = []
    for least, end in zip(edges, [*edges[1:], float("inf")], strict=True):
        inside = [line for line in lines if least <= line.confidence < end]
        if inside:
            found.append(_band(least, inside))
    return found


def surest(lines: Sequence[Judged], least: float) -> Band:
    """Return the lines of at least that confidence."""
    return _band(least, [line for line in lines if line.confidence >= least])


def _band(least: float, lines: Sequence[Judged]) -> Band:
    count = max(len(lines), 1)
    mean = 100 * sum(line.confidence for line in lines) / count
    return Band(least, len(lines), mean, 100 * sum(line.right for line in lines) / count)


def read_lines(settings: Settings, model: str) -> dict[str, list[Judged]]:
    """Read every set of single lines with the recogniser alone."""
    recognizer = load_recognizer(Registry(settings.models_dir), model, cache_dir=settings.cache_dir)
    limits = Limits(settings.max_image_bytes, settings.max_pixels, settings.max_side, settings.max_pages)
    found: dict[str, list[Judged]] = {}
    for dataset in datasets.LINES:
        lines = found.setdefault(dataset.name, [])
        for sample in tqdm(datasets.load(dataset.name), dataset.name, disable=None, leave=False):
            crops = list(decode_pages(sample.path.read_bytes(), limits))
            for reading in read_crops(recognizer, crops):
                wanted, got = (
                    metrics.normalise(text, spaces=False, case=dataset.case)
                    for text in (sample.truth, reading.text)
                )
                source = f"{dataset.name}/{sample.path.name}"
                lines.append(Judged(source, reading.text, sample.truth, reading.confidence, wanted == got))
    return found


def read_pages(settings: Settings, model: str, options: ReadOptions) -> dict[str, list[Judged]]:
    """Read every set of pages end to end."""
    found: dict[str, list[Judged]] = {}
    with OCR(settings, model=model) as engine:
        for dataset in datasets.PAGES:
            lines = found.setdefault(dataset.name, [])
            for sample in tqdm(datasets.load(dataset.name), dataset.name, disable=None, leave=False):
                truth = metrics.truth_lines(sample.truth)
                for line in engine.read(sample.path, options).pages[0].lines:
                    got = metrics.normalise(line.text, spaces=False)
                    right = any(got in wanted for wanted in truth)
                    source = f"{dataset.name}/{sample.path.name}"
                    lines.append(Judged(source, line.text, "", line.confidence, right))
    return found


def _tell(title: str, sets: dict[str, list[Judged]], least: float, *, errors: bool) -> list[object]:
    """Print the results, and return them for the JSON file."""
    together = [line for lines in sets.values() for line in lines]
    print(report.heading(title))
    rows, results = [], []
    for name, lines in {**sets, "together": together}.items():
        everything, sure = surest(lines, 0.0), surest(lines, least)
        rows.append(
            [
                name,
                str(everything.count),
                f"{everything.right:.1f}",
                f"{everything.confidence:.1f}",
                str(sure.count),
                f"{sure.right:.1f}" if sure.count else "–",
            ]
        )
        results.append({"set": name, "all": asdict(everything), "sure": asdict(sure)})
    print(
        report.table(["", "lines", "right, %", "mean confidence, %", f"≥ {least}", "of these right, %"], rows)
    )
    print(
        report.table(
            ["confidence from", "lines", "mean, %", "right, %"],
            [[f"{b.least}", str(b.count), f"{b.confidence:.1f}", f"{b.right:.1f}"] for b in bands(together)],
        )
    )
    if errors:
        wrong = sorted((line for line in together if not line.right), key=lambda line: -line.confidence)
        for line in (line for line in wrong if line.confidence >= least):
            print(
                f"{line.confidence:.4f} {line.source}: {line.text!r}"
                + f", not {line.truth!r}" * bool(line.truth)
            )
    return [{"benchmark": title, "sets": results, "bands": [asdict(band) for band in bands(together)]}]


def main() -> None:
    """Run from the command line."""
    settings = load_settings()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--model", default=settings.model, help=f"recogniser pack (default: {settings.model})"
    )
    parser.add_argument("--pages", action="store_true", help="read the pages too")
    parser.add_argument(
        "--recheck", choices=("off", "auto"), help="second look at pages (default: the engine's)"
    )
    parser.add_argument("--least", type=float, default=0.95, help="what counts as sure (default: 0.95)")
    parser.add_argument("--want", type=float, default=97.0, help="how many of them must be right, in percent")
    parser.add_argument("--show-errors", action="store_true", help="list the lines that are sure and wrong")
    arguments = parser.parse_args()
    lines = read_lines(settings, arguments.model)
    title = f"Reliability of {arguments.model}"
    results = _tell(f"{title}, single lines", lines, arguments.least, errors=arguments.show_errors)
    if arguments.pages:
        options = options_from_text({} if arguments.recheck is None else {"recheck": arguments.recheck})
        pages = read_pages(settings, arguments.model, options)
        results += _tell(
            f"{title}, pages, recheck={options.recheck}", pages, arguments.least, errors=arguments.show_errors
        )
    print(f"Kept in {report.save(f'reliability-{arguments.model}', results)}")
    sure = surest([line for found in lines.values() for line in found], arguments.least)
    if sure.right < arguments.want:
        sys.exit(f"Of {sure.count} sure lines only {sure.right:.1f} % are right, not {arguments.want} %.")


if __name__ == "__main__":
    main()
