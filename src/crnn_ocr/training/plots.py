"""The curves of a run as a picture (matplotlib, part of the extra `train`)."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

from crnn_ocr.errors import MissingExtraError
from crnn_ocr.training.runlog import LOSSES, SCORES


def plot(folder: Path, target: Path | None = None) -> Path:
    """Draw losses and error rates of the run in `folder`.

    Args:
        folder: Where `losses.csv` and `scores.csv` are.
        target: PNG to write; `curve.png` in the folder by default.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "Curves are drawn by matplotlib.", hint="Install it: pip install 'crnn-ocr[train]'."
        ) from error
    target = target or folder / "curve.png"
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    losses = _rows(folder / LOSSES)
    minutes = [float(row["seconds"]) / 60 for row in losses]
    for column, label in (("ctc", "CTC per character"), ("distil", "distillation")):
        values = [float(row[column]) for row in losses]
        if any(values):
            left.plot(minutes, values, label=label, linewidth=0.8)
            left.set_yscale("log")
    left.set(xlabel="minutes of training", ylabel="loss", title="Losses")
    sets: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in _rows(folder / SCORES):
        sets[row["set"]].append((float(row["seconds"]) / 60, max(0.01, 100 * float(row["cer"]))))
    for name, points in sorted(sets.items()):
        right.plot(*zip(*points, strict=True), marker=".", label=name)
        right.set_yscale("log")
    right.set(xlabel="minutes of training", ylabel="character error rate, %", title="Error rates")
    for axes in (left, right):
        axes.grid(visible=True, which="both", alpha=0.25)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8)
    partial = target.with_suffix(".part.png")
    figure.savefig(partial, dpi=110)
    partial.replace(target)
    return target


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
