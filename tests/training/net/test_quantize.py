from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from crnn_ocr.engine.onnx import Session  # noqa: E402
from crnn_ocr.errors import TrainingError  # noqa: E402
from crnn_ocr.training.evaluate import feeds  # noqa: E402
from crnn_ocr.training.export import build, write  # noqa: E402
from crnn_ocr.training.net import Crnn, NetConfig  # noqa: E402
from crnn_ocr.training.quantize import milliseconds, quantize  # noqa: E402

from .conftest import Plates  # noqa: E402


@pytest.fixture
def model(shape: NetConfig, tmp_path: Path) -> Path:
    torch.manual_seed(1)
    return write(build(Crnn(shape).eval()), tmp_path / "net.onnx")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_eight_bits_answer_nearly_the_same_in_a_third_of_the_size(model: Path, tmp_path: Path) -> None:
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
    import onnx

    kinds = {node.op_type for node in onnx.load(str(small)).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear", "LSTM"} <= kinds
    assert milliseconds(small, height=16, width=64, runs=3) > 0


def test_nothing_to_calibrate_on_is_an_error(model: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="calibrate"):
        quantize(model, tmp_path / "int8.onnx", [])
    assert not (tmp_path / "int8.onnx").exists()
