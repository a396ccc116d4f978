"""Held-out lines for commands: drawn where the training data allow it, else the pictures that came along.

A bundle (see `bundle`) holds neither the held-out texts nor the held-out faces, but lines drawn of them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.errors import TrainingError
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.training.data import bundle, heldout_sets
from crnn_ocr.training.data.dataset import SampleConfig
from crnn_ocr.training.deliver import pack
from crnn_ocr.training.fit.evaluate import read_folder, scale

Image = NDArray[np.uint8]


def source_height(manifest: Manifest) -> int:
    """Height at which lines are drawn for a pack, in pixels: that at which they get their full width.

    A network of height 32 and stretch 1.5 gets lines of height 48, and flattens them itself as it does those
    of the engine.
    """
    return round(manifest.input_height * manifest.stretch)


def lines(name: str, config: SampleConfig, count: int) -> list[tuple[Image, str]]:
    """Return the lines of a held-out set, (H, W, 3) BGR and what they say; always the same for the same data.

    Args:
        name: Of the set (`heldout_sets.HELD_OUT`).
        config: What is drawn; pictures that came with the data keep their own height.
        count: How many at most; a bundle brings a hundred of each set, unless it says otherwise.

    Raises:
        TrainingError: No set has that name, or nothing of it can be drawn or read.
    """
    if name in heldout_sets.HELD_OUT and (brought := config.data / bundle.HELD_OUT_LINES / name).is_dir():
        return read_folder(brought)[:count]
    return heldout_sets.heldout(name, config, count)


def calibration_lines(data: Path, height: int) -> list[Image]:
    """Return lines of that height, their widths spread evenly, for the calibration of INT8.

    Args:
        data: Folder of the training data.
        height: Of the network's input, in pixels.

    Raises:
        TrainingError: Nothing can be drawn or read.
    """
    folder = data / bundle.HELD_OUT_LINES
    if not folder.is_dir():
        return pack.calibration_lines(data, height)
    names = [name for name in heldout_sets.HELD_OUT if (folder / name).is_dir()]
    brought = [scale(image, height) for name in names for image, _ in read_folder(folder / name)]
    if not brought:
        raise TrainingError(
            f"There are no lines in {folder}.", hint="Restore the bundle again: crnn-ocr train unbundle."
        )
    brought.sort(key=lambda line: line.shape[1])
    spread = np.linspace(0, len(brought) - 1, min(pack.CALIBRATION_LINES, len(brought)))
    return [brought[round(at)] for at in spread]
