"""Number plates: a tiny network, and lines that it can learn by heart in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # it needs PyTorch, and this file is read where there is none, too
    from crnn_ocr.training.nets.crnn import NetConfig

CHARACTERS = ("", *"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ ")


class Plates:
    """Draws a fixed number of different short texts, over and over."""

    def __init__(self, seed: int, kinds: int = 8) -> None:
        rng = np.random.default_rng(seed)
        self._texts = ["".join(rng.choice(list(CHARACTERS[1:37]), int(n))) for n in rng.integers(2, 7, kinds)]
        self._next = 0

    def sample(self) -> tuple[NDArray[np.uint8], str]:
        text = self._texts[self._next % len(self._texts)]
        self._next += 1
        image = np.full((16, 12 * len(text) + 8, 3), 230, np.uint8)
        cv2.putText(image, text, (3, 13), cv2.FONT_HERSHEY_PLAIN, 1.0, (20, 30, 40), 1)
        return image, text


def small_shape(classes: int) -> NetConfig:
    """A network that learns in seconds."""
    from crnn_ocr.training.nets.crnn import NetConfig

    return NetConfig(
        classes,
        height=16,
        stem=8,
        widths=(16, 16, 32),
        depths=(1, 1, 3),
        stride=4,
        neck=32,
        hidden=16,
        embed=24,
        dropout=0.0,
    )
