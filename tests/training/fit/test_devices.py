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
from crnn_ocr.training.data.batches import Batch, BatchMaker, LoaderConfig  # noqa: E402
from crnn_ocr.training.fit import devices  # noqa: E402
from crnn_ocr.training.fit.devices import LEAST_KEPT, Feed, place  # noqa: E402
from crnn_ocr.training.fit.evaluate import LineSet, evaluate, network_reader  # noqa: E402
from crnn_ocr.training.fit.schedule import Schedule  # noqa: E402
from crnn_ocr.training.fit.trainer import TrainConfig, Trainer  # noqa: E402
from crnn_ocr.training.nets import checkpoint  # noqa: E402
from crnn_ocr.training.nets.crnn import NetConfig  # noqa: E402
from crnn_ocr.training.nets.edge import EdgeConfig  # noqa: E402
from crnn_ocr.training.nets.teacher import TeacherHead  # noqa: E402
from tests.training.plates import CHARACTERS, Plates  # noqa: E402

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
