"""The record of a run: two CSV files that `plots` draws, appended to by every resumption."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from crnn_ocr.training.fit.evaluate import Score

LOSSES = "losses.csv"
SCORES = "scores.csv"
LOSS_COLUMNS = ("seconds", "step", "lines", "rate", "ctc", "distil", "norm", "lines_per_second", "waiting")
SCORE_COLUMNS = ("seconds", "step", "lines", "set", "count", "cer", "exact", "confidence")


class RunLog:
    """Appends to the CSV files of a run's folder."""

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
