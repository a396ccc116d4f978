"""Batches of steady sizes, and their way between processes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from crnn_ocr.training.data.batches import BatchMaker, LoaderConfig, steady_lines, steady_width  # noqa: E402
from crnn_ocr.training.data.loader import Loader  # noqa: E402
from tests.training.plates import CHARACTERS, Plates  # noqa: E402


class _Wide(Plates):
    """Lines of all widths."""

    def sample(self) -> tuple[Any, str]:
        image, text = super().sample()
        self._width = (getattr(self, "_width", 30) * 7) % 301 + len(text) * 8
        return np.ascontiguousarray(np.resize(image, (16, self._width, 3))), text


def test_steady_batches_of_a_width_have_one_size(loading: LoaderConfig) -> None:
    config = replace(loading, steady=True, batch_pixels=2048, batch_lines=24)
    maker = BatchMaker(_Wide(1, 40), CHARACTERS, config, None, seed=0)
    sizes: dict[int, set[int]] = {}
    for batch in itertools.islice(maker.batches(), 60):
        lines, _, width, _ = batch.images.shape
        sizes.setdefault(width, set()).add(lines)
        assert lines * width <= 2048
        assert int(batch.widths.max()) + 16 <= width
        assert len(batch.label_lengths) == lines
    assert len(sizes) > 3
    assert all(len(found) == 1 for found in sizes.values())


def test_steady_widths_are_few() -> None:
    config = LoaderConfig(batch_pixels=16 * 12288, batch_lines=1024)
    widths = {steady_width(width) for width in range(24, 1297)}
    assert len(widths) <= 21
    assert all(width % 32 == 0 for width in widths)
    assert all(steady_lines(width, config) % 8 == 0 for width in widths)
    assert steady_lines(5000, LoaderConfig()) == 2


class _Cramped(LoaderConfig):
    """Slots in which a batch's small arrays have room, and its pictures have not."""

    @property
    def batch_bytes(self) -> int:
        return 700


def test_batches_cross_processes_unharmed_whatever_their_size(loading: LoaderConfig) -> None:
    maker = BatchMaker(Plates(loading.seed), CHARACTERS, loading, None, loading.seed)
    wanted = list(itertools.islice(maker.batches(), 5))
    for config in (loading, _Cramped(**vars(loading))):
        with Loader(Plates, CHARACTERS, config) as loader:
            found = list(itertools.islice(loader, 5))
        for a, b in zip(wanted, found, strict=True):
            assert np.array_equal(a.images, b.images)
            assert np.array_equal(a.widths, b.widths)
            assert np.array_equal(a.labels, b.labels)
            assert a.images.dtype == b.images.dtype
            assert (a.teacher, a.left_out) == (b.teacher, b.left_out)
