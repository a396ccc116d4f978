"""Writes the detector's network as one ONNX file, in float or in INT8.

Input:  `x` float32 (N, 3, H, W) BGR, (p - 127.5) / 127.5; H and W multiples of `network.MULTIPLE`.
Output: `map` float32 (N, 1, H / 2, W / 2), the probability of a line's core.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from crnn_ocr.errors import TrainingError
from crnn_ocr.pixels import Pixels
from crnn_ocr.training.detection.network import MAP_STRIDE, MULTIPLE, DetectorNet
from crnn_ocr.training.nets.crnn import ConvUnit
from crnn_ocr.training.nets.export import IR_VERSION, OPSET, Graph, add_convolution

_EIGHT_BIT = ("Conv", "Add", "Relu", "Resize")


def build(net: DetectorNet) -> onnx.ModelProto:
    """Return the network's graph; weights are taken as they are now."""
    graph = Graph()
    twice = graph.weight("twice", np.array([1, 1, 2, 2], np.float32))
    x = add_convolution(graph, net.stem, "x", "stem")
    levels = []
    for index, (stage, lateral) in enumerate(zip(net.stages, net.laterals, strict=True)):
        for place, unit in enumerate(stage):
            name = f"stage{index}_{place}"
            if isinstance(unit, ConvUnit):
                x = add_convolution(graph, unit, x, name)
            else:
                y = add_convolution(graph, unit.first, x, f"{name}a")
                y = add_convolution(graph, unit.second, y, f"{name}b")
                x = graph.add("Relu", [graph.add("Add", [y, x], f"{name}_sum")], f"{name}_relu")
        levels.append(add_convolution(graph, lateral, x, f"lateral{index}"))
    top = graph.add("Relu", [levels[-1]], "top_relu")
    for index in (2, 1, 0):
        top = add_convolution(graph, net.smooth[index], top, f"smooth{index}")
        wide = graph.add(
            "Resize", [top, "", twice], f"wide{index}", mode="nearest",
            coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )  # fmt: skip
        summed = graph.add("Add", [levels[index], wide], f"level{index}_sum")
        top = graph.add("Relu", [summed], f"level{index}_relu")
    top = add_convolution(graph, net.head, top, "head")
    kernel, bias = (tensor.detach().numpy() for tensor in (net.map.weight, net.map.bias))
    cells = graph.add("Conv", [top, graph.weight("map_w", kernel), graph.weight("map_b", bias)], "cells")
    fine = graph.add("DepthToSpace", [cells], "logits", blocksize=MAP_STRIDE, mode="CRD")
    graph.add("Sigmoid", [fine], "map")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "detector",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, "H", "W"])],
            [helper.make_tensor_value_info("map", TensorProto.FLOAT, ["N", 1, "h", "w"])],
            list(graph.weights.values()),
        ),
        producer_name="crnn-ocr",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def quantize(model: onnx.ModelProto, target: Path, pictures: Sequence[Pixels]) -> Path:
    """Write the INT8 form of a graph, in QDQ form.

    Convolutions, sums and enlargements are of 8 bits, but the last layer, which only has a few channels.
    Weights have 7: with 8 the sums overflow on x86 CPUs without dot-product instructions, and 1 to 28 % of a
    page's pixels of text change sides; with 7 it is 0.5 to 2 % everywhere.

    Args:
        model: What `build` returns.
        target: ONNX file, written whole or not at all.
        pictures: (H, W, 3) BGR pages to calibrate on, of different sizes and kinds.

    Raises:
        TrainingError: There are no pictures.
    """
    # Late, so that the engine has switched the runtime's telemetry off before it loads.
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    if not pictures:
        raise TrainingError("Quantisation needs pictures to calibrate on.")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        plain, shaped, partial = (Path(folder) / name for name in ("plain.onnx", "shaped.onnx", target.name))
        onnx.save(model, str(plain))
        quant_pre_process(plain, shaped, skip_optimization=True, skip_symbolic_shape=True)
        quantize_static(
            shaped,
            partial,
            _Reader(pictures),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_EIGHT_BIT),
            nodes_to_exclude=["cells"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            reduce_range=True,
        )
        return partial.replace(target)


class _Reader:
    """ONNX Runtime's CalibrationDataReader over some pictures."""

    def __init__(self, pictures: Sequence[Pixels]) -> None:
        self._feeds: Iterator[dict[str, NDArray[np.float32]]] = (
            {"x": _input(picture)} for picture in pictures
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._feeds, None)


def _input(picture: Pixels) -> NDArray[np.float32]:
    """Return a picture (H, W, 3) as the network's input, padded to sizes that it accepts."""
    bottom, right = (-side % MULTIPLE for side in picture.shape[:2])
    padded = cv2.copyMakeBorder(picture, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    return (np.asarray(padded, np.float32).transpose(2, 0, 1)[None] / 127.5 - 1.0).astype(np.float32)
