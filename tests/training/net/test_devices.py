"""Training on a card, as far as it can be seen without one, and in full where there is one."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from crnn_ocr.errors import TrainingError  # noqa: E402
from crnn_ocr.training.data.batches import Batch, BatchMaker, LoaderConfig, steady_lines, steady_width  # noqa: E402
from crnn_ocr.training.data.loader import Loader  # noqa: E402
from crnn_ocr.training.fit import devices  # noqa: E402
from crnn_ocr.training.fit.devices import LEAST_KEPT, Feed, place  # noqa: E402
from crnn_ocr.training.fit.evaluate import LineSet, evaluate, network_reader  # noqa: E402
from crnn_ocr.training.fit.schedule import Schedule  # noqa: E402
from crnn_ocr.training.fit.trainer import FRESH_STEPS, TrainConfig, Trainer  # noqa: E402
from crnn_ocr.training.nets import checkpoint  # noqa: E402
from crnn_ocr.training.nets.crnn import NetConfig  # noqa: E402
from crnn_ocr.training.nets.edge import EdgeConfig  # noqa: E402
from crnn_ocr.training.nets.teacher import TeacherHead  # noqa: E402

from .conftest import CHARACTERS, Plates  # noqa: E402

CPU = torch.device("cpu")
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
needs_card = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a graphics card")


def _batches(loading: LoaderConfig, count: int) -> list[Batch]:
    maker = BatchMaker(Plates(1), CHARACTERS, loading, None, seed=0)
    return list(itertools.islice(maker.batches(), count))


# ---- a step asks its device for nothing ----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["crnn", "edge"])
def test_a_step_neither_mixes_devices_nor_waits_for_one(
    kind: str, shape: NetConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The meta device has shapes and no values: it cannot be asked for any, and mixes with nothing."""
    meta = torch.device("meta")
    monkeypatch.setattr(devices, "choose", lambda name: meta)
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())

    def ctc(shares: Any, labels: Any, steps: Any, lengths: Any, **_: Any) -> Any:
        assert shares.device == labels.device == meta
        assert (shares.dtype, labels.dtype) == (torch.float32, torch.int64)
        assert steps.device == lengths.device == CPU
        return shares.sum(dim=(0, 2))

    monkeypatch.setattr(torch.nn.functional, "ctc_loss", ctc)
    network = replace(shape, height=48, stride=8) if kind == "crnn" else EdgeConfig(len(CHARACTERS), embed=24)
    rng = np.random.default_rng(0)
    head = TeacherHead(
        CHARACTERS,
        rng.normal(0, 1, (len(CHARACTERS), 20)).astype(np.float32),
        np.zeros(len(CHARACTERS), np.float32),
    )
    config = replace(CONFIG, schedule=Schedule(posterior=1.0), average=None, neighbours=0)
    trainer = Trainer(config, network, CHARACTERS, tmp_path, teacher=head)
    batch = Batch(
        np.zeros((3, network.height, 128, 3), np.uint8),
        np.array([100, 80, 112]),
        np.array([3, 4, 5, 6]),
        np.array([1, 2, 1]),
        np.zeros((3, 16, 20), np.float16),
        np.ones(3, np.float32),
    )
    for _ in range(2):
        losses = trainer._learn(place(batch, meta))
    assert all(loss.device == meta and loss.shape == () for loss in losses)
    assert trainer.counters["lines"] == 6
    assert trainer.counters["characters"] == 8


# ---- feeding -------------------------------------------------------------------------------------------


def test_unknown_and_missing_devices_are_refused() -> None:
    assert devices.choose("cpu") == CPU
    assert devices.choose("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    for name in ("gpu", "meta", ""):
        with pytest.raises(TrainingError, match="no device"):
            devices.choose(name)
    with pytest.raises(TrainingError, match="sees no device"):
        devices.choose("cuda:99")


def test_a_thread_brings_all_batches_in_order(loading: LoaderConfig) -> None:
    batches = _batches(loading, 9)
    with Feed(batches, CPU, threaded=True) as feed:
        placed = list(feed)
    assert [p.images.tolist() for p in placed] == [b.images.tolist() for b in batches]
    assert [p.labels.tolist() for p in placed] == [b.labels.tolist() for b in batches]
    assert not any(p.again for p in placed)


def test_a_failure_while_feeding_ends_the_training(loading: LoaderConfig) -> None:
    def failing() -> Iterator[Batch]:
        yield from _batches(loading, 2)
        raise TrainingError("no more")

    with Feed(failing(), CPU, threaded=True) as feed, pytest.raises(TrainingError, match="no more"):
        list(feed)


def test_leaving_ends_the_thread_though_batches_are_left(loading: LoaderConfig) -> None:
    with Feed(itertools.cycle(_batches(loading, 2)), CPU, threaded=True) as feed:
        next(iter(feed))
        assert any(thread.name == "feed" for thread in threading.enumerate())
    assert not any(thread.name == "feed" for thread in threading.enumerate())


def test_while_a_device_waits_it_sees_batches_again(loading: LoaderConfig) -> None:
    few = _batches(loading, 2)

    def slow() -> Iterator[Batch]:
        yield from itertools.islice(itertools.cycle(few), LEAST_KEPT)
        for batch in few * 4:
            time.sleep(0.05)
            yield batch

    with Feed(slow(), CPU, threaded=True, echo=2, room=1e9) as feed:
        placed = list(feed)
    again = [p for p in placed if p.again]
    fresh = len(placed) - len(again)
    assert fresh == LEAST_KEPT + 8
    assert 8 <= len(again) <= 2 * (8 + devices.AHEAD)
    assert {p.images.shape for p in again} <= {b.images.shape for b in few}
    with Feed(slow(), CPU, threaded=True, echo=2, room=0) as feed:
        assert not any(p.again for p in feed)


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


# ---- budgets and states ----------------------------------------------------------------------------------


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


def test_a_state_from_before_repeated_lines_were_counted_is_taken(shape: NetConfig, tmp_path: Path) -> None:
    trainer = Trainer(CONFIG, shape, CHARACTERS, tmp_path)
    trainer.save()
    state = checkpoint.load(tmp_path / "last.pt")
    del state.counters["repeated"]
    again = Trainer(CONFIG, shape, CHARACTERS, tmp_path)
    again.restore(state)
    assert again.counters["repeated"] == 0.0


def test_an_adaptive_average_follows_within_a_share_of_the_sitting(
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


# ---- on a card -------------------------------------------------------------------------------------------


@needs_card
def test_a_card_learns_by_heart_and_a_cpu_goes_on(
    shape: NetConfig, loading: LoaderConfig, tmp_path: Path
) -> None:
    plates = Plates(1)
    images, texts = zip(*(plates.sample() for _ in range(8)), strict=True)
    lines = [LineSet("plates", images, texts)]
    batches = _batches(replace(loading, steady=True, batch_lines=8), 4)
    card = replace(
        CONFIG, device="cuda", steps=200, half=devices.prefers_half(devices.choose("cuda")), echo=1
    )
    trainer = Trainer(card, shape, CHARACTERS, tmp_path, sets=lines)
    trainer.run(itertools.cycle(batches))
    assert evaluate(network_reader(trainer.average, CHARACTERS), lines)["plates"].exact == 1
    for name in ("last.pt", "compact.npz"):
        state = checkpoint.load(tmp_path / name)
        assert all(tensor.device == CPU for tensor in state.weights.values())
        here = Trainer(replace(CONFIG, steps=300), shape, CHARACTERS, tmp_path / "here", sets=lines)
        here.restore(state)
        here.step(batches[0])
        assert evaluate(network_reader(here.average, CHARACTERS), lines)["plates"].exact == 1
        here.save()
    back = Trainer(replace(card, steps=400), shape, CHARACTERS, tmp_path / "back", sets=lines)
    back.restore(checkpoint.load(tmp_path / "here" / "last.pt"))
    ctc, _, norm = back.step(batches[0])
    assert np.isfinite([ctc, norm]).all()


@needs_card
@pytest.mark.parametrize("kind", ["crnn", "edge"])
def test_a_card_computes_what_a_cpu_computes(
    kind: str, shape: NetConfig, loading: LoaderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "prepare", lambda device: None)
    network = (
        replace(shape, dropout=0.0) if kind == "crnn" else EdgeConfig(len(CHARACTERS), height=16, dropout=0.0)
    )
    config = LoaderConfig(height=16, stride=network.stride, batch_lines=8, pool=8)
    batch = _batches(config, 1)[0]
    losses = []
    for device in ("cpu", "cuda"):
        trainer = Trainer(replace(CONFIG, device=device), network, CHARACTERS, tmp_path / device)
        losses.append([trainer.step(batch) for _ in range(3)])
    assert np.array(losses[0]) == pytest.approx(np.array(losses[1]), rel=0.05)
