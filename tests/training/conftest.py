"""A tiny network, and a small world of training data: synthetic fonts, an atlas, corpora."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from crnn_ocr.training.render import atlas, fonts
from crnn_ocr.training.render.compose import Composed, Layout, Typesetter
from crnn_ocr.training.text.charset import characters
from crnn_ocr.training.text.corpus import WEIGHTS

from .plates import CHARACTERS, small_shape
from .world import HAN, LATIN, build, draw_font

if TYPE_CHECKING:  # both need PyTorch, and this file is read where there is none, too
    from crnn_ocr.training.data.batches import LoaderConfig
    from crnn_ocr.training.nets.crnn import NetConfig


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


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an atlas of four faces (two of held-out families) and small corpora."""
    root = tmp_path_factory.mktemp("training-data")
    for package, family, texts in (
        ("one", "Plain Han", LATIN + HAN),
        ("two", "Plain Latin", LATIN),
        ("three", "FandolKai", LATIN + HAN),
        ("four", "Lato", LATIN),
    ):
        draw_font(root / "fonts" / package / f"{package}.ttf", family, texts)
    build(fonts.discover(root / "fonts"), root / "atlas")
    corpora = root / "corpora"
    corpora.mkdir()
    for kind in WEIGHTS:
        for suffix, start in ((".txt", 0), (".heldout.txt", 900)):
            lines = ["".join(HAN[start + k : start + k + 12 + k % 30]) for k in range(200)]
            if kind.startswith("en") or kind == "latin":
                lines = [f"line {start + k} of the {kind} text" for k in range(200)]
            (corpora / f"{kind}{suffix}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture
def line(data: Path) -> Composed:
    """A line of five characters."""
    opened = atlas.load(data / "atlas")
    rng = random.Random(0)
    ids = {text: number for number, text in enumerate(characters()) if number}
    setter = Typesetter(opened, ids, range(len(opened.faces)))
    face = setter.pick("AB", "han", rng)
    assert face is not None
    composed = setter.compose(f"{HAN[3]}A{HAN[5]},B", face, Layout(), rng)
    assert composed is not None
    return composed
