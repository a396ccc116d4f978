"""The lines that INT8 is calibrated with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from crnn_ocr.training.deliver.pack import calibration_lines


def test_calibration_lines_are_of_every_width_and_always_the_same(data: Path) -> None:
    lines = calibration_lines(data, 48, 12)
    widths = np.array([line.shape[1] for line in lines])
    assert {line.shape[0] for line in lines} == {48}
    assert np.all(np.diff(widths) >= 0)
    assert widths[-1] > 2.5 * widths[0]
    steps = np.linspace(widths[0], widths[-1], 12)
    assert np.abs(widths - steps).max() < 0.25 * (widths[-1] - widths[0])
    again = calibration_lines(data, 48, 12)
    assert all(np.array_equal(a, b) for a, b in zip(lines, again, strict=True))
