"""Batches of lines: rendered, encoded, and shown to the teacher.

Lines of like width share a batch; its width is a multiple of 32 pixels with at least 16 behind every line, as
the engine pads them (`recognition.network.buckets`).

Batches come in two manners. For CPUs lines are sorted by width, a few hundred at a time, and cut: little is
padded in vain. For graphics cards (`steady`) lines gather by width until a batch of always the same size is
full: a card's libraries plan every layer anew for every new shape, and its memory is cut to pieces.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.nets.teacher import STEP_PIXELS, Teacher, agrees

MARGIN = 16
WIDTH_STEP = 32
GREY = 127

Line = tuple[NDArray[np.uint8], str]
"""A picture (H, W, 3) and what it says."""


class Sampler(Protocol):
    """A source of training lines."""

    def sample(self) -> tuple[NDArray[np.uint8], str]:
        """Return a (height, W, 3) BGR picture and what it says."""


@dataclass(frozen=True)
class TeacherFiles:
    """A teacher's files, and what brings its numbers to mean 0 and variance 1.

    Attributes:
        model: ONNX file.
        dictionary: Its characters.
        mean: (D,) mean of the embedding.
        std: Root of the mean variance of its numbers; one figure for all, so that angles are kept.
        distrust: Weight of a line that the teacher misread.
    """

    model: Path
    dictionary: Path
    mean: NDArray[np.float32] | None = None
    std: float = 1.0
    distrust: float = 0.2


@dataclass(frozen=True)
class LoaderConfig:
    """The settings of batches.

    Attributes:
        height: Pixels of a line, as it is drawn and shown to the teacher.
        shown: Pixels of height at which the student sees it, the width unchanged; as drawn when None.
        stride: Pixels per time step of the student.
        batch_pixels: Width of a batch's lines together, in pixels.
        batch_lines: Most lines of a batch.
        max_width: Wider lines are left out.
        pool: Lines that are sorted by width at a time.
        steady: Whether all batches of a width have the same number of lines; `pool` does not count then.
        teacher_share: Share of the batches that the teacher sees.
        workers: Processes.
        nice: Added to the workers' niceness.
        seed: Of the whole run; every resumption takes another.
    """

    height: int = 48
    shown: int | None = None
    stride: int = 8
    batch_pixels: int = 12288
    batch_lines: int = 64
    max_width: int = 1280
    pool: int = 192
    steady: bool = False
    teacher_share: float = 1.0
    workers: int = 2
    nice: int = 0
    seed: int = 0

    @property
    def batch_bytes(self) -> int:
        """Room for a batch's pictures, half as much again for everything else."""
        widest = max(self.batch_pixels, self.max_width) + self.batch_lines * (MARGIN + WIDTH_STEP)
        return widest * self.height * 3 * 3 // 2


@dataclass(frozen=True)
class Batch:
    """N lines of like width.

    Attributes:
        images: uint8 (N, H, W, 3) BGR.
        widths: int64 (N,) pixels of content.
        labels: int64 (sum of label_lengths,) class numbers, joined.
        label_lengths: int64 (N,).
        teacher: float16 (N, W / 8, D) the teacher's embedding, normalised; None without a teacher.
        trust: float32 (N,) 1 where the teacher read the line rightly.
        left_out: Lines that could not be used since the last batch.
    """

    images: NDArray[np.uint8]
    widths: NDArray[np.int64]
    labels: NDArray[np.int64]
    label_lengths: NDArray[np.int64]
    teacher: NDArray[np.float16] | None
    trust: NDArray[np.float32]
    left_out: int = 0


class BatchMaker:
    """A maker of batches from a stream of lines, in this process."""

    def __init__(
        self,
        sampler: Sampler,
        characters: Sequence[str],
        config: LoaderConfig,
        teacher: TeacherFiles | None,
        seed: int,
    ) -> None:
        self._sampler = sampler
        self._ids = {text: number for number, text in enumerate(characters) if number}
        self._config = config
        self._files = teacher
        self._teacher = Teacher(teacher.model, teacher.dictionary) if teacher else None
        self._rng = np.random.default_rng(seed)
        self._left_out = 0

    def batches(self) -> Iterator[Batch]:
        """Give batches without end."""
        if self._config.steady:
            yield from self._steady()
            return
        while True:
            lines = sorted(
                (self._line() for _ in range(self._config.pool)), key=lambda line: line[0].shape[1]
            )
            groups = list(_cut(lines, self._config))
            for index in self._rng.permutation(len(groups)):
                yield self._batch(groups[index])

    def _steady(self) -> Iterator[Batch]:
        """Give batches of a size that depends on their width alone, each as soon as it is full."""
        config = self._config
        gathered: dict[int, list[Line]] = {}
        while True:
            line = self._line()
            width = steady_width(line[0].shape[1] + MARGIN)
            lines = gathered.setdefault(width, [])
            lines.append(line)
            if len(lines) >= steady_lines(width, config):
                yield self._batch(lines, width)
                del gathered[width]

    def _line(self) -> Line:
        """Return the next line that can be learnt: known characters, enough time steps for them."""
        for _ in range(1000):
            image, text = self._sampler.sample()
            width = image.shape[1]
            repeats = sum(a == b for a, b in itertools.pairwise(text))
            fits = 0 < width <= self._config.max_width and len(text) + repeats <= width // self._config.stride
            if text and fits and image.shape[0] == self._config.height and all(c in self._ids for c in text):
                return image, text
            self._left_out += 1
        raise TrainingError(
            "A thousand lines in a row cannot be learnt: empty, too wide, too crowded, unknown characters.",
            hint="Check the text sources against the character set.",
        )

    def _batch(self, lines: Sequence[Line], width: int | None = None) -> Batch:
        widths = np.array([image.shape[1] for image, _ in lines], np.int64)
        width = width or -(-(int(widths.max()) + MARGIN) // WIDTH_STEP) * WIDTH_STEP
        images = np.full((len(lines), self._config.height, width, 3), GREY, np.uint8)
        for row, (image, _) in zip(images, lines, strict=True):
            row[:, : image.shape[1]] = image
        labels = [[self._ids[c] for c in text] for _, text in lines]
        wanted, trust = self._taught(images, widths, [text for _, text in lines])
        left_out, self._left_out = self._left_out, 0
        return Batch(
            images if self._config.shown is None else self._flattened(images, self._config.shown),
            widths,
            np.array([number for label in labels for number in label], np.int64),
            np.array([len(label) for label in labels], np.int64),
            wanted,
            trust,
            left_out,
        )

    def _flattened(self, images: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
        """Scale the height of uint8 (N, H, W, 3), sharply or softly: engines do it straight from the crop."""
        how = cv2.INTER_AREA if self._rng.random() < 0.5 else cv2.INTER_LINEAR
        size = (images.shape[2], height)
        flat = [np.asarray(cv2.resize(image, size, interpolation=how), np.uint8) for image in images]
        return np.stack(flat)

    def _taught(
        self, images: NDArray[np.uint8], widths: NDArray[np.int64], texts: Sequence[str]
    ) -> tuple[NDArray[np.float16] | None, NDArray[np.float32]]:
        trust = np.ones(len(texts), np.float32)
        if self._teacher is None or self._files is None or self._rng.random() >= self._config.teacher_share:
            return None, trust
        embedded = self._teacher.embed(images, widths)
        for row, (width, text) in enumerate(zip(widths, texts, strict=True)):
            steps = -(-int(width) // STEP_PIXELS) + 1
            if not agrees(self._teacher.read(embedded[row, :steps]), text):
                trust[row] = self._files.distrust
        mean = 0.0 if self._files.mean is None else self._files.mean
        return ((embedded - mean) / self._files.std).astype(np.float16), trust


def steady_width(width: int) -> int:
    """Return the width of the steady batches that take `width` pixels: steps of 32, then 64, then 128."""
    step = WIDTH_STEP if width <= 256 else 2 * WIDTH_STEP if width <= 768 else 4 * WIDTH_STEP
    return -(-width // step) * step


def steady_lines(width: int, config: LoaderConfig) -> int:
    """Return the number of lines of a steady batch of that width, a multiple of 8 where there are as many."""
    lines = max(1, min(config.batch_lines, config.batch_pixels // width))
    return lines // 8 * 8 or lines


def _cut(lines: Sequence[Line], config: LoaderConfig) -> Iterator[Sequence[Line]]:
    """Cut lines, sorted by width, into batches of at most `batch_pixels` and `batch_lines`."""
    start = 0
    for end in range(1, len(lines) + 1):
        if end < len(lines):
            size = end - start + 1
            if size <= config.batch_lines and size * lines[end][0].shape[1] <= config.batch_pixels:
                continue
        yield lines[start:end]
        start = end


def measure_teacher(
    files: TeacherFiles, sampler: Sampler, characters: Sequence[str], *, batches: int = 6
) -> dict[str, Any]:
    """Return who the teacher is, and how its embedding is spread over a few batches of lines.

    Returns:
        `name` (of its file, or of its pack), `notice` (what its pack credits; empty without one), `mean`
        (list) and `std`.
    """
    maker = BatchMaker(sampler, characters, LoaderConfig(pool=96), files, seed=0)
    rows = []
    for _, batch in zip(range(batches), maker.batches(), strict=False):
        assert batch.teacher is not None
        rows += [
            e[: -(-int(w) // 8) + 1].astype(np.float32)
            for e, w in zip(batch.teacher, batch.widths, strict=True)
        ]
    embedded = np.concatenate(rows)
    std = float(np.sqrt(embedded.var(axis=0).mean()))
    return _identity(files.model) | {"mean": embedded.mean(axis=0).tolist(), "std": std}


def _identity(model: Path) -> dict[str, str]:
    """Return a teacher's `name` and the `notice` that lies beside it in its pack."""
    beside = model.parent / "NOTICE"
    if not beside.is_file():
        return {"name": model.stem, "notice": ""}
    return {"name": model.parent.name, "notice": beside.read_text(encoding="utf-8").strip()}
