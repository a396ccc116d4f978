from __future__ import annotations

import csv
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from crnn_ocr.errors import TrainingError  # noqa: E402
from crnn_ocr.training.data.batches import Batch, BatchMaker, LoaderConfig  # noqa: E402
from crnn_ocr.training.data.loader import Loader  # noqa: E402
from crnn_ocr.training.fit import runlog  # noqa: E402
from crnn_ocr.training.fit.evaluate import LineSet, evaluate, network_reader  # noqa: E402
from crnn_ocr.training.fit.schedule import Schedule  # noqa: E402
from crnn_ocr.training.fit.trainer import TrainConfig, Trainer  # noqa: E402
from crnn_ocr.training.nets import checkpoint, losses, registry  # noqa: E402
from crnn_ocr.training.nets.checkpoint import Tensors  # noqa: E402
from crnn_ocr.training.nets.crnn import NetConfig  # noqa: E402
from tests.training.plates import CHARACTERS, Plates  # noqa: E402

CONFIG = TrainConfig(
    steps=40,
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


def _lines() -> LineSet:
    plates = Plates(1)
    images, texts = zip(*(plates.sample() for _ in range(8)), strict=True)
    return LineSet("plates", images, texts)


def _same(a: Tensors, b: Tensors) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_eight_lines_are_learnt_by_heart(shape: NetConfig, loading: LoaderConfig, tmp_path: Path) -> None:
    trainer = Trainer(replace(CONFIG, steps=150), shape, CHARACTERS, tmp_path, sets=[_lines()])
    before = evaluate(network_reader(trainer.net, CHARACTERS), [_lines()])["plates"]
    trainer.run(itertools.cycle(_batches(loading, 2)))
    after = evaluate(network_reader(trainer.average, CHARACTERS), [_lines()])["plates"]
    assert before.exact == 0
    assert after.cer == 0
    assert after.exact == 1
    with (tmp_path / "losses.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["ctc"]) < 0.1 < float(rows[0]["ctc"])
    assert runlog.plot(tmp_path).stat().st_size > 10_000


def test_lines_count_by_how_legible_they_are(
    shape: NetConfig, loading: LoaderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def weights(lines: Tensor, lengths: Tensor) -> Tensor:
        assert lines.shape == lengths.shape
        assert not lines.requires_grad
        return torch.zeros_like(lines)

    monkeypatch.setattr(losses, "line_weights", weights)
    ctc, _, norm = Trainer(CONFIG, shape, CHARACTERS, tmp_path).step(_batches(loading, 1)[0])
    assert ctc == norm == 0.0


def test_going_on_from_a_checkpoint_is_never_having_stopped(
    shape: NetConfig, loading: LoaderConfig, tmp_path: Path
) -> None:
    shape = replace(shape, dropout=0.2)
    batches = _batches(loading, 20)
    whole = Trainer(CONFIG, shape, CHARACTERS, tmp_path / "whole")
    whole.run(batches)
    first = Trainer(CONFIG, shape, CHARACTERS, tmp_path / "parts")
    first.run(batches[:9])
    second = Trainer(replace(CONFIG, seed=99), shape, CHARACTERS, tmp_path / "parts")
    second.restore(checkpoint.load(tmp_path / "parts" / "last.pt"))
    second.run(batches[9:])
    assert second.counters["step"] == whole.counters["step"] == 20
    assert _same(dict(second.net.state_dict()), dict(whole.net.state_dict()))
    assert _same(dict(second.average.state_dict()), dict(whole.average.state_dict()))


def test_a_compact_checkpoint_is_nearly_the_same(
    shape: NetConfig, loading: LoaderConfig, tmp_path: Path
) -> None:
    trainer = Trainer(CONFIG, shape, CHARACTERS, tmp_path)
    trainer.run(_batches(loading, 20))
    state, small = trainer.state(), checkpoint.load(tmp_path / "compact.npz")
    assert small.counters == trainer.counters
    for name, weight in state.average.items():
        torch.testing.assert_close(small.average[name], weight, atol=2e-3, rtol=2e-3)
        drift = (weight - state.weights[name]).abs().max() if weight.is_floating_point() else 0
        assert (small.weights[name] - state.weights[name]).abs().max() <= 2e-3 + 0.01 * drift
    for name, (_, second) in state.moments.items():
        assert small.moments[name][1].shape == second.shape
        assert bool((small.moments[name][1] > 0).all()) or not bool(second.any())
    again = Trainer(CONFIG, shape, CHARACTERS, tmp_path / "again")
    again.restore(small)
    ctc, _, _ = again.step(_batches(loading, 1)[0])
    wanted, _, _ = trainer.step(_batches(loading, 1)[0])
    assert ctc == pytest.approx(wanted, rel=0.05)


def test_checkpoints_of_another_kind_are_refused(shape: NetConfig, tmp_path: Path) -> None:
    trainer = Trainer(CONFIG, shape, CHARACTERS, tmp_path)
    trainer.save()
    wider = Trainer(CONFIG, replace(shape, hidden=24), CHARACTERS, tmp_path / "wider")
    with pytest.raises(TrainingError, match="shape"):
        wider.restore(checkpoint.load(tmp_path / "last.pt"))
    other = Trainer(CONFIG, shape, (*CHARACTERS[:-1], "é"), tmp_path / "other")
    with pytest.raises(TrainingError, match="character set"):
        other.restore(checkpoint.load(tmp_path / "last.pt"))


def test_a_state_is_recast_to_more_characters(
    shape: NetConfig, loading: LoaderConfig, tmp_path: Path
) -> None:
    trainer = Trainer(CONFIG, shape, CHARACTERS, tmp_path)
    trainer.run(_batches(loading, 3))
    more = ("", "é", *CHARACTERS[1:], "ß")
    state = checkpoint.with_characters(checkpoint.load(tmp_path / "last.pt"), more)
    wider = Trainer(CONFIG, replace(shape, classes=len(more)), more, tmp_path / "wider")
    wider.restore(state)
    old, new = trainer.state(), wider.state()
    for text in CHARACTERS:
        before, after = CHARACTERS.index(text), more.index(text)
        assert torch.equal(new.weights["head.weight"][after], old.weights["head.weight"][before])
        assert torch.equal(new.average["head.bias"][after], old.average["head.bias"][before])
        assert torch.equal(new.moments["head.weight"][1][after], old.moments["head.weight"][1][before])
    assert float(new.weights["head.bias"][1]) == float(old.weights["head.bias"].min())
    ctc, _, _ = wider.step(_batches(loading, 1)[0])
    assert np.isfinite(ctc)


@pytest.mark.parametrize("part", ["weights", "average"])
def test_a_checkpoint_without_a_head_is_refused(part: str, shape: NetConfig, tmp_path: Path) -> None:
    trainer = Trainer(CONFIG, shape, CHARACTERS, tmp_path)
    trainer.save()
    state = checkpoint.load(tmp_path / "last.pt")
    head = getattr(state, part).pop("head.weight")
    for use in (registry.restore, trainer.restore):
        with pytest.raises(TrainingError, match=r"lacks the .*weight head\.weight"):
            use(state)
    with pytest.raises(TrainingError, match=r"head\.weight"):
        checkpoint.with_characters(state, (*CHARACTERS, "é"))
    getattr(state, part).update({"head.weight": head, "gate.weight": head})
    with pytest.raises(TrainingError, match=r"gate\.weight"):
        registry.restore(state)


@pytest.mark.parametrize("name", ["last.pt", "compact.npz"])
def test_damaged_checkpoints_are_refused(name: str, shape: NetConfig, tmp_path: Path) -> None:
    Trainer(CONFIG, shape, CHARACTERS, tmp_path).save()
    whole = (tmp_path / name).read_bytes()
    for damaged in (b"", b"nonsense", whole[: len(whole) // 2]):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(TrainingError):
            checkpoint.load(tmp_path / name)
    (tmp_path / name).unlink()
    with pytest.raises(TrainingError, match="no checkpoint"):
        checkpoint.load(tmp_path / name)


def test_stopping_saves(shape: NetConfig, loading: LoaderConfig, tmp_path: Path) -> None:
    trainer = Trainer(CONFIG, shape, CHARACTERS, tmp_path)
    trainer.stop()
    trainer.run(_batches(loading, 3))
    assert checkpoint.load(tmp_path / "last.pt").counters["step"] == 0


def test_worker_processes_deliver_and_report_their_failures(loading: LoaderConfig) -> None:
    with Loader(Plates, CHARACTERS, loading) as loader:
        batch = next(iter(loader))
    assert batch.images.shape[0] == len(batch.widths) == len(batch.label_lengths)
    assert batch.images.shape[2] % 32 == 0
    assert batch.images.shape[2] >= int(batch.widths.max()) + 16
    assert int(batch.label_lengths.sum()) == len(batch.labels)
    with Loader(_broken, CHARACTERS, loading) as loader, pytest.raises(TrainingError, match="no fonts"):
        next(iter(loader))


def _broken(seed: int) -> Plates:
    raise OSError("no fonts")


def test_lines_that_cannot_be_learnt_end_in_a_clear_error(loading: LoaderConfig) -> None:
    maker = BatchMaker(Plates(1), ("", "é"), loading, None, seed=0)
    with pytest.raises(TrainingError, match="unknown characters"):
        next(maker.batches())


def test_rates_rise_stay_and_fall() -> None:
    schedule = Schedule(rate=1.0, warmup=0.1, decay=0.5, final=0.02)
    assert schedule.learning_rate(0.05) == pytest.approx(0.5)
    assert schedule.learning_rate(0.3) == schedule.learning_rate(0.5) == 1.0
    assert schedule.learning_rate(0.75) == pytest.approx(0.51)
    assert schedule.learning_rate(1.0) == pytest.approx(0.02)
    assert schedule.head_learning_rate(0.0) == 0.0
    assert schedule.distil_weight(0.0) == schedule.distil_early
    assert schedule.distil_weight(1.0) == pytest.approx(schedule.distil_late)
