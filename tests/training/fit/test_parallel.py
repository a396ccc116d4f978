from __future__ import annotations

import functools
import itertools
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from crnn_ocr.training.data.batches import BatchMaker, LoaderConfig  # noqa: E402
from crnn_ocr.training.data.loader import Loader  # noqa: E402
from crnn_ocr.training.fit.parallel import Alone, Group, Peers, run_processes  # noqa: E402
from crnn_ocr.training.fit.trainer import TrainConfig, Trainer  # noqa: E402
from crnn_ocr.training.nets.crnn import NetConfig  # noqa: E402
from tests.training.plates import CHARACTERS, Plates  # noqa: E402

CONFIG = TrainConfig(steps=4, threads=1, log_every=1, negatives=100, neighbours=0)


def _train(folder: Path, shape: NetConfig, loading: LoaderConfig, peers: Peers) -> Trainer:
    maker = BatchMaker(Plates(peers.rank), CHARACTERS, loading, None, seed=peers.rank)
    trainer = Trainer(CONFIG, shape, CHARACTERS, folder, peers=peers)
    # More batches than the budget allows: that all stop together is what is tested.
    trainer.run(itertools.islice(maker.batches(), 30))
    torch.save(trainer.net.state_dict(), folder / f"rank{peers.rank}.pt")
    return trainer


def _beside(
    folder: Path, shape: NetConfig, loading: LoaderConfig, rank: int, size: int, meeting: Path
) -> None:
    group = Group(rank, size, meeting)
    _train(folder, shape, loading, group)
    group.close()


def test_two_processes_step_as_one(tmp_path: Path, shape: NetConfig, loading: LoaderConfig) -> None:
    with run_processes(2, functools.partial(_beside, tmp_path, shape, loading)) as peers:
        trainer = _train(tmp_path, shape, loading, peers)
    assert trainer.counters["step"] == 4
    assert trainer.counters["lines"] > 4 * 8
    first, second = (torch.load(tmp_path / f"rank{rank}.pt") for rank in (0, 1))
    learnt = [name for name, _ in trainer.net.named_parameters()]
    assert all(torch.equal(first[name], second[name]) for name in learnt)
    alone = _train(tmp_path, replace(shape), loading, Alone())
    assert not torch.equal(alone.net.head.weight, first["head.weight"])


def _rendering_beside(loading: LoaderConfig, rank: int, size: int, meeting: Path) -> None:
    group = Group(rank, size, meeting)
    with Loader(Plates, CHARACTERS, loading) as loader:
        group.total([float(len(next(iter(loader)).widths))])
    group.close()


def test_a_process_beside_ends_with_its_rendering_processes(loading: LoaderConfig) -> None:
    with run_processes(2, functools.partial(_rendering_beside, loading)) as peers:
        assert peers.total([0.0])[0] > 0
        (beside,) = (p for p in multiprocessing.active_children() if p.name == "train-1")
        beside.join(timeout=25)
        assert beside.exitcode == 0


def test_one_process_needs_nobody() -> None:
    with run_processes(1, functools.partial(_beside)) as peers:
        assert peers.follow([1.0, 2.0]) == peers.total([1.0, 2.0]) == [1.0, 2.0]
