"""Small recognisers as graphs: like those of PaddleOCR, like those of this project, in float and in INT8."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CLASSES = len(CHARACTERS) + 2
"""With the blank before them and the space behind."""

Floats = NDArray[np.float32]


def _floats(rng: np.random.Generator, *shape: int) -> Floats:
    return rng.normal(0, 0.3, shape).astype(np.float32)


def recogniser(
    *,
    bias: bool = True,
    projected: bool = True,
    gated: bool = False,
    height: int = 48,
    classes: int = CLASSES,
) -> onnx.ModelProto:
    """A graph like PP-OCR's: one convolution over `height` × 8 pixels, one or two projections, soft-max.

    Args:
        bias: Whether the last projection has one.
        projected: Whether the embedding (6) is projected from features (12), or the features themselves.
        gated: Whether the last projection reads gathered steps, as the edge network's does.
        height: Pixels of a line.
        classes: Of the answer.
    """
    rng = np.random.default_rng(0)
    size = 6 if projected else 12
    weights = {"w": _floats(rng, 12, 3, height, 8), "q": _floats(rng, size, classes)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], strides=[height, 8], kernel_shape=[height, 8]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Squeeze", ["r"], ["s"], axes=[2]),
        helper.make_node("Transpose", ["s"], ["f"], perm=[0, 2, 1]),
    ]
    embedding = "f"
    if projected:
        weights |= {"p": _floats(rng, 12, 6), "pb": _floats(rng, 6)}
        nodes += [
            helper.make_node("MatMul", ["f", "p"], ["fp"]),
            helper.make_node("Add", ["fp", "pb"], ["e"]),
        ]
        embedding = "e"
    if gated:
        weights["places"] = np.array([0, 1], np.int64)
        nodes.append(helper.make_node("Gather", [embedding, "places"], ["chosen"], axis=1))
        embedding = "chosen"
    nodes.append(helper.make_node("MatMul", [embedding, "q"], ["scores"]))
    if bias:
        weights["qb"] = _floats(rng, classes)
        nodes.append(helper.make_node("Add", ["scores", "qb"], ["biased"]))
    nodes.append(helper.make_node("Softmax", ["biased" if bias else "scores"], ["y"], axis=2))
    return _model(nodes, weights, height, classes)


def eighth(*, height: int = 48, classes: int = CLASSES) -> onnx.ModelProto:
    """The same in QDQ form: the embedding in unsigned, the last projection's weights in signed numbers."""
    model = recogniser(height=height, classes=classes)
    weights = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    scale = np.abs(weights["q"]).max(axis=0) / np.float32(127)
    numbers = np.round(weights.pop("q") / scale).astype(np.int8)
    weights |= {"q8": numbers, "qs": scale, "qz": np.zeros(classes, np.int8)}
    weights |= {"es": np.array(0.05, np.float32), "ez": np.array(128, np.uint8)}
    nodes = []
    for node in model.graph.node:
        if node.output[0] == "scores":
            nodes += [
                helper.make_node("QuantizeLinear", ["e", "es", "ez"], ["e8"]),
                helper.make_node("DequantizeLinear", ["e8", "es", "ez"], ["ef"]),
                helper.make_node("DequantizeLinear", ["q8", "qs", "qz"], ["qf"], axis=1),
            ]
            node.input[:] = ["ef", "qf"]
        if node.op_type == "Squeeze":
            del node.attribute[:]
            node.input.append("axis")
            weights["axis"] = np.array([2], np.int64)
        nodes.append(node)
    return _model(nodes, weights, height, classes, opset=17)


def _model(
    nodes: list[onnx.NodeProto], weights: dict[str, Floats], height: int, classes: int, *, opset: int = 11
) -> onnx.ModelProto:
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "rec",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, height, "W"])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", "T", classes])],
            [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in weights.items()],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=8,
    )
    onnx.checker.check_model(model, full_check=True)
    return model
