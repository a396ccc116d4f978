"""The detector's network, and its graph in float and INT8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from crnn_ocr.errors import TrainingError
from crnn_ocr.models.dequantize import dequantize
from crnn_ocr.runtime.onnx import Session
from crnn_ocr.training.detection.export import build, quantize
from crnn_ocr.training.detection.network import PRIOR, DetectorConfig, DetectorNet
from tests import drawing

SMALL = DetectorConfig(stem=4, widths=(4, 6, 8, 8), depths=(0, 1, 0, 1), pyramid=6, head=4)


@pytest.fixture
def net() -> DetectorNet:
    """A network whose running statistics are not those that it began with."""
    torch.manual_seed(3)
    made = DetectorNet(SMALL)
    made.train()
    for _ in range(30):
        made(torch.randint(0, 256, (2, 64, 96, 3), dtype=torch.uint8))
    made.eval()
    return made


def seen(session: Session, picture: drawing.Picture) -> NDArray[np.float32]:
    given = (picture.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1).astype(np.float32)
    (heat,) = session.run({"x": given})
    return np.asarray(heat[0, 0], np.float32)


@pytest.fixture
def page() -> drawing.Picture:
    return drawing.page([(20, 20 + 40 * i, "Total 19.80") for i in range(4)], size=24, shape=(256, 192))


def test_a_map_has_half_the_resolution_and_starts_from_the_prior() -> None:
    torch.manual_seed(0)
    heat = torch.sigmoid(DetectorNet(SMALL)(torch.zeros(2, 64, 96, 3, dtype=torch.uint8)))
    assert heat.shape == (2, 1, 32, 48)
    assert heat.mean().item() == pytest.approx(PRIOR, abs=0.1)


def test_the_graph_answers_like_the_network(net: DetectorNet, page: drawing.Picture) -> None:
    with torch.no_grad():
        wanted = torch.sigmoid(net(torch.from_numpy(page)[None]))[0, 0].numpy()
    found = seen(Session(build(net).SerializeToString()), page)
    assert found.shape == (96, 128)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert wanted.std() > 1e-4  # else anything would do


def test_int8_is_close_and_goes_back_to_float(
    net: DetectorNet, page: drawing.Picture, tmp_path: Path
) -> None:
    exact = seen(Session(build(net).SerializeToString()), page)
    packed = quantize(build(net), tmp_path / "net.onnx", [page])
    for graph in (packed, dequantize(packed.read_bytes())):
        assert np.abs(seen(Session(graph), page) - exact).mean() < 0.2 * exact.std() + 0.01
    with pytest.raises(TrainingError, match="needs pictures"):
        quantize(build(net), tmp_path / "other.onnx", [])
    assert not (tmp_path / "other.onnx").exists()


def test_a_configuration_goes_through_its_dictionary() -> None:
    assert DetectorConfig.from_dict(SMALL.to_dict()) == SMALL


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "edge"}, "not the state of a detector"),
        ({}, "not the state of a detector"),
        ({"kind": "detector", "colour": 1}, "not the configuration"),
        ({"kind": "detector", "widths": [1, 2]}, "four stages"),
        ({"kind": "detector", "stem": 0}, "at least 1"),
    ],
)
def test_impossible_configurations_are_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        DetectorConfig.from_dict(values)
