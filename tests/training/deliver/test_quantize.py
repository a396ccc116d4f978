from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

from crnn_ocr.errors import TrainingError  # noqa: E402
from crnn_ocr.runtime.onnx import Session  # noqa: E402
from crnn_ocr.training.deliver.quantize import balance, calibration_lines, milliseconds, quantize  # noqa: E402
from crnn_ocr.training.fit.evaluate import feeds  # noqa: E402
from crnn_ocr.training.nets.crnn import Crnn, NetConfig  # noqa: E402
from crnn_ocr.training.nets.export import build, write  # noqa: E402
from tests.training.plates import Plates  # noqa: E402


@pytest.fixture
def model(shape: NetConfig, tmp_path: Path) -> Path:
    torch.manual_seed(1)
    return write(build(Crnn(shape).eval()), tmp_path / "net.onnx")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_int8_answers_nearly_the_same_in_a_third_of_the_size(model: Path, tmp_path: Path) -> None:
    plates = Plates(1)
    lines = [plates.sample()[0] for _ in range(8)]
    small = quantize(model, tmp_path / "int8.onnx", lines)
    whole, eighth = Session(model), Session(small)
    assert eighth.inputs == whole.inputs
    for line in lines:
        ids, shares = whole.run(feeds(line))
        ids8, shares8 = eighth.run(feeds(line))
        assert ids8.shape == ids.shape
        assert np.abs(shares8 - shares).max() < 0.02
    kinds = {node.op_type for node in onnx.load(str(small)).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear", "LSTM"} <= kinds
    assert milliseconds(small, height=16, width=64, runs=3) > 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_numbers_of_unlike_size_are_evened_out(
    shape: NetConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(1)
    net = Crnn(shape).eval()
    with torch.no_grad():  # the same function, but one number of the embedding dwarfs the others
        net.embed.weight[0] *= 100
        net.embed.bias[0] *= 100
        net.head.weight[:, 0] /= 100
    model = write(build(net), tmp_path / "net.onnx")
    lines = [Plates(seed).sample()[0] for seed in range(8)]
    even = balance(onnx.load(str(model)), lines)
    float_session, even_session = Session(model), Session(even.SerializeToString())

    def furthest(session: Session) -> float:
        pairs = [(session.run(feeds(line))[1], float_session.run(feeds(line))[1]) for line in lines]
        return max(float(np.abs(a - b).max()) for a, b in pairs)

    assert furthest(even_session) < 1e-5
    assert even_session.outputs == float_session.outputs
    balanced = furthest(Session(quantize(model, tmp_path / "even.onnx", lines)))
    monkeypatch.setattr("crnn_ocr.training.deliver.quantize.balance", lambda given, _: given)
    assert balanced < furthest(Session(quantize(model, tmp_path / "plain.onnx", lines))) / 2


def test_nothing_to_calibrate_on_is_an_error(model: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="calibrate"):
        quantize(model, tmp_path / "int8.onnx", [])
    assert not (tmp_path / "int8.onnx").exists()


def test_calibration_lines_are_of_every_width_and_repeat(data: Path) -> None:
    lines = calibration_lines(data, 48, 12)
    widths = np.array([line.shape[1] for line in lines])
    assert {line.shape[0] for line in lines} == {48}
    assert np.all(np.diff(widths) >= 0)
    assert widths[-1] > 2.5 * widths[0]
    steps = np.linspace(widths[0], widths[-1], 12)
    assert np.abs(widths - steps).max() < 0.25 * (widths[-1] - widths[0])
    again = calibration_lines(data, 48, 12)
    assert all(np.array_equal(a, b) for a, b in zip(lines, again, strict=True))
