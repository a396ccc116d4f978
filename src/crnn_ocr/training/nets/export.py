"""Write the network as one ONNX file, arg-max and confidence included.

The graph is built node by node: normalisation of the pixels stays with the caller (as for every recogniser
pack: BGR, (p - 127.5) / 127.5), batch normalisation is folded into the convolutions, the LSTM gets the valid
lengths, so that what pads a line never reaches it, and the answer is two small arrays instead of thousands
of scores per step.

Inputs:  `x` float32 (N, 3, H, W), W a multiple of the stride, and `lengths` int32 (N): the pixels of content
         of every line, of which ceil(length / stride) + 1 time steps are read (at most T).
Outputs: `ids` int64 (N, T) arg-max class (0 is the CTC blank) and `confidences` float32 (N, T) its
         probability; steps beyond a line's length answer (0, 1.0).

The convolutions still see what stands to the right of a line. Pad every line with mid grey (0 after
normalisation) up to a width that depends on that line alone; `context_pixels` tells how far a step can see.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from crnn_ocr.training.nets.crnn import ConvUnit, Crnn, ResidualPair

OPSET = 17
IR_VERSION = 8
STRETCH = "stretch"
"""Metadata of graphs whose lines are wider than high: horizontal scale relative to the vertical one."""

Array = NDArray[np.generic]


class Graph:
    """Nodes and weights of an ONNX graph in the making."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, onnx.TensorProto] = {}

    def weight(self, name: str, value: Array) -> str:
        """Add a constant; returns its name."""
        self.weights[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def add(self, op: str, inputs: list[str], output: str, **attributes: object) -> str:
        """Add a node with one output; returns that one's name, which is the node's too."""
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output


def fold(unit: ConvUnit) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fold a unit's batch normalisation into its convolution.

    Returns:
        Kernel (outputs, inputs, h, w) and bias (outputs,).
    """
    norm = unit.norm
    gain = _numpy(norm.weight) / np.sqrt(_numpy(norm.running_var) + norm.eps)
    kernel = _numpy(unit.conv.weight) * gain[:, None, None, None]
    bias = _numpy(norm.bias) - _numpy(norm.running_mean) * gain
    return kernel.astype(np.float32), bias.astype(np.float32)


def build(net: Crnn) -> onnx.ModelProto:
    """Return the network's graph; weights are taken as they are now."""
    config = net.config
    graph = Graph()
    x = _convolutions(graph, net)
    x = graph.add("Squeeze", [x, graph.weight("axis_height", np.array([2]))], "columns")  # (N, C, T)
    sequence = graph.add("Transpose", [x], "sequence", perm=[2, 0, 1])  # (T, N, C)
    steps = add_steps(graph, config.stride)
    read = add_lstm(graph, net.rnn, sequence, steps)
    joined = graph.add("Concat", [read, sequence], "joined", axis=2)
    by_line = graph.add("Transpose", [joined], "by_line", perm=[1, 0, 2])  # (N, T, F)
    embedded = add_linear(graph, net.embed, by_line, "embed")
    logits = add_linear(graph, net.head, embedded, "head")
    add_answers(graph, logits, steps)
    return finish(graph, config.height)


def finish(graph: Graph, height: int) -> onnx.ModelProto:
    """Return the graph as a checked model with the inputs and outputs that this module promises."""
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "crnn",
            [
                helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, height, "W"]),
                helper.make_tensor_value_info("lengths", TensorProto.INT32, ["N"]),
            ],
            [
                helper.make_tensor_value_info("ids", TensorProto.INT64, ["N", "T"]),
                helper.make_tensor_value_info("confidences", TensorProto.FLOAT, ["N", "T"]),
            ],
            list(graph.weights.values()),
        ),
        producer_name="crnn-ocr",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def write(model: onnx.ModelProto, path: Path) -> Path:
    """Write a graph to `path` (whole or not at all) and return it."""
    partial = path.with_suffix(path.suffix + ".part")
    partial.write_bytes(model.SerializeToString())
    return partial.replace(path)


def context_pixels(net: Crnn) -> int:
    """Return how many pixels to its right a time step's convolutions can see."""
    reach, scale = 0, 1
    for unit in net.modules():
        if isinstance(unit, ConvUnit):
            reach += scale * (unit.conv.kernel_size[1] // 2)
            scale *= unit.conv.stride[1]
    return reach + scale - 1


def _numpy(tensor: object) -> NDArray[np.float32]:
    return np.asarray(tensor.detach().float().cpu().numpy(), dtype=np.float32)  # type: ignore[attr-defined]


def _convolutions(graph: Graph, net: Crnn) -> str:
    x = "x"
    for index, layer in enumerate(net.features):
        if isinstance(layer, ResidualPair):
            y = add_convolution(graph, layer.first, x, f"conv{index}a")
            y = add_convolution(graph, layer.second, y, f"conv{index}b")
            x = graph.add("Relu", [graph.add("Add", [y, x], f"sum{index}")], f"sum{index}_relu")
        else:
            assert isinstance(layer, ConvUnit)
            x = add_convolution(graph, layer, x, f"conv{index}")
    return x


def add_convolution(graph: Graph, unit: ConvUnit, x: str, name: str) -> str:
    """Add a unit, its normalisation folded; returns (N, outputs, h', w')."""
    kernel, bias = fold(unit)
    grouped = {"group": unit.conv.groups} if unit.conv.groups > 1 else {}
    top, left = (int(p) for p in unit.conv.padding)
    x = graph.add(
        "Conv",
        [x, graph.weight(f"{name}_w", kernel), graph.weight(f"{name}_b", bias)],
        name,
        kernel_shape=list(unit.conv.kernel_size),
        strides=list(unit.conv.stride),
        pads=[top, left, top, left],
        **grouped,
    )
    return graph.add("Relu", [x], f"{name}_relu") if unit.relu else x


def add_steps(graph: Graph, stride_pixels: int) -> str:
    """Turn pixel widths into time steps, T at most."""
    margin = graph.weight("stride_less_one", np.array(stride_pixels - 1, np.int32))
    stride = graph.weight("stride", np.array(stride_pixels, np.int32))
    rounded = graph.add("Add", ["lengths", margin], "rounded_up")
    covered = graph.add("Div", [rounded, stride], "steps_covered")
    one = graph.weight("one", np.array([1], np.int32))
    steps = graph.add("Add", [covered, one], "steps_wanted")
    shape = graph.add("Shape", ["sequence"], "time_steps_1", start=0, end=1)
    narrow = graph.add("Cast", [shape], "time_steps_i32", to=TensorProto.INT32)
    return graph.add("Min", [steps, narrow], "steps")


def add_lstm(graph: Graph, rnn: nn.LSTM, sequence: str, steps: str) -> str:
    """Add the bidirectional LSTM; returns (T, N, 2 * hidden)."""
    weights, recurrent, biases = [], [], []
    for suffix in ("", "_reverse"):
        weights.append(_gates(getattr(rnn, f"weight_ih_l0{suffix}")))
        recurrent.append(_gates(getattr(rnn, f"weight_hh_l0{suffix}")))
        biases.append(
            np.concatenate(
                [_gates(getattr(rnn, f"bias_ih_l0{suffix}")), _gates(getattr(rnn, f"bias_hh_l0{suffix}"))]
            )
        )
    w = graph.weight("lstm_w", np.stack(weights))
    r = graph.weight("lstm_r", np.stack(recurrent))
    b = graph.weight("lstm_b", np.stack(biases))
    read = graph.add(
        "LSTM", [sequence, w, r, b, steps], "lstm", direction="bidirectional", hidden_size=rnn.hidden_size
    )  # (T, 2, N, hidden)
    moved = graph.add("Transpose", [read], "lstm_by_step", perm=[0, 2, 1, 3])
    return graph.add("Reshape", [moved, graph.weight("join_directions", np.array([0, 0, -1]))], "lstm_joined")


def _gates(tensor: object) -> NDArray[np.float32]:
    """Reorder the gates from PyTorch's (i, f, g, o) to ONNX's (i, o, f, c)."""
    i, f, g, o = np.split(_numpy(tensor), 4, axis=0)
    return np.concatenate([i, o, f, g], axis=0)


def add_linear(graph: Graph, layer: nn.Linear, x: str, name: str) -> str:
    """Add x · weight + bias over the last axis."""
    product = graph.add("MatMul", [x, graph.weight(f"{name}_w", _numpy(layer.weight).T)], f"{name}_product")
    return graph.add("Add", [product, graph.weight(f"{name}_b", _numpy(layer.bias))], name)


def add_answers(graph: Graph, logits: str, steps: str) -> None:
    """Arg-max and its probability; blank with certainty beyond the valid steps."""
    shares = graph.add("Softmax", [logits], "shares", axis=2)
    # One pass for value and place: a third of what ArgMax and ReduceMax take together.
    one = graph.weight("one_best", np.array([1]))
    graph.nodes.append(helper.make_node("TopK", [shares, one], ["top_share", "top"], name="top", axis=2))
    last = graph.weight("axis_classes", np.array([2]))
    best = graph.add("Squeeze", ["top", last], "best")
    share = graph.add("Squeeze", ["top_share", last], "share")
    count = graph.add("Squeeze", ["time_steps_1", graph.weight("axis_0", np.array([0]))], "time_steps")
    zero = graph.weight("zero", np.array(0, np.int64))
    ticks = graph.add("Range", [zero, count, graph.weight("tick", np.array(1, np.int64))], "ticks")
    wide = graph.add("Cast", [steps], "steps_i64", to=TensorProto.INT64)
    column = graph.add("Unsqueeze", [wide, graph.weight("axis_1", np.array([1]))], "steps_column")
    inside = graph.add("Less", [ticks, column], "inside")
    graph.add("Where", [inside, best, zero], "ids")
    graph.add("Where", [inside, share, graph.weight("certain", np.array(1.0, np.float32))], "confidences")
