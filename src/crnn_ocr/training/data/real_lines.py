"""Lines of real pages among the drawn ones: pictures that `crnn-ocr train label` has cut out and labelled."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.data.batches import Sampler
from crnn_ocr.training.labelling.lines import LabelledLine, read_lines
from crnn_ocr.training.synth.rescan import rescanned
from crnn_ocr.training.text.charset import spell
from crnn_ocr.training.types import Image

#: Pages whose lines are at hand, and lines that are taken on average before another page replaces one.
_POOL, _LINES_PER_PAGE = 40, 20
#: Share of the lines that are shown as they are.
_AS_THEY_ARE = 0.25


class RealLines:
    """An endless source of lines of real pages; a line whose label is less certain comes less often."""

    def __init__(self, folder: Path, seed: int, *, height: int, max_width: int) -> None:
        """Look for labelled pages.

        Args:
            folder: Where `crnn-ocr train label` has written them.
            seed: Of what is drawn.
            height: Height of the lines that are given, in pixels.
            max_width: Greatest width of them, in pixels; wider lines are left out.

        Raises:
            TrainingError: There is no labelled page.
        """
        self._files = sorted(folder.glob("*.zip"))
        if not self._files:
            raise TrainingError(f"{folder} holds no labelled page.", hint="crnn-ocr train label makes them.")
        self._rng = random.Random(seed)  # noqa: S311
        self._height, self._max_width = height, max_width
        self._pool: list[list[LabelledLine]] = []

    def sample(self) -> tuple[Image, str]:
        """Return a line (height, W, 3) BGR and what it says.

        Raises:
            TrainingError: Hardly any line has a label.
        """
        rng = self._rng
        for _ in range(10_000):
            page = self._page()
            if not page:
                continue
            line = rng.choice(page)
            if rng.random() >= line.label.weight:
                continue
            picture = line.picture if rng.random() < _AS_THEY_ARE else rescanned(line.picture, rng)
            width = max(8, round(picture.shape[1] * self._height / picture.shape[0]))
            if width > self._max_width:
                continue
            way = cv2.INTER_AREA if picture.shape[0] > self._height else cv2.INTER_LINEAR
            resized = cv2.resize(picture, (width, self._height), interpolation=way)
            return np.asarray(resized, np.uint8), spell(line.label.text)
        raise TrainingError("Hardly any line of the labelled pages has a label.")

    def _page(self) -> list[LabelledLine]:
        """Return the lines of a page of the pool, which changes now and then."""
        rng = self._rng
        if len(self._pool) < min(_POOL, len(self._files)):
            self._pool.append(list(read_lines(rng.choice(self._files))))
        elif rng.random() < 1 / _LINES_PER_PAGE:
            self._pool[rng.randrange(len(self._pool))] = list(read_lines(rng.choice(self._files)))
        return rng.choice(self._pool)


class Mixed:
    """A source that takes a share of its lines from a second one."""

    def __init__(self, usual: Sampler, second: Sampler, share: float, seed: int) -> None:
        self._usual, self._second, self._share = usual, second, share
        self._rng = random.Random(seed)  # noqa: S311

    def sample(self) -> tuple[Image, str]:
        """Return a line of either."""
        return (self._second if self._rng.random() < self._share else self._usual).sample()


def with_real_lines(
    make: Callable[[int], Sampler], folder: Path, share: float, *, height: int, max_width: int
) -> Callable[[int], Sampler]:
    """Return what makes a mixed source from a seed; it can be pickled.

    Args:
        make: Makes the usual source from a seed.
        folder: Of labelled pages.
        share: Share of real lines, 0 to 1.
        height: Height of the lines, in pixels.
        max_width: Greatest width of real lines, in pixels.
    """
    return partial(_mixed, make, folder, share, height, max_width)


def _mixed(
    make: Callable[[int], Sampler], folder: Path, share: float, height: int, max_width: int, seed: int
) -> Sampler:
    real = RealLines(folder, seed + 1, height=height, max_width=max_width)
    return Mixed(make(seed), real, share, seed + 2)
