"""The edge network as one small ONNX file: weights of 8 bits, nearly all arithmetic in float.

Inputs and outputs are those of `export`. Three things differ inside:

* **Weights are kept as INT8** with one scale per channel and brought back by `Cast` and `Mul`. ONNX Runtime
  computes such constants once, while it loads the graph: the file is a quarter of the size, a run costs what
  it costs in float, and no activation is rounded. (`DequantizeLinear` is not computed at loading time, but in
  every run: 0.28 ms more for the head alone.)
* **The head answers only where the gate is open**, see `edge`; elsewhere it is the blank with the gate's
  share.
* **The head multiplies integers**: its 3 MB in float do not fit into the caches beside the rest, its 0.8 MB
  in INT8 do. The embedding is rounded to 8 bits over the range that it has in this run (dynamic
  quantisation): nothing has to be calibrated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from torch import nn

from crnn_ocr.training.nets.crnn import ConvUnit
from crnn_ocr.training.nets.edge import EdgeCrnn, InvertedResidual
from crnn_ocr.training.nets.export import (
    STRETCH,
    Graph,
    add_convolution,
    add_linear,
    add_lstm,
    add_steps,
    finish,
)

_FEWEST = 512
"""Smaller constants stay as they are: two more nodes would take more room than they save."""

_HEAD_PEAK = 63
"""Seven bits for what is multiplied as integers: x86 CPUs without VNNI add two products of an unsigned and a
signed byte in 16 bits, which 255 · 127 · 2 overflows and 255 · 63 · 2 does not."""

_INPUT_AXES = {2: (0,), 3: (2,), 4: (1, 2, 3)}
"""Axes that one output number sums over: of matrices (inputs, outputs), LSTM gates, convolution kernels."""


class CompactGraph(Graph):
    """A graph that keeps its large weights as INT8."""

    def weight(self, name: str, value: NDArray[Any]) -> str:
        """Add a constant, rounded to 255 levels per channel if it is a large matrix; returns its name."""
        if value.dtype != np.float32 or value.size < _FEWEST or value.ndim not in _INPUT_AXES:
            return super().weight(name, value)
        levels, scale = to_int8(value)
        wide = self.add("Cast", [super().weight(f"{name}_i8", levels)], f"{name}_f32", to=TensorProto.FLOAT)
        return self.add("Mul", [wide, super().weight(f"{name}_scale", scale)], name)


def to_int8(value: NDArray[np.float32], *, peak: int = 127) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round a weight to INT8, channel by channel.

    Returns:
        Levels -peak to peak in the shape of `value`, and the scale, which broadcasts to it.
    """
    largest = np.abs(value).max(axis=_INPUT_AXES[value.ndim], keepdims=True)
    scale = (np.maximum(largest, 1e-12) / peak).astype(np.float32)
    return np.rint(value / scale).astype(np.int8), scale


def build(net: EdgeCrnn) -> onnx.ModelProto:
    """Return the network's graph; weights are taken as they are now."""
    graph = CompactGraph()
    x = _convolutions(graph, net)
    x = graph.add("Squeeze", [x, graph.weight("axis_height", np.array([2]))], "columns")  # (N, C, T)
    sequence = graph.add("Transpose", [x], "sequence", perm=[2, 0, 1])  # (T, N, C)
    steps = add_steps(graph, net.config.stride)
    read = add_lstm(graph, net.rnn, sequence, steps)
    joined = graph.add("Concat", [read, sequence], "joined", axis=2)
    by_line = graph.add("Transpose", [joined], "by_line", perm=[1, 0, 2])  # (N, T, F)
    embedded = add_linear(graph, net.embed, by_line, "embed")
    gate = add_linear(graph, net.gate, by_line, "gate")
    _add_gated_answers(graph, net.head, embedded, gate, steps)
    model = finish(graph, net.config.height)
    model.metadata_props.add(key=STRETCH, value=str(net.config.stretch))
    return model


def _convolutions(graph: Graph, net: EdgeCrnn) -> str:
    x = "x"
    for index, layer in enumerate(net.features):
        if isinstance(layer, InvertedResidual):
            x = _residual(graph, layer, x, f"block{index}")
        else:
            assert isinstance(layer, ConvUnit)
            x = add_convolution(graph, layer, x, f"conv{index}")
    return x


def _residual(graph: Graph, layer: InvertedResidual, x: str, name: str) -> str:
    def active(y: str) -> str:
        return graph.add("HardSwish", [y], f"{y}_swish") if layer.swish else y

    y = active(add_convolution(graph, layer.expand, x, f"{name}_expand"))
    y = active(add_convolution(graph, layer.depthwise, y, f"{name}_depthwise"))
    y = add_convolution(graph, layer.project, y, f"{name}_project")
    return graph.add("Add", [y, x], f"{name}_sum") if layer.skip else y


def _add_gated_answers(graph: Graph, head: nn.Linear, embedded: str, gate: str, steps: str) -> None:
    """Arg-max and its share; blank with certainty beyond the valid steps.

    The places (row, step) where a character may win are gathered, answered, and put back.
    """
    last = graph.weight("axis_classes", np.array([2]))
    blank = graph.add("Sigmoid", [graph.add("Squeeze", [gate, last], "gate_by_step")], "blank")  # (N, T)
    shape = graph.add("Shape", [blank], "answer_shape")
    count = graph.add("Squeeze", ["time_steps_1", graph.weight("axis_0", np.array([0]))], "time_steps")
    zero = graph.weight("zero", np.array(0, np.int64))
    ticks = graph.add("Range", [zero, count, graph.weight("tick", np.array(1, np.int64))], "ticks")
    wide = graph.add("Cast", [steps], "steps_i64", to=TensorProto.INT64)
    second = graph.weight("axis_1", np.array([1]))
    inside = graph.add("Less", [ticks, graph.add("Unsqueeze", [wide, second], "steps_column")], "inside")
    unsure = graph.add("Less", [blank, graph.weight("half", np.array(0.5, np.float32))], "gate_open")
    wanted = graph.add("And", [inside, unsure], "wanted")
    where = graph.add("NonZero", [wanted], "where")  # (2, K)
    places = graph.add("Transpose", [where], "places", perm=[1, 0])

    chosen = graph.add("GatherND", [embedded, places], "chosen")  # (K, E)
    logits = _add_head(graph, head, chosen)
    shares = graph.add("Softmax", [logits], "shares", axis=1)
    one = graph.weight("one_best", np.array([1]))
    graph.nodes.append(onnx.helper.make_node("TopK", [shares, one], ["top_share", "top"], name="top", axis=1))
    blank_there = graph.add("GatherND", [blank, places], "blank_there")  # (K,)
    character = graph.add("Sub", [graph.weight("whole", np.array(1.0, np.float32)), blank_there], "character")
    share = graph.add("Mul", [graph.add("Squeeze", ["top_share", second], "best_share"), character], "share")
    # The head has no row for the blank: its first class is 1.
    best = graph.add("Add", [graph.add("Squeeze", ["top", second], "best_row"), one], "best")
    wins = graph.add("Greater", [share, blank_there], "wins")
    answer = graph.add("Where", [wins, best, zero], "answer")
    sure = graph.add("Where", [wins, share, blank_there], "sure")

    nothing = graph.add("ConstantOfShape", [shape], "nothing", value=onnx.helper.make_tensor("", 7, [1], [0]))
    certain = graph.weight("certain", np.array(1.0, np.float32))
    silent = graph.add("Where", [inside, blank, certain], "silent")
    graph.add("ScatterND", [nothing, places, answer], "ids")
    graph.add("ScatterND", [silent, places, sure], "confidences")


def _add_head(graph: Graph, head: nn.Linear, chosen: str) -> str:
    """Add the head's rows of characters, all but the blank's, in INT8; returns float (K, C - 1).

    ONNX Runtime makes one operator of these six.
    """
    weight = np.asarray(head.weight[1:].detach().numpy().T, np.float32)
    levels, scale = to_int8(weight, peak=_HEAD_PEAK)
    levels_name, scale_name = graph.weight("head_w", levels), graph.weight("head_scale", scale[0])
    bias = graph.weight("head_b", np.asarray(head.bias[1:].detach().numpy(), np.float32))
    rounded = ["chosen_u8", "chosen_scale", "chosen_zero"]
    graph.nodes.append(onnx.helper.make_node("DynamicQuantizeLinear", [chosen], rounded, name="chosen_u8"))
    whole = graph.add("MatMulInteger", ["chosen_u8", levels_name, "chosen_zero"], "head_i32")
    wide = graph.add("Cast", [whole], "head_f32", to=TensorProto.FLOAT)
    unit = graph.add("Mul", ["chosen_scale", scale_name], "head_unit")
    return graph.add("Add", [graph.add("Mul", [wide, unit], "head_product"), bias], "head")
