"""Static INT8 of an exported network, in QDQ form, and what it costs.

Convolutions, the residual sums between them and the two projections become 8-bit (weights signed, per
channel; activations unsigned, which is what the x86 dot-product instructions take); the LSTM and the soft-max
stay in float. The projections' outputs are not rounded, so that no two classes tie.

Nearly all that INT8 loses it loses in the head, whose input has one scale for all of its numbers, though some
are five times larger than others. `balance` evens them out beforehand, which changes nothing in float.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from crnn_ocr.errors import TrainingError
from crnn_ocr.runtime.onnx import Session
from crnn_ocr.training.data.dataset import LineSampler, SampleConfig
from crnn_ocr.training.fit.evaluate import feeds, graph_size
from crnn_ocr.training.nets import teacher
from crnn_ocr.training.types import Image

Feeds = dict[str, NDArray[np.generic]]

CALIBRATION_LINES = 120
_SEED = 20_260_311
"""Of the calibration lines: the same for the same data, and none of those that anything is measured on."""
_SMOOTHING = 0.8
_EIGHT_BIT = ("Conv", "MatMul", "Add", "Relu")


def check(model: Path) -> int:
    """Return the height of an exported network's lines, in pixels, if it gains by INT8.

    Raises:
        TrainingError: The file is missing, no ONNX file, not what `export` writes, quantised already, or of a
            kind that INT8 makes slower.
    """
    given = teacher.load(model)
    if {"x", "lengths"} - {value.name for value in given.graph.input}:
        raise TrainingError(
            f"{model.name} is not a network that `crnn-ocr train export` wrote.", hint="Export a checkpoint."
        )
    if teacher.quantised(given):
        raise TrainingError(f"{model.name} is quantised already.", hint="Name the network in float.")
    if any(_groups(node) > 1 for node in given.graph.node):  # depthwise convolutions
        raise TrainingError("This kind of network loses by INT8.", hint=f"Use {model.name} as it is.")
    height, _ = graph_size(model)
    return height


def quantize(model: Path, target: Path, lines: Sequence[Image]) -> Path:
    """Write the INT8 form of `model` to `target`.

    Args:
        model: What `export` wrote.
        target: ONNX file, written whole or not at all.
        lines: Calibration lines (H, W, 3) of every width, as the network will meet them. Every value that
            occurs in them can be represented: cutting off the rarest (99.9 to 99.999 %) gained nothing.

    Raises:
        TrainingError: There are no lines.
    """
    # Late, so that the engine has switched the runtime's telemetry off before it loads.
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    if not lines:
        raise TrainingError("Quantisation needs lines to calibrate on.")
    given = onnx.load(str(model))
    float_nodes = [
        node.name for node in given.graph.node if node.op_type == "Add" and not node.name.startswith("sum")
    ]
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        even, shaped, partial = (Path(folder) / name for name in ("even.onnx", "shaped.onnx", target.name))
        onnx.save(balance(given, lines), str(even))
        # Only for the shapes: what can be folded has been folded by the export.
        quant_pre_process(even, shaped, skip_optimization=True, skip_symbolic_shape=True)
        quantize_static(
            shaped,
            partial,
            _Reader(lines),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_EIGHT_BIT),
            nodes_to_exclude=float_nodes,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul"]},
        )
        return partial.replace(target)


def calibration_lines(data: Path, height: int, count: int = CALIBRATION_LINES) -> list[Image]:
    """Draw lines of held-out text for the calibration of INT8, their widths spread evenly.

    Args:
        data: Folder of the training data.
        height: Of the network's input, in pixels.
        count: How many.

    Returns:
        uint8 (height, W, 3) BGR, the same for the same data and the same mixture of lines (`SampleConfig`).
    """
    config = replace(SampleConfig(data, height=height), held_out_text=True)
    sampler = LineSampler(_SEED, config)
    drawn = sorted((sampler.sample()[0] for _ in range(6 * count)), key=lambda line: line.shape[1])
    widths = np.array([line.shape[1] for line in drawn])
    chosen: dict[int, Image] = {}
    for wanted in np.linspace(widths[0], widths[-1], count):
        order = np.argsort(np.abs(widths - wanted), kind="stable")
        nearest = next(int(index) for index in order if int(index) not in chosen)
        chosen[nearest] = drawn[nearest]
    return list(chosen.values())


def balance(model: onnx.ModelProto, lines: Sequence[Image]) -> onnx.ModelProto:
    """Scale the numbers of the embedding so that they, and the head's weights for them, are of like size.

    Number j is divided by s = max|x|^a / max|w|^(1 - a) in the embedding's weights and multiplied by it in
    the head's: Xiao et al., "SmoothQuant" (2022). With a = 0.8, 157 of 1,200 rendered lines are read not as
    in float, with 0.5 159, unscaled 195; with the head in float 94, but that takes a fifth more time.

    Returns:
        A changed copy; the graph itself where it has no such layers.
    """
    weights = {item.name: item for item in model.graph.initializer}
    if not {"embed_w", "embed_b", "head_w"} <= weights.keys():
        return model
    even = onnx.ModelProto()
    even.CopyFrom(model)
    even.graph.output.append(helper.make_tensor_value_info("embed", onnx.TensorProto.FLOAT, None))
    session = Session(even.SerializeToString())
    even.graph.output.pop()
    largest = np.max(
        [np.abs(session.run(feeds(line), ["embed"])[0]).max(axis=(0, 1)) for line in lines], axis=0
    )
    head = numpy_helper.to_array(weights["head_w"])  # (embedding, classes)
    scale = np.maximum(largest, 1e-6) ** _SMOOTHING / np.maximum(np.abs(head).max(axis=1), 1e-6) ** (
        1 - _SMOOTHING
    )
    factors = {"embed_w": 1 / scale, "embed_b": 1 / scale, "head_w": scale[:, None]}
    for item in even.graph.initializer:
        if item.name in factors:
            scaled = (numpy_helper.to_array(item) * factors[item.name]).astype(np.float32)
            item.CopyFrom(numpy_helper.from_array(scaled, item.name))
    return even


def milliseconds(model: Path, *, height: int = 48, width: int = 320, runs: int = 50) -> float:
    """Return the CPU time of one line of height × width on one thread: the median, in milliseconds."""
    session = Session(model)
    line = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    given = {"x": feeds(line)["x"][:, :, :, :width], "lengths": np.array([width], np.int32)}
    taken = []
    for _ in range(runs + 5):
        began = time.thread_time()
        session.run({name: given[name] for name in session.inputs})
        taken.append(time.thread_time() - began)
    return 1000 * float(np.median(taken[5:]))


def _groups(node: onnx.NodeProto) -> int:
    """Return into how many groups a convolution divides its channels."""
    return max((item.i for item in node.attribute if item.name == "group"), default=1)


class _Reader:
    """ONNX Runtime's CalibrationDataReader over some lines."""

    def __init__(self, lines: Sequence[Image]) -> None:
        self._feeds: Iterator[Feeds] = (feeds(line) for line in lines)

    def get_next(self) -> Feeds | None:
        return next(self._feeds, None)
