"""Small graphs with a CTC head, and packs of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

HEIGHT, STRIDE, CHARACTERS = 16, 8, "abcd"
CLASSES = len(CHARACTERS) + 1

Arrays = dict[str, NDArray[np.generic]]


def _model(
    nodes: list[onnx.NodeProto],
    weights: Arrays,
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    classes: int | None = None,
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "tiny",
        inputs,
        outputs,
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if classes is not None:
        helper.set_model_props(model, {"classes": str(classes)})
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


def _value(name: str, kind: int, shape: list[Any]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _weights(seed: int = 0) -> Arrays:
    draw = np.random.default_rng(seed)
    kernel = draw.normal(size=(6, 3, HEIGHT, STRIDE)) / 10
    return {
        "w": kernel.astype(np.float32),
        "b": draw.normal(size=6).astype(np.float32) / 3,
        "head": draw.normal(size=(6, CLASSES)).astype(np.float32),
        "axis": np.array([2]),
        "k": np.array([1]),
    }


def _reader(source: str, kernel: str, bias: str, head: str, relu: bool = True) -> list[onnx.NodeProto]:
    """A convolution as high as the picture, a Relu, a projection, a soft-max: (N, T, classes) `scores`."""
    made = "rectified" if relu else "convolved"
    nodes = [helper.make_node("Conv", [source, kernel, bias], ["convolved"], strides=[STRIDE, STRIDE])]
    if relu:
        nodes.append(helper.make_node("Relu", ["convolved"], ["rectified"]))
    return [
        *nodes,
        helper.make_node("Squeeze", [made, "axis"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["steps"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["steps", head], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=2),
    ]


PICTURES = ["N", 3, HEIGHT, "W"]


def scores_graph() -> bytes:
    """One output of probabilities."""
    return _model(
        _reader("x", "w", "b", "head"),
        _weights(),
        [_value("x", TensorProto.FLOAT, PICTURES)],
        [_value("scores", TensorProto.FLOAT, ["N", "T", CLASSES])],
    )


def _best(nodes: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """The arg-max behind `scores`; the lengths decide nothing but must be given."""
    return [
        *nodes,
        helper.make_node("TopK", ["scores", "k"], ["top", "place"], axis=2),
        helper.make_node("Squeeze", ["place", "axis"], ["ids"]),
        helper.make_node("Squeeze", ["top", "axis"], ["shares"]),
        helper.make_node("Cast", ["lengths"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Clip", ["pixels", "zero", "zero"], ["nothings"]),
        helper.make_node("Unsqueeze", ["nothings", "k"], ["nothing"]),
        helper.make_node("Add", ["shares", "nothing"], ["confidences"]),
    ]


def best_graph(classes: int | None = CLASSES) -> bytes:
    """Lengths in, arg-max inside: what training exports."""
    return _model(
        _best(_reader("x", "w", "b", "head")),
        {**_weights(), "zero": np.array(0, np.float32)},
        [_value("x", TensorProto.FLOAT, PICTURES), _value("lengths", TensorProto.INT32, ["N"])],
        [_value("ids", TensorProto.INT64, ["N", "T"]), _value("confidences", TensorProto.FLOAT, ["N", "T"])],
        classes,
    )


def _pair(source: str, name: str) -> list[onnx.NodeProto]:
    scale, zero = f"{name}_scale", f"{name}_zero"
    return [
        helper.make_node("QuantizeLinear", [source, scale, zero], [f"{name}_q"]),
        helper.make_node("DequantizeLinear", [f"{name}_q", scale, zero], [name]),
    ]


def int8_graph() -> bytes:
    """`best_graph` in QDQ form, as the quantiser of ONNX Runtime writes it: the Relu is a zero point."""
    floats = _weights()
    weights: Arrays = {"axis": floats["axis"], "k": floats["k"], "zero": np.array(0, np.float32)}
    nodes = []
    for name, axis in (("w", 0), ("head", 1)):
        value = np.asarray(floats[name], np.float32)
        scale = np.abs(value).max(axis=tuple(i for i in range(value.ndim) if i != axis)) / np.float32(127)
        shape = [-1 if i == axis else 1 for i in range(value.ndim)]
        weights[f"{name}_q"] = np.rint(value / scale.reshape(shape)).astype(np.int8)
        weights[f"{name}_scale"], weights[f"{name}_zero"] = scale, np.zeros(len(scale), np.int8)
        given = [f"{name}_q", f"{name}_scale", f"{name}_zero"]
        nodes.append(helper.make_node("DequantizeLinear", given, [name], axis=axis))
    picture = np.array(2 / 255, np.float32)
    bias = np.asarray(weights["w_scale"], np.float32) * picture
    weights["b_q"] = np.rint(np.asarray(floats["b"], np.float32) / bias).astype(np.int32)
    weights["b_scale"] = bias
    nodes.append(helper.make_node("DequantizeLinear", ["b_q", "b_scale"], ["b"], axis=0))
    weights |= {"picture_scale": picture, "picture_zero": np.array(128, np.uint8)}
    weights |= {"positive_scale": np.array(6 / 255, np.float32), "positive_zero": np.array(0, np.uint8)}
    reader = _reader("picture", "w", "b", "head", relu=False)
    reader[1].input[0] = "positive"
    nodes += [*_pair("x", "picture"), reader[0], *_pair("convolved", "positive"), *reader[1:]]
    return _model(
        _best(nodes),
        weights,
        [_value("x", TensorProto.FLOAT, PICTURES), _value("lengths", TensorProto.INT32, ["N"])],
        [_value("ids", TensorProto.INT64, ["N", "T"]), _value("confidences", TensorProto.FLOAT, ["N", "T"])],
        CLASSES,
    )


def write_pack(folder: Path, graph: bytes, name: str = "mine", **changes: Any) -> Path:
    """Write a pack of one graph and its characters; `changes` go into the manifest."""
    pack = folder / name
    pack.mkdir(parents=True)
    (pack / "net.onnx").write_bytes(graph)
    (pack / "chars.txt").write_text("".join(f"{c}\n" for c in CHARACTERS), encoding="utf-8")

    def file(path: str) -> dict[str, str]:
        return {"path": path, "sha256": hashlib.sha256((pack / path).read_bytes()).hexdigest()}

    manifest = {
        "name": name, "version": "1", "kind": "rec", "title": "A pack of the tests", "licence": "Apache-2.0",
        "provenance": "made here", "graph": file("net.onnx"), "charset": file("chars.txt"), "space": False,
        "input_height": HEIGHT, "stride": STRIDE, **changes,
    }  # fmt: skip
    (pack / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return pack
