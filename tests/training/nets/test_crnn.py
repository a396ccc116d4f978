from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor  # noqa: E402

from crnn_ocr.errors import TrainingError  # noqa: E402
from crnn_ocr.runtime.onnx import Session  # noqa: E402
from crnn_ocr.training.nets.crnn import Crnn, NetConfig, normalise  # noqa: E402
from crnn_ocr.training.nets.export import build, context_pixels, write  # noqa: E402


@pytest.fixture
def net(shape: NetConfig) -> Crnn:
    """A network whose normalisation has seen something, so that folding it is no identity."""
    torch.manual_seed(7)
    net = Crnn(shape)
    for _ in range(5):
        net(torch.randint(0, 256, (4, 16, 64, 3), dtype=torch.uint8), torch.tensor([64, 50, 40, 9]))
    net.eval()
    return net


def _pixels(widths: list[int], width: int, height: int = 16) -> Tensor:
    torch.manual_seed(len(widths))
    return torch.randint(0, 256, (len(widths), height, width, 3), dtype=torch.uint8)


def test_export_answers_what_the_network_answers(net: Crnn, tmp_path: Path) -> None:
    session = Session(write(build(net), tmp_path / "net.onnx"))
    widths = [80, 61, 33, 1]
    images = _pixels(widths, 96)
    lengths = torch.tensor(widths)
    with torch.inference_mode():
        shares, best = net.logits(images, lengths).softmax(2).max(2)
    x = normalise(images, lengths).numpy()
    ids, confidences = session.run({"x": x, "lengths": np.array(widths, np.int32)}, ("ids", "confidences"))
    assert ids.shape == confidences.shape == (4, 24)
    steps = net.config.steps(lengths).tolist()
    for row, count in enumerate(steps):
        assert ids[row, :count].tolist() == best[row, :count].tolist()
        np.testing.assert_allclose(confidences[row, :count], shares[row, :count].numpy(), atol=1e-5)
        assert not ids[row, count:].any()
        assert (confidences[row, count:] == 1).all()


@pytest.mark.parametrize("stride", [4, 8])
@pytest.mark.parametrize("height", [16, 48])
def test_time_steps_follow_the_stride(shape: NetConfig, stride: int, height: int) -> None:
    net = Crnn(replace(shape, stride=stride, height=height)).eval()
    assert net(_pixels([40], 64, height), torch.tensor([40])).shape == (1, 64 // stride, shape.embed)


def test_neighbours_and_padding_do_not_change_a_line(net: Crnn) -> None:
    images = _pixels([40, 90], 96)
    widths = torch.tensor([40, 90])
    with torch.inference_mode():
        together = net.logits(images, widths)[0]
        images[0, :, 40:] = 255
        disturbed = net.logits(images, widths)[0]
        alone = net.logits(images[:1], widths[:1])[0]
    steps = int(net.config.steps(widths)[0])
    torch.testing.assert_close(together[:steps], disturbed[:steps])
    torch.testing.assert_close(together[:steps], alone[:steps], atol=1e-5, rtol=1e-5)


def test_more_padding_than_the_context_changes_nothing(net: Crnn) -> None:
    width = 40
    reach = -(-(width + 4 + context_pixels(net)) // 4) * 4
    widths = torch.tensor([width])
    images = _pixels([width], reach + 64)
    steps = int(net.config.steps(widths)[0])
    with torch.inference_mode():
        enough = net.logits(images[:, :, :reach], widths)[0, :steps]
        more = net.logits(images, widths)[0, :steps]
    torch.testing.assert_close(enough, more, atol=1e-5, rtol=1e-5)


def test_configuration_survives_json(shape: NetConfig) -> None:
    assert NetConfig.from_dict({**shape.to_dict(), "widths": [16, 16, 32]}) == shape


@pytest.mark.parametrize(
    "values",
    [{"height": 40}, {"stride": 5}, {"depths": (1, 2, 3)}, {"hidden": 0}, {"classes": 1}, {"colour": True}],
)
def test_impossible_shapes_are_refused(shape: NetConfig, values: dict[str, object]) -> None:
    with pytest.raises(TrainingError):
        NetConfig.from_dict({**shape.to_dict(), **values})
