"""Budgets of a sitting, and states of earlier ones."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from crnn_ocr.training.data.batches import Batch, BatchMaker, LoaderConfig  # noqa: E402
from crnn_ocr.training.fit.schedule import Schedule  # noqa: E402
from crnn_ocr.training.fit.trainer import FRESH_STEPS, TrainConfig, Trainer  # noqa: E402
from crnn_ocr.training.nets import checkpoint  # noqa: E402
from crnn_ocr.training.nets.crnn import NetConfig  # noqa: E402
from tests.training.plates import CHARACTERS, Plates  # noqa: E402

CONFIG = TrainConfig(
    steps=30,
    schedule=Schedule(rate=4e-3, head_rate=1.0, head_start=0.0, ctc_start=1.0, warmup=0.02),
    average=0.9,
    negatives=20,
    threads=1,
    log_every=5,
    evaluate_every=1e9,
    save_every=1e9,
)


def _batches(loading: LoaderConfig, count: int) -> list[Batch]:
    maker = BatchMaker(Plates(1), CHARACTERS, loading, None, seed=0)
    return list(itertools.islice(maker.batches(), count))


class _Clock:
    """Every look at it takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_minutes_are_those_of_the_sitting(shape: NetConfig, loading: LoaderConfig, tmp_path: Path) -> None:
    config = replace(CONFIG, steps=None, minutes=1.0)
    batches = itertools.cycle(_batches(loading, 2))
    first = Trainer(config, shape, CHARACTERS, tmp_path, clock=_Clock())
    first.run(batches)
    steps = first.counters["step"]
    assert first.progress == 1.0
    assert 5 < steps < 20
    second = Trainer(config, shape, CHARACTERS, tmp_path, clock=_Clock())
    second.restore(checkpoint.load(tmp_path / "last.pt"))
    assert second.progress == 0.0
    second.run(batches)
    assert second.counters["step"] == pytest.approx(2 * steps, abs=2)
    rest = Trainer(replace(config, start=0.5), shape, CHARACTERS, tmp_path / "rest", clock=_Clock())
    assert rest.progress == 0.5


def test_without_moments_the_rate_rises_anew(shape: NetConfig, loading: LoaderConfig, tmp_path: Path) -> None:
    batch = _batches(loading, 1)[0]
    config = replace(CONFIG, steps=10_000, compact=False, schedule=replace(CONFIG.schedule, warmup=0.0))
    trainer = Trainer(config, shape, CHARACTERS, tmp_path)
    for _ in range(3):
        trainer.step(batch)
    assert trainer._optimiser.param_groups[0]["lr"] == pytest.approx(4e-3)
    trainer.save()
    small = checkpoint.load(tmp_path / "compact.npz")
    assert small.moments == {}
    checkpoint.save_compact(trainer.state(), tmp_path / "full.npz")
    assert (tmp_path / "compact.npz").stat().st_size < 0.85 * (tmp_path / "full.npz").stat().st_size
    again = Trainer(config, shape, CHARACTERS, tmp_path / "again")
    again.restore(small)
    again.step(batch)
    assert again._optimiser.param_groups[0]["lr"] == pytest.approx(4e-3 / FRESH_STEPS)
    assert again.counters["step"] == 4


def test_a_state_without_a_count_of_repeated_lines_is_taken(shape: NetConfig, tmp_path: Path) -> None:
    trainer = Trainer(CONFIG, shape, CHARACTERS, tmp_path)
    trainer.save()
    state = checkpoint.load(tmp_path / "last.pt")
    del state.counters["repeated"]
    again = Trainer(CONFIG, shape, CHARACTERS, tmp_path)
    again.restore(state)
    assert again.counters["repeated"] == 0.0


def test_an_adaptive_average_follows_the_end_of_the_sitting(
    shape: NetConfig, loading: LoaderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = _batches(loading, 1)[0]
    kept: list[float] = []
    trainer = Trainer(replace(CONFIG, average=None, steps=10_000), shape, CHARACTERS, tmp_path)
    trainer.counters["step"] = trainer._first = 8_000.0
    monkeypatch.setattr(trainer._averaging, "follow", kept.append)
    for step in (8_100.0, 9_000.0, 9_999.0):
        trainer.counters["step"] = step
        trainer._first = 0.0
        trainer.step(batch)
    assert kept == pytest.approx([1 - 1 / 200] * 3, abs=2e-4)
