"""Takes a recogniser's graph apart at its last projection, and puts a changed one back in.

Any graph will do whose classes come from one multiplication `embedding (N, T, D) × constant (D, classes)`,
with or without a bias behind it, in float or as INT8 in QDQ form (weights signed, per class or for all): that
is what `export` and `quantize` write, and what PaddleOCR's recognisers look like.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from crnn_ocr.errors import TrainingError
from crnn_ocr.models.prepare import CLASSES_KEY
from crnn_ocr.training.nets.teacher import constants

Floats = NDArray[np.float32]

_PREFIX = "adapted"
_PICKING = {"Gather", "GatherElements", "GatherND", "Compress"}
"""What puts a gate before the projection, as the edge network does: new characters would not pass it."""
_PASSING = {"Identity", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"}
_GATE_HINT = "Adapt another pack: the gate of an edge network would let no new character pass."
_HINT = "Adapt a pack of this project, or one whose graph ends in embedding × matrix + bias → soft-max."


@dataclass(frozen=True)
class Head:
    """A last projection.

    Attributes:
        weight: float32 (classes, D).
        bias: float32 (classes,).
    """

    weight: Floats
    bias: Floats


@dataclass(frozen=True)
class Correction:
    """An addition to the embedding, made from the features f: relu(f · inward + offset) · outward.

    Attributes:
        inward: float32 (F, R).
        offset: float32 (R,).
        outward: float32 (R, D).
    """

    inward: Floats
    offset: Floats
    outward: Floats


@dataclass(frozen=True)
class Parts:
    """The places where a graph can be cut.

    Attributes:
        embedding: Name of what the last projection reads, (N, T, D), before any rounding.
        features: Names of what the embedding was projected from, each (N, T, F); the embedding itself where
            nothing was.
        head: The last projection; INT8 weights as the numbers that they stand for.
    """

    embedding: str
    features: tuple[str, ...]
    head: Head


@dataclass(frozen=True)
class _Site:
    """The nodes of the last projection.

    Attributes:
        product: The multiplication.
        sum: The addition of the bias, or None.
        weight: float32 (D, classes).
    """

    product: onnx.NodeProto
    sum: onnx.NodeProto | None
    weight: Floats


def dissect(model: onnx.ModelProto) -> Parts:
    """Find the last projection and what leads to it.

    Raises:
        TrainingError: The graph does not end in a projection onto classes.
    """
    values = constants(model.graph)
    site = _site(model.graph, values)
    makers = _makers(model.graph)
    embedding = _before_rounding(site.product.input[0], makers)
    _refuse_gated(embedding, makers)
    if embedding not in makers:
        raise TrainingError("The graph's last projection reads the picture itself.", hint=_HINT)
    features = tuple(dict.fromkeys(_sources(embedding, makers, values)))
    bias = np.zeros(site.weight.shape[1], np.float32)
    if site.sum is not None:
        bias = _constant_operand(site.sum, values).astype(np.float32).reshape(-1)
    return Parts(embedding, features, Head(site.weight.T.copy(), bias))


def feature_graph(model: onnx.ModelProto, parts: Parts) -> onnx.ModelProto:
    """Return the graph with embedding and features as its outputs, and nothing behind them."""
    cut = onnx.ModelProto()
    cut.CopyFrom(model)
    del cut.graph.output[:]
    for name in dict.fromkeys((parts.embedding, *parts.features)):
        cut.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    _prune(cut.graph)
    return cut


def transplant(
    model: onnx.ModelProto,
    parts: Parts,
    head: Head,
    correction: Correction | None,
    reach: tuple[float, float] | None = None,
) -> onnx.ModelProto:
    """Return the graph with another last projection; all that leads to the embedding stays as it is.

    Args:
        model: The graph that `dissect` looked at.
        parts: What it found.
        head: The new projection; may have more classes. Where the old one is INT8, this becomes INT8 too.
        correction: Added to the embedding, or None.
        reach: Least and greatest number of the corrected embedding, to which an INT8 graph rounds; None keeps
            the old rounding.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    values = constants(graph)
    site = _site(graph, values)
    added: list[onnx.NodeProto] = []
    if correction is not None:
        _redirect(site.product, _makers(graph), parts.embedding, _corrected(graph, parts, correction, added))
    if reach is not None:
        _widen(graph, site.product, reach)
    _place_weight(graph, site.product, head.weight, quantised=_is_quantised(site.product, graph))
    _place_bias(graph, site, head.bias)
    _insert_behind(graph, parts, added)
    for output in graph.output:
        shape = output.type.tensor_type.shape
        if shape.dim and shape.dim[-1].dim_value == len(parts.head.bias):
            shape.dim[-1].dim_value = len(head.bias)
    for entry in made.metadata_props:
        if entry.key == CLASSES_KEY:
            entry.value = str(len(head.bias))
    del graph.value_info[:]
    _prune(graph)
    try:
        onnx.checker.check_model(made, full_check=True)
    except Exception as error:  # onnx raises protobuf's errors, which share no base
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise TrainingError(f"The graph cannot take another last projection: {first}", hint=_HINT) from error
    return made


def rounds_embedding(model: onnx.ModelProto) -> bool:
    """Tell whether the embedding is rounded to 8 bits before the last projection reads it."""
    site = _site(model.graph, constants(model.graph))
    maker = _makers(model.graph).get(site.product.input[0])
    return maker is not None and maker.op_type == "DequantizeLinear"


def _makers(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in graph.node for name in node.output}


def _site(graph: onnx.GraphProto, values: dict[str, NDArray[np.generic]]) -> _Site:
    makers = _makers(graph)
    for node in reversed(graph.node):
        if node.op_type == "MatMulInteger" and node.input[1] in values:  # the head that `edge_export` writes
            _refuse_gated(_before_rounding(node.input[0], makers), makers)
            raise TrainingError(
                "The graph's last projection is rounded to 8 bits anew in every run.", hint=_HINT
            )
        if node.op_type != "MatMul":
            continue
        weight = _weight(node.input[1], makers, values)
        if weight is None:
            continue
        users = [user for user in graph.node if node.output[0] in user.input]
        behind = users[0] if len(users) == 1 and users[0].op_type == "Add" else None
        if behind is not None and not any(name in values for name in behind.input):
            behind = None
        return _Site(node, behind, weight)
    raise TrainingError("The graph does not end in a projection onto its classes.", hint=_HINT)


def _refuse_gated(embedding: str, makers: dict[str, onnx.NodeProto]) -> None:
    if embedding in makers and makers[embedding].op_type in _PICKING:
        raise TrainingError("The graph's last projection does not read every time step.", hint=_GATE_HINT)


def _weight(
    name: str, makers: dict[str, onnx.NodeProto], values: dict[str, NDArray[np.generic]]
) -> Floats | None:
    """Return a matrix that is constant, or rounded and constant; else None."""
    if name in values:
        return values[name].astype(np.float32) if values[name].ndim == 2 else None
    maker = makers.get(name)
    if maker is None or maker.op_type != "DequantizeLinear" or maker.input[0] not in values:
        return None
    numbers = values[maker.input[0]].astype(np.float32)
    if numbers.ndim != 2:
        return None
    scale = values[maker.input[1]].astype(np.float32).reshape(1, -1)  # per class, or one for all
    zero = values[maker.input[2]].astype(np.float32).reshape(1, -1) if len(maker.input) > 2 else 0.0
    return np.asarray((numbers - zero) * scale, np.float32)


def _before_rounding(name: str, makers: dict[str, onnx.NodeProto]) -> str:
    while name in makers and makers[name].op_type in _PASSING:
        name = makers[name].input[0]
    return name


def _sources(
    name: str, makers: dict[str, onnx.NodeProto], values: dict[str, NDArray[np.generic]]
) -> Iterator[str]:
    """Give what an embedding is made from: back through sums to what a matrix multiplies, if any."""
    name = _before_rounding(name, makers)
    node = makers.get(name)
    if node is not None and node.op_type == "Add":
        for operand in node.input:
            if operand not in values:
                yield from _sources(operand, makers, values)
    elif node is not None and node.op_type == "MatMul" and _weight(node.input[1], makers, values) is not None:
        yield _before_rounding(node.input[0], makers)
    else:
        yield name


def _constant_operand(node: onnx.NodeProto, values: dict[str, NDArray[np.generic]]) -> NDArray[np.generic]:
    return next(values[name] for name in node.input if name in values)


def _is_quantised(product: onnx.NodeProto, graph: onnx.GraphProto) -> bool:
    maker = _makers(graph).get(product.input[1])
    return maker is not None and maker.op_type == "DequantizeLinear"


def _store(graph: onnx.GraphProto, name: str, value: NDArray[np.generic]) -> str:
    """Keep a constant under a name that no other has; returns that name."""
    taken = {item.name for item in graph.initializer} | _makers(graph).keys()
    full, number = f"{_PREFIX}_{name}", 1
    while full in taken:
        number += 1
        full = f"{_PREFIX}_{name}_{number}"
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(value), full))
    return full


def _corrected(
    graph: onnx.GraphProto, parts: Parts, correction: Correction, added: list[onnx.NodeProto]
) -> str:
    """Make the nodes of a correction; returns the name of the corrected embedding."""
    stem = _store(graph, "inward", correction.inward)
    number = stem.removeprefix(f"{_PREFIX}_inward")

    def add(op: str, inputs: list[str], name: str, **attributes: object) -> str:
        output = f"{_PREFIX}_{name}{number}"
        added.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    seen = parts.features[0]
    if len(parts.features) > 1:
        seen = add("Concat", list(parts.features), "features", axis=2)
    x = add("MatMul", [seen, stem], "squeezed")
    x = add("Relu", [add("Add", [x, _store(graph, "offset", correction.offset)], "shifted")], "bent")
    x = add("MatMul", [x, _store(graph, "outward", correction.outward)], "correction")
    return add("Add", [parts.embedding, x], "embedding")


def _redirect(product: onnx.NodeProto, makers: dict[str, onnx.NodeProto], old: str, new: str) -> None:
    """Let the projection (or what rounds its input) read another embedding."""
    node, place = product, 0
    while node.input[place] != old:
        node = makers[node.input[place]]
        place = 0
    node.input[place] = new


def _widen(graph: onnx.GraphProto, product: onnx.NodeProto, reach: tuple[float, float]) -> None:
    """Let the rounding of the projection's input hold all numbers from `reach[0]` to `reach[1]`."""
    makers = _makers(graph)
    restored = makers[product.input[0]]
    rounded = makers[restored.input[0]]
    low, high = min(0.0, reach[0]), max(0.0, reach[1])
    scale = np.float32(max(high - low, 1e-6) / 255)
    scales = _store(graph, "embedding_scale", np.array(scale, np.float32))
    zero = _store(graph, "embedding_zero", np.array(round(-low / float(scale)), np.uint8))
    for node in (rounded, restored):
        node.input[1], node.input[2] = scales, zero


def _place_weight(
    graph: onnx.GraphProto, product: onnx.NodeProto, weight: Floats, *, quantised: bool
) -> None:
    if not quantised:
        product.input[1] = _store(graph, "head_w", weight.T)
        return
    restored = _makers(graph)[product.input[1]]
    scale = np.maximum(np.abs(weight).max(axis=1), 1e-6).astype(np.float32) / np.float32(127)
    numbers = np.clip(np.round(weight / scale[:, None]), -127, 127).astype(np.int8)
    restored.input[0] = _store(graph, "head_w_quantised", numbers.T)
    restored.input[1] = _store(graph, "head_w_scale", scale)
    zero = _store(graph, "head_w_zero", np.zeros(len(scale), np.int8))
    if len(restored.input) > 2:
        restored.input[2] = zero
    else:
        restored.input.append(zero)
    kept = [attribute for attribute in restored.attribute if attribute.name != "axis"]
    del restored.attribute[:]
    restored.attribute.extend([*kept, helper.make_attribute("axis", 1)])


def _place_bias(graph: onnx.GraphProto, site: _Site, bias: Floats) -> None:
    stored = _store(graph, "head_b", bias)
    if site.sum is not None:
        place = next(n for n, name in enumerate(site.sum.input) if name != site.product.output[0])
        site.sum.input[place] = stored
        return
    plain = f"{_PREFIX}_scores"
    wanted = site.product.output[0]
    site.product.output[0] = plain
    at = next(n for n, node in enumerate(graph.node) if plain in node.output)
    graph.node.insert(at + 1, helper.make_node("Add", [plain, stored], [wanted], name=f"{_PREFIX}_head"))


def _insert_behind(graph: onnx.GraphProto, parts: Parts, added: list[onnx.NodeProto]) -> None:
    """Insert nodes right behind the last of those whose results they read."""
    needed = {parts.embedding, *parts.features}
    at = max(n for n, node in enumerate(graph.node) if needed.intersection(node.output))
    for offset, node in enumerate(added, 1):
        graph.node.insert(at + offset, node)


def _prune(graph: onnx.GraphProto) -> None:
    """Drop the nodes and constants that no output needs."""
    needed, kept = {output.name for output in graph.output}, []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    weights = [item for item in graph.initializer if item.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(weights)
    del graph.value_info[:]
