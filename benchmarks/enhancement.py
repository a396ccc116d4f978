"""Measures when enhancing helps and when it hurts: every switch on clean and on damaged pictures.

Damages are made here, always the same ones. Pages are read end to end, lines by the recogniser alone. Two
more tables show below which sharpness and which height reading collapses, and one shows what each step costs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import datasets, metrics, report
from benchmarks.datasets import Sample
from crnn_ocr.engine.ocr import OCR
from crnn_ocr.imaging.decode import Limits, decode_pages
from crnn_ocr.imaging.enhance import enhance
from crnn_ocr.imaging.quality import Quality, grey_of, measure
from crnn_ocr.models.registry import Registry
from crnn_ocr.options import ReadOptions
from crnn_ocr.recognition.lines.windows import read_crops
from crnn_ocr.recognition.network.load import load_recognizer
from crnn_ocr.settings import load_settings

Pixels = NDArray[np.uint8]
Damage = Callable[[Pixels], Pixels]

LIMITS = Limits(max_bytes=1 << 28, max_pixels=10**9, max_side=10**6, max_pages=1)

SWITCHES: dict[str, ReadOptions] = {
    "all off": ReadOptions(grey="off", clahe="off", denoise="off"),
    "grey on": ReadOptions(grey="on", clahe="off", denoise="off"),
    "CLAHE on": ReadOptions(grey="off", clahe="on", denoise="off"),
    "contrast auto": ReadOptions(grey="off", clahe="auto", denoise="off"),
    "denoise on": ReadOptions(grey="auto", clahe="off", denoise="on"),
    "denoise auto": ReadOptions(grey="auto", clahe="off", denoise="auto"),
    "all auto": ReadOptions(),
}


# ---- damages


def contrast(factor: float) -> Damage:
    """Pull all grey levels towards their mean."""

    def apply(image: Pixels) -> Pixels:
        mean = float(image.mean())
        values = (image.astype(np.float32) - mean) * factor + mean
        return np.asarray(np.clip(values, 0, 255), np.uint8)

    return apply


def half(damage: Damage) -> Damage:
    """Damage only the right half."""

    def apply(image: Pixels) -> Pixels:
        middle = image.shape[1] // 2
        return np.ascontiguousarray(np.hstack([image[:, :middle], damage(image)[:, middle:]]))

    return apply


def dark(factor: float) -> Damage:
    """Underexpose."""
    return lambda image: (image * factor).astype(np.uint8)


def shade(last: float) -> Damage:
    """Darken from left to right, down to this share."""

    def apply(image: Pixels) -> Pixels:
        light = np.geomspace(1, last, image.shape[1])
        return (image * (light[:, None] if image.ndim == 3 else light)).astype(np.uint8)

    return apply


def noise(deviation: float, *, coloured: bool = True) -> Damage:
    """Add Gaussian noise, the same in all channels or not."""

    def apply(image: Pixels) -> Pixels:
        shape = image.shape if coloured or image.ndim == 2 else (*image.shape[:2], 1)
        values = image + np.random.default_rng(1).normal(0, deviation, shape)
        return np.clip(values, 0, 255).astype(np.uint8)

    return apply


def jpeg(quality: int) -> Damage:
    """Compress strongly as JPEG."""

    def apply(image: Pixels) -> Pixels:
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), np.uint8)

    return apply


def blur(deviation: float) -> Damage:
    """Blur with a Gaussian; the deviation is in pixels."""
    return lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), deviation), np.uint8)


def chain(*damages: Damage) -> Damage:
    """Return a damage that applies several one after the other."""

    def apply(image: Pixels) -> Pixels:
        for damage in damages:
            image = damage(image)
        return image

    return apply


DAMAGES: dict[str, Damage] = {
    "none": lambda image: image,
    "contrast 0.3": contrast(0.3),
    "contrast 0.15": contrast(0.15),
    "contrast 0.08": contrast(0.08),
    "contrast 0.04": contrast(0.04),
    "right half at 0.06": half(contrast(0.06)),
    "dark 0.06": dark(0.06),
    "light falls to 0.03": shade(0.03),
    "noise 10": noise(10),
    "noise 20": noise(20),
    "noise 40": noise(40),
    "noise 20, grey": noise(20, coloured=False),
    "noise 40, grey": noise(40, coloured=False),
    "dark 0.25, noise 10": chain(dark(0.25), noise(10)),
    "contrast 0.2, noise 8": chain(contrast(0.2), noise(8)),
    "JPEG quality 8": jpeg(8),
    "blur 1.5": blur(1.5),
}


# ---- reading


@dataclass(frozen=True)
class Cell:
    """One figure of a table: the score in percent, and CPU milliseconds per picture of enhancing alone."""

    score: float
    enhance_ms: float


def load_pictures(names: Sequence[str], every: int) -> list[tuple[Sample, Pixels]]:
    """Return the samples of several folders with their pixels."""
    samples = [sample for name in names for sample in datasets.load(name)[::every]]
    return [(sample, next(iter(decode_pages(sample.path.read_bytes(), LIMITS)))) for sample in samples]


@cache
def engine() -> OCR:
    """Return our engine on one thread, so that CPU times are comparable."""
    return OCR(threads=1)


def read_page(image: Pixels) -> list[str]:
    """Return the lines of a picture that has been enhanced already."""
    document = engine().read(image, SWITCHES["all off"])
    return [line.text for line in document.pages[0].lines]


@cache
def _line_reader() -> Callable[[Pixels], str]:
    settings = load_settings()
    recognizer = load_recognizer(Registry(settings.models_dir), settings.model, cache_dir=settings.cache_dir)
    return lambda image: read_crops(recognizer, [image])[0].text


def read_line(image: Pixels) -> list[str]:
    """Return the text of one line, read by the recogniser alone."""
    return [_line_reader()(image)]


def switch_row(
    pictures: Sequence[tuple[Sample, Pixels]], damage: Damage, *, page: bool, switches: Sequence[str]
) -> list[Cell]:
    """Read all pictures with one damage under each switch."""
    damaged = [damage(image) for _, image in pictures]
    qualities = [measure(image) for image in damaged]
    known: list[dict[bytes, list[str]]] = [
        {} for _ in pictures
    ]  # where a switch does nothing, nothing is read
    cells = []
    for name in switches:
        start = time.process_time()
        enhanced = [
            enhance(image, SWITCHES[name], quality) for image, quality in zip(damaged, qualities, strict=True)
        ]
        spent = 1000 * (time.process_time() - start) / len(pictures)
        answers = []
        for image, readings in zip(enhanced, known, strict=True):
            key = image.tobytes()
            if key not in readings:
                readings[key] = read_page(image) if page else read_line(image)
            answers.append(readings[key])
        cells.append(Cell(_score(pictures, answers, page=page), spent))
    return cells


def _score(pictures: Sequence[tuple[Sample, Pixels]], answers: Sequence[list[str]], *, page: bool) -> float:
    pairs = [(sample.truth, answer) for (sample, _), answer in zip(pictures, answers, strict=True)]
    if page:
        return metrics.score_pages(pairs).f1
    return metrics.score_lines([(truth, "".join(answer)) for truth, answer in pairs]).cer


def switch_table(
    pictures: Sequence[tuple[Sample, Pixels]], damages: Sequence[str], *, page: bool, switches: Sequence[str]
) -> list[dict[str, object]]:
    """Print the table of all damages and switches, and return its figures."""
    rows: list[list[str]] = []
    results: list[dict[str, object]] = []
    for damage in damages:
        cells = switch_row(pictures, DAMAGES[damage], page=page, switches=switches)
        rows.append([damage, *(f"{cell.score:.2f}" for cell in cells)])
        for name, cell in zip(switches, cells, strict=True):
            results.append(
                {"damage": damage, "switch": name, "score": cell.score, "enhance_ms": cell.enhance_ms}
            )
        print(f"{'pages' if page else 'lines'}: {' '.join(rows[-1])}", file=sys.stderr, flush=True)
    print(report.table(["damage", *switches], rows))
    return results


# ---- where reading collapses


def blur_table(pictures: Sequence[tuple[Sample, Pixels]]) -> list[dict[str, object]]:
    """Print CER against blur as a share of the line's height, both given and measured."""
    results: list[dict[str, object]] = []
    rows = []
    for share in (0.0, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.10, 0.12, 0.15):
        blurred = [blur(share * image.shape[0])(image) if share else image for _, image in pictures]
        measured = [
            quality.blur / image.shape[0] for image in blurred if (quality := measure(image)).blur is not None
        ]
        cer = _score(pictures, [read_line(image) for image in blurred], page=False)
        seen = f"{np.median(measured):.3f}" if measured else "too few edges"
        rows.append([f"{share:.2f}", seen, f"{cer:.2f}"])
        results.append({"blur": share, "measured": seen, "cer": cer})
    print(report.table(["blur / line height", "measured (median)", "CER"], rows))
    return results


def height_table(pictures: Sequence[tuple[Sample, Pixels]]) -> list[dict[str, object]]:
    """Print CER against the height of a line."""
    results: list[dict[str, object]] = []
    rows = []
    for height in (24, 16, 14, 12, 11, 10, 9, 8, 7, 6):
        small = [
            np.asarray(
                cv2.resize(
                    image,
                    (max(1, round(image.shape[1] * height / image.shape[0])), height),
                    interpolation=cv2.INTER_AREA,
                ),
                np.uint8,
            )
            for _, image in pictures
        ]
        cer = _score(pictures, [read_line(image) for image in small], page=False)
        rows.append([str(height), f"{cer:.2f}"])
        results.append({"height": height, "cer": cer})
    print(report.table(["line height, pixels", "CER"], rows))
    return results


def cost_table() -> list[dict[str, object]]:
    """Print the CPU time of each step on noise of one million pixels, colour and grey."""
    colour = noise(15)(np.full((1000, 1000, 3), 200, np.uint8))
    quality = Quality(brightness=200, contrast=30, noise=15, blur=None)
    results: list[dict[str, object]] = []
    rows = []
    steps: dict[str, Callable[[Pixels], object]] = {"measuring": measure}
    for name in ("grey on", "CLAHE on", "contrast auto", "denoise on"):
        options = SWITCHES[name]
        steps[name] = lambda image, options=options: enhance(image, options, quality)  # type: ignore[misc]
    for name, step in steps.items():
        times = []
        for image in (colour, grey_of(colour)):
            step(image)
            start = time.process_time()
            for _ in range(3):
                step(image)
            times.append(1000 * (time.process_time() - start) / 3)
        rows.append([name, *(f"{spent:.1f}" for spent in times)])
        results.append({"step": name, "colour_ms": times[0], "grey_ms": times[1]})
    print(report.table(["CPU ms per million pixels", "colour", "grey"], rows))
    return results


def main() -> None:
    """Measure, print Markdown, keep JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages-every", type=int, default=1, help="read every Nth page only")
    parser.add_argument("--lines-every", type=int, default=1, help="read every Nth line only")
    parser.add_argument(
        "--damages", type=lambda text: text.split(";"), default=list(DAMAGES), help=";".join(DAMAGES)
    )
    parser.add_argument(
        "--parts",
        type=lambda text: text.split(","),
        default=["pages", "lines", "limits", "cost"],
        help="of pages,lines,limits,cost",
    )
    arguments = parser.parse_args()
    if wrong := set(arguments.damages) - set(DAMAGES):
        parser.error(f"no such damage: {', '.join(sorted(wrong))}")
    cv2.setNumThreads(1)
    results: dict[str, object] = {}
    if "pages" in arguments.parts:
        pages = load_pictures(["pages_zh", "pages_en"], arguments.pages_every)
        print(report.heading(f"{len(pages)} pages end to end: character F1"))
        results["pages"] = switch_table(pages, arguments.damages, page=True, switches=list(SWITCHES))
    lines = load_pictures(["lines_zh", "lines_latin"], arguments.lines_every)
    if "lines" in arguments.parts:
        print(report.heading(f"{len(lines)} lines, recogniser alone: CER without white space"))
        results["lines"] = switch_table(lines, arguments.damages, page=False, switches=list(SWITCHES))
    if "limits" in arguments.parts:
        flat = [(sample, image) for sample, image in lines if image.shape[1] > image.shape[0]]
        print(report.heading(f"{len(flat)} lines, blurred and scaled down"))
        results["blur"] = blur_table(flat)
        results["height"] = height_table(flat)
    if "cost" in arguments.parts:
        print(report.heading("Cost"))
        results["cost"] = cost_table()
    print(f"\nKept in {report.save('enhancement', results)}")


if __name__ == "__main__":
    main()
