"""Measures a pack as the engine runs it: accuracy on labelled lines, time per line, in every precision."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from crnn_ocr.errors import TrainingError
from crnn_ocr.models.manifest import Manifest, Precision, read_manifest
from crnn_ocr.models.registry import Pack
from crnn_ocr.recognition.network.load import load_pack
from crnn_ocr.recognition.network.recognizer import CtcRecognizer
from crnn_ocr.runtime.cpu import LEAST_SECONDS
from crnn_ocr.training.data.dataset import SampleConfig
from crnn_ocr.training.data.heldout_sets import heldout
from crnn_ocr.training.deliver.measurements import Accuracy, Cost, Measurements, tables
from crnn_ocr.training.deliver.reliability import with_section
from crnn_ocr.training.fit import evaluate
from crnn_ocr.training.types import Image

HEADING = "## Measured"
_THREADS = (1, 2)
RUNS = 60
"""Of which the median time is taken."""


@dataclass(frozen=True)
class Rendered:
    """Held-out sets to draw.

    Attributes:
        data: Folder of the training data.
        names: Of the sets (`heldout_sets.HELD_OUT`).
        count: Lines of each of them.
    """

    data: Path
    names: tuple[str, ...]
    count: int


def source_height(manifest: Manifest) -> int:
    """Return the height at which lines are drawn for a pack, in pixels: where they have their full width.

    A network of height 32 and stretch 1.5 gets lines of height 48, and flattens them as it does the engine's.
    """
    return round(manifest.input_height * manifest.stretch)


def measure(
    folder: Path,
    sets: Sequence[Path],
    rendered: Rendered | None = None,
    *,
    machine: str = "",
    remarks: str = "",
) -> Measurements:
    """Measure a pack.

    Args:
        folder: Of the pack.
        sets: Folders of line pictures with `labels.tsv`; in those called `lines_en` case does not count.
        rendered: Held-out sets that are measured, too; drawn as high as the pack's manifest asks for.
        machine: CPU and the like.
        remarks: Sentences for the card.

    Raises:
        ModelBrokenError: The pack cannot be loaded.
        TrainingError: A set cannot be read.
    """
    pack = Pack(folder, read_manifest(folder / "manifest.json"))
    labelled = [(path.name, evaluate.read_folder(path)) for path in sets]
    if rendered is not None:
        config = SampleConfig(rendered.data, height=source_height(pack.manifest))
        labelled += [(name, heldout(name, config, rendered.count)) for name in rendered.names]
    precisions: list[Precision] = ["int8", "fp32"] if pack.manifest.precision == "int8" else ["fp32"]
    accuracy, cost = [], []
    for precision in precisions:
        recognizer = load_pack(pack, precision=precision)
        for name, pairs in labelled:
            ignore_case = name == "lines_en"
            shown = tqdm(pairs, f"{name} {precision}", unit="line", disable=None)
            read = [read_line(recognizer, picture) for picture, _ in shown]
            score = evaluate.score(read, [text for _, text in pairs], ignore_case=ignore_case)
            accuracy.append(
                Accuracy(
                    set=name,
                    precision=precision,
                    lines=score.lines,
                    cer=round(score.cer, 6),
                    exact=round(score.exact, 6),
                    ignore_case=ignore_case,
                )
            )
    for precision in precisions:
        for threads in _THREADS:
            recognizer = load_pack(pack, precision=precision, threads=threads)
            cpu, wall = _milliseconds(recognizer)
            cost.append(Cost(precision=precision, threads=threads, cpu_ms=cpu, wall_ms=wall))
    return Measurements(machine=machine, accuracy=tuple(accuracy), cost=tuple(cost), remarks=remarks)


def write_section(folder: Path, measured: Measurements) -> Path:
    """Put the tables into the pack's card; returns its path.

    Raises:
        TrainingError: There is no card, or it cannot be written.
    """
    path = folder / "CARD.md"
    try:
        text = with_section(path.read_text(encoding="utf-8"), tables(measured), HEADING)
        partial = path.with_suffix(".part")
        partial.write_text(text, encoding="utf-8")
        return partial.replace(path)
    except OSError as error:
        raise TrainingError(f"The card {path} cannot be written: {error.strerror}.") from error


def read_line(recognizer: CtcRecognizer, picture: Image) -> str:
    """Return the text of one uint8 (H, W, 3) BGR line, its windows read one after the other."""
    line = recognizer.prepare(picture)
    return recognizer.decode(line, [recognizer.infer(window) for window in line.windows]).text


def _milliseconds(recognizer: CtcRecognizer) -> tuple[float, float]:
    """Return CPU and wall time of one line of the shape of 48×320, medians in milliseconds.

    Where the CPU's clock is so coarse that most runs take no time by it, CPU time is the mean of all runs.
    """
    noise = np.random.default_rng(0).integers(0, 256, (48, 320, 3)).astype(np.uint8)
    (window,) = recognizer.prepare(np.asarray(cv2.GaussianBlur(noise, (3, 3), 0), np.uint8)).windows

    def timed(clock: Callable[[], float]) -> float:
        began = clock()
        recognizer.infer(window)
        return 1000 * (clock() - began)

    for _ in range(5):
        recognizer.infer(window)
    spent = [timed(time.process_time) for _ in range(RUNS)]
    cpu = max(float(np.median(spent)) or float(np.mean(spent)), 1000 * LEAST_SECONDS)
    wall = float(np.median([timed(time.perf_counter) for _ in range(RUNS)]))
    return round(cpu, 3), round(wall, 3)
