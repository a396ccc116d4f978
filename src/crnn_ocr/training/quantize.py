"""Static INT8 of an exported network, in QDQ form, and what it costs.

Convolutions, the residual sums between them and the two projections become 8-bit (weights signed, per
channel; activations unsigned, which is what the x86 dot-product instructions take); the LSTM and the soft-max
stay in float. The projections' outputs are not rounded, so that no two classes tie.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from crnn_ocr.engine.onnx import Session
from crnn_ocr.errors import TrainingError
from crnn_ocr.training.evaluate import feeds

Image = NDArray[np.uint8]
Feeds = dict[str, NDArray[np.generic]]

_EIGHT_BIT = ("Conv", "MatMul", "Add", "Relu")


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
    float_nodes = [
        node.name
        for node in onnx.load(str(model)).graph.node
        if node.op_type == "Add" and not node.name.startswith("sum")
    ]
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        shaped, partial = Path(folder) / "shaped.onnx", Path(folder) / target.name
        # Only for the shapes: what can be folded has been folded by the export.
        quant_pre_process(model, shaped, skip_optimization=True, skip_symbolic_shape=True)
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


class _Reader:
    """What ONNX Runtime calls a CalibrationDataReader."""

    def __init__(self, lines: Sequence[Image]) -> None:
        self._feeds: Iterator[Feeds] = (feeds(line) for line in lines)

    def get_next(self) -> Feeds | None:
        return next(self._feeds, None)
