from __future__ import annotations

import argparse
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from crnn_ocr.errors import TrainingError  # noqa: E402
from crnn_ocr.models.manifest import Manifest, PackFile  # noqa: E402
from crnn_ocr.recognition.network.charset import Charset  # noqa: E402
from crnn_ocr.recognition.network.ctc import Frames  # noqa: E402
from crnn_ocr.recognition.network.recognizer import CtcRecognizer  # noqa: E402
from crnn_ocr.runtime.onnx import Session  # noqa: E402
from crnn_ocr.training.commands import fit  # noqa: E402
from crnn_ocr.training.data.batches import Batch, BatchMaker, LoaderConfig  # noqa: E402
from crnn_ocr.training.fit.evaluate import LineSet, evaluate, graph_reader, graph_size, network_reader  # noqa: E402
from crnn_ocr.training.fit.schedule import Schedule  # noqa: E402
from crnn_ocr.training.fit.trainer import TrainConfig, Trainer  # noqa: E402
from crnn_ocr.training.nets import checkpoint, edge_export, registry  # noqa: E402
from crnn_ocr.training.nets.crnn import NetConfig, normalise  # noqa: E402
from crnn_ocr.training.nets.edge import EdgeConfig, EdgeCrnn  # noqa: E402
from crnn_ocr.training.nets.edge_export import CompactGraph, to_int8  # noqa: E402
from crnn_ocr.training.nets.export import write  # noqa: E402
from crnn_ocr.training.nets.losses import ClassSampler  # noqa: E402
from crnn_ocr.training.nets.teacher import TeacherHead  # noqa: E402
from tests.training.plates import CHARACTERS, Plates  # noqa: E402


@pytest.fixture
def config() -> EdgeConfig:
    return EdgeConfig(
        len(CHARACTERS),
        height=16,
        stem=8,
        widths=(8, 16, 16),
        depths=(1, 2, 2),
        neck=24,
        hidden=16,
        embed=24,
        dropout=0.0,
    )


@pytest.fixture
def net(config: EdgeConfig) -> EdgeCrnn:
    """A network whose normalisation has seen something and whose gate is open at half of the steps."""
    torch.manual_seed(7)
    net = EdgeCrnn(config)
    for _ in range(5):
        net(torch.randint(0, 256, (4, 16, 64, 3), dtype=torch.uint8), torch.tensor([64, 50, 40, 9]))
    net.eval()
    with torch.no_grad():
        embedded = net(_pixels([96] * 4, 128), torch.tensor([96] * 4))[:, :13].flatten(0, 1)
        net.gate.weight.mul_(3.0 / embedded[:, -1].std())
        net.head.weight.mul_(4.0 / (embedded[:, :-1] @ net.head.weight.T).std())
        gate = net(_pixels([96] * 4, 128), torch.tensor([96] * 4))[:, :13, -1]
        net.gate.bias -= gate.median()
    return net


def _pixels(widths: list[int], width: int) -> Tensor:
    torch.manual_seed(len(widths))
    return torch.randint(0, 256, (len(widths), 16, width, 3), dtype=torch.uint8)


def _run(
    session: Session, images: Tensor, widths: list[int]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    x = normalise(images, torch.tensor(widths)).numpy()
    ids, shares = session.run({"x": x, "lengths": np.array(widths, np.int32)}, ("ids", "confidences"))
    return ids, shares


@pytest.mark.parametrize(("fewest", "tolerance"), [(10**9, 0.02), (512, 0.15)])
def test_export_answers_what_the_network_answers(
    net: EdgeCrnn, fewest: int, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all weights but the head's in float, and with all of them in INT8."""
    monkeypatch.setattr(edge_export, "_FEWEST", fewest)
    session = Session(registry.build(net).SerializeToString())
    assert session.inputs == ("x", "lengths")
    widths = [96, 61, 33, 1]
    images, lengths = _pixels(widths, 128), torch.tensor(widths)
    ids, confidences = _run(session, images, widths)
    assert ids.shape == confidences.shape == (4, 16)
    with torch.inference_mode():
        shares, best = net.logits(images, lengths).softmax(2).max(2)
    steps = net.config.steps(lengths).tolist()
    read = np.concatenate([ids[row, :count] for row, count in enumerate(steps)])
    wanted = np.concatenate([best[row, :count].numpy() for row, count in enumerate(steps)])
    assert 0.2 < (wanted == 0).mean() < 0.9  # both sides of the gate are met
    assert (read == wanted).mean() > 1 - tolerance
    for row, count in enumerate(steps):
        same = ids[row, :count] == best[row, :count].numpy()
        gap = np.abs(confidences[row, :count] - shares[row, :count].numpy())[same]
        assert gap.max(initial=0) < tolerance
        assert not ids[row, count:].any()
        assert (confidences[row, count:] == 1).all()


@pytest.mark.parametrize("bias", [-1e4, 1e4])
def test_a_gate_that_is_shut_or_open_everywhere(net: EdgeCrnn, bias: float) -> None:
    torch.nn.init.constant_(net.gate.bias, bias)
    session = Session(registry.build(net).SerializeToString())
    ids, confidences = _run(session, _pixels([64], 96), [64])
    assert bool((ids[0, :9] > 0).all()) is (bias < 0)
    assert bool((ids[0, :9] == 0).all()) is (bias > 0)
    assert ((confidences > 0) & (confidences <= 1)).all()


def test_where_the_gate_is_hardly_open_the_blank_still_wins(net: EdgeCrnn) -> None:
    with torch.no_grad():
        net.gate.weight.zero_()
        net.gate.bias.fill_(-0.1)  # blank: 0.475
        net.head.weight.zero_()
        net.head.bias.zero_()  # 37 characters share the rest
    session = Session(registry.build(net).SerializeToString())
    ids, confidences = _run(session, _pixels([64], 96), [64])
    assert not ids.any()
    np.testing.assert_allclose(confidences[0, :9], 1 / (1 + np.exp(0.1)), rtol=1e-5)
    torch.nn.init.constant_(net.head.bias[5:6], 9.0)
    ids, confidences = _run(Session(registry.build(net).SerializeToString()), _pixels([64], 96), [64])
    assert (ids[0, :9] == 5).all()
    np.testing.assert_allclose(confidences[0, :9], 0.525 * np.exp(9) / (np.exp(9) + 36), rtol=1e-3)


def test_neighbours_and_padding_do_not_change_a_line(net: EdgeCrnn) -> None:
    images, widths = _pixels([40, 90], 96), torch.tensor([40, 90])
    with torch.inference_mode():
        together = net.logits(images, widths)[0, :6]
        images[0, :, 40:] = 255
        disturbed = net.logits(images, widths)[0, :6]
        alone = net.logits(images[:1], widths[:1])[0, :6]
    torch.testing.assert_close(together, disturbed)
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


def test_the_default_fits_into_three_megabytes(tmp_path: Path) -> None:
    path = write(registry.build(EdgeCrnn(EdgeConfig(9858)).eval()), tmp_path / "edge.onnx")
    assert path.stat().st_size < 3e6
    assert graph_size(path) == (32, 1.5)
    held = sum(item.size for item in map(onnx.numpy_helper.to_array, onnx.load(path).graph.initializer))
    assert path.stat().st_size < 1.15 * held  # a byte a weight, not four


@pytest.mark.parametrize("shape", [(40, 30), (2, 40, 30), (20, 3, 5, 5)])
def test_eight_bits_are_near_and_span_the_range(shape: tuple[int, ...]) -> None:
    value = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    levels, scale = to_int8(value)
    assert levels.max() == 127 or levels.min() == -127
    assert np.abs(levels * scale - value).max() <= 0.51 * scale.max()
    assert levels.shape == np.broadcast_shapes(levels.shape, scale.shape)
    assert np.abs(to_int8(value, peak=63)[0]).max() == 63
    assert not to_int8(np.zeros_like(value))[0].any()


def test_small_and_whole_numbers_stay_as_they_are() -> None:
    graph = CompactGraph()
    graph.weight("few", np.ones((10, 10), np.float32))
    graph.weight("axes", np.arange(1000))
    graph.weight("flat", np.ones(1000, np.float32))
    assert not graph.nodes
    graph.weight("many", np.ones((100, 10), np.float32))
    assert [node.op_type for node in graph.nodes] == ["Cast", "Mul"]


def test_configurations_survive_and_impossible_ones_are_refused(config: EdgeConfig) -> None:
    assert registry.configuration(config.to_dict()) == config
    assert registry.stretch(config) == 1.5
    assert registry.source_height(EdgeConfig(3)) == 48
    changes: list[dict[str, Any]] = [
        {"height": 20},
        {"stretch": 9.0},
        {"kernels": (3, 4, 3)},
        {"depths": (1, 0, 1)},
        {"classes": 1},
    ]
    for change in changes:
        with pytest.raises(TrainingError):
            replace(config, **change)
    for values in ({"classes": 3, "colour": 1}, {}, {"classes": 3, "widths": [1, 2]}):
        with pytest.raises(TrainingError):
            registry.configuration({"kind": "edge", **values})


def test_the_student_sees_flat_lines_and_the_teacher_high_ones(config: EdgeConfig) -> None:
    loading = LoaderConfig(height=24, shown=16, batch_lines=8, pool=8)
    batch = next(BatchMaker(_High(3), CHARACTERS, loading, None, 0).batches())
    sampler = _High(3)
    drawn: dict[int, list[NDArray[np.uint8]]] = {}
    for _ in range(8):
        image, _text = sampler.sample()
        drawn.setdefault(image.shape[1], []).append(image)
    assert batch.images.shape[1] == 16
    assert batch.images.shape[2] % 32 == 0
    for row, width in zip(batch.images, batch.widths, strict=True):
        high = [image[:, :, 0].mean() for image in drawn[int(width)]]
        assert min(abs(row[:, : int(width), 0].mean() - mean) for mean in high) < 6
        assert (row[:, int(width) :] == 127).all()


def test_it_learns_from_labels_and_a_teachers_posteriors(config: EdgeConfig, tmp_path: Path) -> None:
    batches = _taught(config)
    schedule = Schedule(rate=6e-3, head_rate=1.0, head_start=0.0, posterior=1.0)
    training = TrainConfig(steps=120, schedule=schedule, threads=1, log_every=20, negatives=50)
    trainer = Trainer(training, config, CHARACTERS, tmp_path / "run", teacher=_teacher())
    first, far, _ = trainer.step(batches[0])
    trainer.run(itertools.cycle(batches))
    last, near, _ = trainer.step(batches[0])
    assert last < 0.25 * first
    assert near < 0.6 * far

    net, characters = registry.load(tmp_path / "run" / "last.pt")
    assert isinstance(net, EdgeCrnn)
    images = tuple(batches[0].images[row, :, : int(w)] for row, w in enumerate(batches[0].widths))
    texts = tuple(_labels(batches[0]))
    read, _ = network_reader(net, characters)(images)
    assert sum(a == b for a, b in zip(read, texts, strict=True)) >= 4
    path = write(registry.build(net), tmp_path / "net.onnx")
    lines = LineSet("plates", images, texts)
    readers = (network_reader(net, characters), graph_reader(path, characters))
    scores = [evaluate(reader, [lines])["plates"] for reader in readers]
    assert scores[1].cer == pytest.approx(scores[0].cer, abs=0.06)


def test_a_run_goes_on_from_either_checkpoint(config: EdgeConfig, tmp_path: Path) -> None:
    batches = _taught(config)
    training = TrainConfig(steps=6, schedule=Schedule(posterior=1.0), threads=1, negatives=50)
    trainer = Trainer(training, config, CHARACTERS, tmp_path, teacher=_teacher())
    trainer.run(batches[:3])
    for name in ("last.pt", "compact.npz"):
        again = Trainer(training, config, CHARACTERS, tmp_path / "on", teacher=_teacher())
        again.restore(checkpoint.load(tmp_path / name))
        assert again.counters["step"] == 3
        assert np.isfinite(again.step(batches[3 % len(batches)])).all()


class _High(Plates):
    """The plates at half again the height."""

    def sample(self) -> tuple[NDArray[np.uint8], str]:
        image, text = super().sample()
        high = np.full((24, image.shape[1] * 2, 3), 230, np.uint8)
        high[4:20] = image.repeat(2, axis=1)
        return high, text


def _teacher() -> TeacherHead:
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(len(CHARACTERS), 20)).astype(np.float32)
    return TeacherHead(CHARACTERS, weight, np.zeros(len(CHARACTERS), np.float32))


def _labels(batch: Batch) -> list[str]:
    ends = np.cumsum(batch.label_lengths)
    starts = ends - batch.label_lengths
    return ["".join(CHARACTERS[n] for n in batch.labels[a:b]) for a, b in zip(starts, ends, strict=True)]


def _taught(config: EdgeConfig) -> list[Batch]:
    """Return batches with the embedding of a teacher that is sure of every character, evenly spread."""
    loading = LoaderConfig(height=24, shown=config.height, batch_lines=8, pool=8)
    made = itertools.islice(BatchMaker(_High(1), CHARACTERS, loading, None, 0).batches(), 4)
    head = _teacher()
    taught = []
    for batch in made:
        steps = batch.images.shape[2] // 8
        wanted = np.repeat(head.weight[None, None, 0] * 2, len(batch.widths), 0).repeat(steps, 1)
        for row, (text, width) in enumerate(zip(_labels(batch), batch.widths, strict=True)):
            for place, character in enumerate(text):
                at = int((place + 0.5) * width / len(text)) // 8
                wanted[row, at] = head.weight[CHARACTERS.index(character)] * 2
        taught.append(replace(batch, teacher=wanted.astype(np.float16)))
    return taught


def test_the_sampler_serves_gated_networks_unchanged(net: EdgeCrnn) -> None:
    sampler = ClassSampler(len(CHARACTERS), negatives=3, neighbours=1)
    sampler.refresh(net.head)
    assert int(sampler.sample(torch.tensor([4])).classes[0]) == 0


def test_the_command_trains_it_with_posteriors_in_float(tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    fit.add(parser.add_subparsers())
    words = ["fit", "--out", str(tmp_path), "--kind", "edge", "--shape", '{"hidden": 8}']
    arguments = parser.parse_args(words)
    shape = fit._shape(arguments, 9)
    assert shape == EdgeConfig(9, hidden=8)
    training = fit._training(arguments, shape, torch.device("cpu"))
    assert training.schedule.posterior == 1.0
    assert not training.half
    assert fit._training(arguments, NetConfig(9), torch.device("cpu")).schedule.posterior == 0.0


def _recognizer(net: EdgeCrnn) -> CtcRecognizer:
    session = Session(registry.build(net).SerializeToString())
    manifest = Manifest(
        name="edge",
        version="1",
        kind="rec",
        title="",
        licence="",
        provenance="",
        graph=PackFile(path="net.onnx", sha256="0" * 64),
        output="best",
        input_height=16,
        stretch=1.5,
        space=False,
    )
    return CtcRecognizer(session, manifest, Charset(CHARACTERS, 0))


def test_the_engine_shows_it_lines_as_flat_as_it_was_trained_on(net: EdgeCrnn) -> None:
    recognizer = _recognizer(net)
    line = recognizer.prepare(np.full((20, 400, 3), 230, np.uint8))
    assert [window.content for window in line.windows] == [400 * 24 // 20]
    assert line.windows[0].pixels.shape[0] == 16
    assert len(recognizer.infer(line.windows[0])) == 400 * 24 // 20 // 8 + 1
    first, second = recognizer.prepare(np.full((20, 1400), 230, np.uint8)).windows
    assert first.frames - second.first_frame >= 2 * 24 // 8  # two heights of what the network sees


def test_gaps_are_measured_in_heights_of_the_line(net: EdgeCrnn) -> None:
    recognizer = _recognizer(net)
    line = recognizer.prepare(np.full((20, 400, 3), 230, np.uint8))  # 20 heights wide, in 60 frames
    ids = np.zeros(60, np.int64)
    ids[[0, -1]] = 1
    evidence = recognizer.evidence(line, [Frames(ids, np.ones(60, np.float32))])
    assert evidence is not None
    assert evidence.gap == pytest.approx(58 / 3)
