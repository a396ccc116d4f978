"""Converts an INT8 graph in QDQ form back to its float graph.

A quantised graph still holds the float operators, each between pairs of QuantizeLinear and DequantizeLinear.
So a pack only needs the INT8 graph, which has a third of the size. For a CPU without dot-product instructions
the pairs are removed and the weights converted to float once. The rounding of the weights remains.

Unsigned numbers with zero point 0 cannot be negative, so quantising also acts as a Relu, and the quantiser
drops the Relu that was there. It is added again.

Reference: https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crnn_ocr.errors import ModelBrokenError

if TYPE_CHECKING:
    import onnx

Constants = dict[str, NDArray[np.generic]]

_QUANTIZE, _DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"


def dequantize(graph: bytes) -> bytes:
    """Return the float form of a serialised QDQ graph.

    Raises:
        ModelBrokenError: The bytes are not an ONNX graph, or the graph is not quantised in QDQ form.
    """
    import onnx  # late: 25 MB of memory that only the first start needs
    from onnx import numpy_helper

    try:
        model = onnx.load_from_string(graph)
    except Exception as error:  # protobuf's own exception types differ by version
        raise ModelBrokenError("the graph is not an ONNX file") from error
    constants: Constants = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    nodes, floats = _without_pairs(model.graph, constants)
    used = {name for node in nodes for name in node.input} | {value.name for value in model.graph.output}
    kept = [item for item in model.graph.initializer if item.name in used and item.name not in floats]
    kept += [numpy_helper.from_array(value, name) for name, value in floats.items() if name in used]
    for field, entries in ((model.graph.node, nodes), (model.graph.initializer, kept)):
        del field[:]
        field.extend(entries)
    del model.graph.value_info[:]  # describes tensors that were removed
    stripped: bytes = model.SerializeToString()
    return stripped


def _without_pairs(
    graph: onnx.GraphProto, constants: Constants
) -> tuple[list[onnx.NodeProto], dict[str, NDArray[np.float32]]]:
    """Return the nodes between the pairs, connected directly, and the float weights that they read."""
    from onnx import helper

    quantizers = {node.output[0]: node for node in graph.node if node.op_type == _QUANTIZE}
    made_by = {name: node.op_type for node in graph.node for name in node.output}
    nodes: list[onnx.NodeProto] = []
    floats: dict[str, NDArray[np.float32]] = {}
    stands_for: dict[str, str] = {}  # output of a pair → the tensor that replaces it
    for node in graph.node:
        if node.op_type == _QUANTIZE:
            continue
        if node.op_type != _DEQUANTIZE:
            copy = type(node)()
            copy.CopyFrom(node)
            copy.input[:] = [stands_for.get(name, name) for name in node.input]
            nodes.append(copy)
            continue
        source, output = node.input[0], node.output[0]
        if source in constants:
            floats[output] = _values(node, constants)
        elif source not in quantizers:
            raise ModelBrokenError(f"the graph is not in QDQ form: {source!r} is not made by {_QUANTIZE}")
        else:
            before = quantizers[source].input[0]
            before = stands_for.get(before, before)
            if _cuts_negatives(node, constants) and made_by.get(before) not in ("Relu", "Softmax"):
                nodes.append(helper.make_node("Relu", [before], [output], name=f"{output}_relu"))
            else:
                stands_for[output] = before
    if not stands_for or not floats:
        raise ModelBrokenError("the graph is not a quantised one")
    nodes.extend(  # the graph's outputs keep their names
        helper.make_node("Identity", [stands_for[value.name]], [value.name])
        for value in graph.output
        if value.name in stands_for
    )
    return nodes, floats


def _values(node: onnx.NodeProto, constants: Constants) -> NDArray[np.float32]:
    """Return (weight - zero point) · scale, per tensor or along the node's axis."""
    try:
        weight, scale, *zero = (constants[name] for name in node.input)
    except KeyError as error:
        raise ModelBrokenError(f"the graph is not in QDQ form: no constant {error.args[0]!r}") from None
    axis = next((item.i for item in node.attribute if item.name == "axis"), 1)
    point = zero[0] if zero else np.zeros((), weight.dtype)

    def along(values: NDArray[np.generic]) -> NDArray[np.float64]:
        shape = [1] * weight.ndim
        if values.size > 1:
            shape[axis] = values.size
        return values.astype(np.float64).reshape(shape)

    return np.asarray((weight.astype(np.float64) - along(point)) * along(scale), np.float32)


def _cuts_negatives(node: onnx.NodeProto, constants: Constants) -> bool:
    """Return whether zero is the smallest number that a pair can represent."""
    zero = constants.get(node.input[2]) if len(node.input) > 2 else np.zeros((), np.uint8)
    return zero is not None and zero.dtype.kind == "u" and not zero.any()
