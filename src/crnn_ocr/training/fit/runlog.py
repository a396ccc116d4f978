"""The record of a run: two CSV files, appended to by every resumption, and a picture of their curves."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from crnn_ocr.errors import MissingExtraError, TrainingError
from crnn_ocr.training.fit.evaluate import Score

LOSSES = "losses.csv"
SCORES = "scores.csv"
LOSS_COLUMNS = ("seconds", "step", "lines", "rate", "ctc", "distil", "norm", "lines_per_second", "waiting")
SCORE_COLUMNS = ("seconds", "step", "lines", "set", "count", "cer", "exact", "confidence")


class RunLog:
    """The CSV files of a run's folder, open for more rows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def losses(self, row: Mapping[str, float]) -> None:
        """Append one row of `LOSS_COLUMNS`."""
        self._append(LOSSES, LOSS_COLUMNS, [f"{row[name]:.6g}" for name in LOSS_COLUMNS])

    def scores(self, counters: Mapping[str, float], scores: Mapping[str, Score]) -> None:
        """Append one row of `SCORE_COLUMNS` for every set."""
        for name, value in scores.items():
            place = [f"{counters['seconds']:.0f}", f"{counters['step']:.0f}", f"{counters['lines']:.0f}"]
            measured = [f"{value.cer:.5f}", f"{value.exact:.5f}", f"{value.confidence:.4f}"]
            self._append(SCORES, SCORE_COLUMNS, [*place, name, str(value.lines), *measured])

    def _append(self, name: str, columns: Sequence[str], row: Sequence[str]) -> None:
        path = self._folder / name
        fresh = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(columns)
            writer.writerow(row)


def plot(folder: Path, target: Path | None = None) -> Path:
    """Draw losses and error rates of the run in `folder`.

    Args:
        folder: Where `losses.csv` and `scores.csv` are.
        target: PNG to write; `curve.png` in the folder by default.

    Raises:
        MissingExtraError: matplotlib is not installed.
        TrainingError: There is no such folder, a file of it is damaged, or the picture cannot be written.
    """
    if not folder.is_dir():
        raise TrainingError(
            f"There is no run in {folder}: it is no folder.",
            hint="Name the folder that `train fit` wrote to.",
        )
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "Curves are drawn by matplotlib.", hint="Install it: pip install 'crnn-ocr[train]'."
        ) from error
    target = target or folder / "curve.png"
    losses = _rows(folder / LOSSES, ("seconds", "ctc", "distil"))
    scores = _rows(folder / SCORES, ("seconds", "cer"))
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    minutes = [values["seconds"] / 60 for _, values in losses]
    for column, label in (("ctc", "CTC per character"), ("distil", "distillation")):
        values = [row[column] for _, row in losses]
        if any(values):
            left.plot(minutes, values, label=label, linewidth=0.8)
            left.set_yscale("log")
    left.set(xlabel="minutes of training", ylabel="loss", title="Losses")
    sets: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for name, row in scores:
        sets[name].append((row["seconds"] / 60, max(0.01, 100 * row["cer"])))
    for name, points in sorted(sets.items()):
        right.plot(*zip(*points, strict=True), marker=".", label=name)
        right.set_yscale("log")
    right.set(xlabel="minutes of training", ylabel="character error rate, %", title="Error rates")
    for axes in (left, right):
        axes.grid(visible=True, which="both", alpha=0.25)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    partial = target.with_suffix(".part.png")
    try:
        figure.savefig(partial, dpi=110)
        return partial.replace(target)
    except OSError as error:
        raise TrainingError(f"The curve {target} cannot be written: {error.strerror}.") from error


def _rows(path: Path, columns: Sequence[str]) -> list[tuple[str, dict[str, float]]]:
    """Return the name of the set (or nothing) and the numbers of every row; none where there is no file yet.

    Raises:
        TrainingError: The file cannot be read, or a row has not these columns of numbers.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            try:
                return [
                    (row.get("set") or "", {name: float(row[name]) for name in columns}) for row in reader
                ]
            except (KeyError, TypeError, ValueError, csv.Error) as error:
                raise TrainingError(
                    f"{path}, row {reader.line_num}: it must hold numbers for {', '.join(columns)}.",
                    hint="A run that was stopped may have left the row unfinished: delete it.",
                ) from error
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TrainingError(f"{path} cannot be read: {error.strerror}.") from error
