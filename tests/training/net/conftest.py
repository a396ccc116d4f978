"""A tiny network, and lines that it can learn by heart in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:  # both need PyTorch, and this file is read where there is none, too
    from crnn_ocr.training.data.batches import LoaderConfig
    from crnn_ocr.training.nets.crnn import NetConfig

CHARACTERS = ("", *"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ ")


class Plates:
    """Draws a fixed number of different short texts, over and over."""

    def __init__(self, seed: int, kinds: int = 8) -> None:
        rng = np.random.default_rng(seed)
        self._texts = ["".join(rng.choice(list(CHARACTERS[1:37]), int(n))) for n in rng.integers(2, 7, kinds)]
        self._next = 0

    def sample(self) -> tuple[NDArray[np.uint8], str]:
        text = self._texts[self._next % len(self._texts)]
        self._next += 1
        image = np.full((16, 12 * len(text) + 8, 3), 230, np.uint8)
        cv2.putText(image, text, (3, 13), cv2.FONT_HERSHEY_PLAIN, 1.0, (20, 30, 40), 1)
        return image, text


def small_shape(classes: int) -> NetConfig:
    """A network that learns in seconds."""
    from crnn_ocr.training.nets.crnn import NetConfig

    return NetConfig(
        classes,
        height=16,
        stem=8,
        widths=(16, 16, 32),
        depths=(1, 1, 3),
        stride=4,
        neck=32,
        hidden=16,
        embed=24,
        dropout=0.0,
    )


@pytest.fixture
def shape() -> NetConfig:
    return small_shape(len(CHARACTERS))


@pytest.fixture
def loading() -> LoaderConfig:
    from crnn_ocr.training.data.batches import LoaderConfig

    return LoaderConfig(height=16, stride=4, batch_lines=8, pool=8, workers=1)


@pytest.fixture
def recogniser(tmp_path: Path) -> Path:
    """A recogniser like PP-OCR's: one convolution over 48 × 8 pixels, two projections, soft-max; opset 11."""
    rng = np.random.default_rng(0)
    shapes = {
        "w": (12, 3, 48, 8),
        "p": (12, 6),
        "pb": (6,),
        "q": (6, len(CHARACTERS)),
        "qb": (len(CHARACTERS),),
    }
    weights = [
        numpy_helper.from_array(rng.normal(0, 0.1, s).astype(np.float32), n) for n, s in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], strides=[48, 8], kernel_shape=[48, 8]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Squeeze", ["r"], ["s"], axes=[2]),
        helper.make_node("Transpose", ["s"], ["f"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["f", "p"], ["fp"]),
        helper.make_node("Add", ["fp", "pb"], ["e"]),
        helper.make_node("MatMul", ["e", "q"], ["eq"]),
        helper.make_node("Add", ["eq", "qb"], ["l"]),
        helper.make_node("Softmax", ["l"], ["y"], axis=2),
    ]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "rec",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 48, "W"])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", "T", len(CHARACTERS)])],
            weights,
        ),
        opset_imports=[helper.make_opsetid("", 11)],
        ir_version=8,
    )
    path = tmp_path / "rec.onnx"
    onnx.save(model, path)
    return path
