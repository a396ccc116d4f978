from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from crnn_ocr.errors import TrainingError  # noqa: E402
from crnn_ocr.training.fit import averaging  # noqa: E402
from crnn_ocr.training.fit.trainer import TrainConfig, Trainer  # noqa: E402
from crnn_ocr.training.nets import checkpoint, registry  # noqa: E402
from crnn_ocr.training.nets.checkpoint import State  # noqa: E402
from crnn_ocr.training.nets.crnn import NetConfig  # noqa: E402
from tests.training.commands.test_commands import _run as run_command  # noqa: E402
from tests.training.plates import CHARACTERS  # noqa: E402


@pytest.fixture
def states(shape: NetConfig, tmp_path: Path) -> tuple[State, State]:
    """Two stages of one run; the second one has seen more."""
    Trainer(TrainConfig(threads=1), shape, CHARACTERS, tmp_path / "run").save()
    first = checkpoint.load(tmp_path / "run/last.pt")
    generator = torch.Generator().manual_seed(1)

    def moved(tensors: checkpoint.Tensors) -> checkpoint.Tensors:
        return {
            name: tensor + torch.rand(tensor.shape, generator=generator)
            if tensor.is_floating_point()
            else tensor + 4
            for name, tensor in tensors.items()
        }

    second = replace(
        first,
        weights=moved(first.weights),
        average=moved(first.average),
        counters={"lines": 90.0, "steps": 3.0},
    )
    return first, second


def test_it_is_the_mean_with_the_counters_of_the_later_one(states: tuple[State, State]) -> None:
    first, second = states
    for order in ((first, second), (second, first)):
        mean = averaging.mean(order)
        assert mean.counters == {"lines": 90.0, "steps": 3.0}
        for name in ("weights", "average"):
            ours, a, b = (getattr(state, name) for state in (mean, first, second))
            assert ours.keys() == a.keys()
            for key, tensor in ours.items():
                wanted = (a[key] + b[key]) / 2 if tensor.is_floating_point() else b[key]
                assert tensor.dtype == a[key].dtype
                torch.testing.assert_close(tensor, wanted)


def test_of_three_each_counts_the_same(states: tuple[State, State]) -> None:
    first, second = states
    mean = averaging.mean([first, second, second])
    for key, tensor in mean.average.items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, first.average[key] / 3 + second.average[key] * 2 / 3)


def test_training_goes_on_from_it(states: tuple[State, State], shape: NetConfig, tmp_path: Path) -> None:
    for number, state in enumerate(states):
        checkpoint.save(state, tmp_path / f"{number}.pt")
    target = tmp_path / "mean.pt"
    assert run_command("average", tmp_path / "0.pt", tmp_path / "1.pt", "--out", target) == 0
    _, characters = registry.load(target)
    assert characters == CHARACTERS
    trainer = Trainer(TrainConfig(threads=1), shape, CHARACTERS, tmp_path / "on")
    trainer.restore(checkpoint.load(target))
    trainer.save()
    kept = checkpoint.load(tmp_path / "on/last.pt")
    wanted = averaging.mean(states)
    assert all(torch.equal(kept.average[name], tensor) for name, tensor in wanted.average.items())


def test_compact_checkpoints_can_be_averaged_too(states: tuple[State, State], tmp_path: Path) -> None:
    for number, state in enumerate(states):
        checkpoint.save_compact(state, tmp_path / f"{number}.npz")
    run_command("average", tmp_path / "0.npz", tmp_path / "1.npz", "--out", tmp_path / "mean.pt")
    wanted = averaging.mean(states).average
    got = checkpoint.load(tmp_path / "mean.pt").average
    assert all(torch.allclose(got[name].float(), wanted[name].float(), atol=2e-3) for name in wanted)


def test_what_does_not_belong_together_is_refused(states: tuple[State, State]) -> None:
    first, second = states
    with pytest.raises(TrainingError, match="two checkpoints or more"):
        averaging.mean([first])
    other = replace(second, characters=(*second.characters[:-1], "鑫"))
    with pytest.raises(TrainingError, match="different shapes or characters"):
        averaging.mean([first, other])
    with pytest.raises(TrainingError, match="different shapes or characters"):
        averaging.mean([first, replace(second, net=second.net | {"hidden": 1})])
    lacking = replace(second, average=dict(list(second.average.items())[1:]))
    with pytest.raises(TrainingError, match="lacks weights"):
        averaging.mean([first, lacking])
