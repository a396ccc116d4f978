"""A finished recogniser as teacher: its embedding, read by ONNX Runtime.

Any recogniser whose graph ends in `embedding × matrix + bias → soft-max` will do: PP-OCRv6 tiny (80 numbers,
6,906 classes) and small (120 numbers, 18,710 classes), both Apache-2.0, what `export` writes, and what
`quantize` makes of it, which is turned back into float. The graph is cut behind the embedding; its matrix is
kept to tell what the teacher read. Networks with a gate, as the edge network's, cannot teach: most of their
steps have no answer of the projection.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from crnn_ocr.errors import ModelBrokenError, TrainingError
from crnn_ocr.models.dequantize import dequantize
from crnn_ocr.runtime.onnx import Session
from crnn_ocr.training.types import Image

STEP_PIXELS = 8
"""Horizontal stride of the teachers."""

_RUN_LINES = 8
"""Lines per run: 2.35 ms a line where 38 at once take 3.56, because their activations leave the cache."""

_PICKING = {"NonZero", "Compress"}
"""What lets only some steps through to the projection."""
_HINT = "Name a pack of this project without a gate, or a recogniser of PaddleOCR."

Floats = NDArray[np.float32]
Constants = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class TeacherHead:
    """The teacher's last projection.

    Attributes:
        characters: Text of every class; the blank's is empty and comes first.
        weight: float32 (classes, D).
        bias: float32 (classes,).
    """

    characters: tuple[str, ...]
    weight: Floats
    bias: Floats

    def rows(self, characters: Sequence[str]) -> NDArray[np.int64]:
        """Return for each of the student's classes the teacher's class of the same text, or -1."""
        index = {text: number for number, text in enumerate(self.characters)}
        return np.array([index.get(text, -1) for text in characters], dtype=np.int64)


class Teacher:
    """A recogniser up to its embedding, and its last projection; make one per process."""

    def __init__(self, model: Path, dictionary: Path) -> None:
        """Load and cut the teacher.

        Args:
            model: ONNX recogniser with input (N, 3, 48, W) and, if it asks for them, `lengths`.
            dictionary: Its characters in the order of its classes, one a line, without the blank; PaddleOCR's
                leave out the space, which is their last class, too.

        Raises:
            TrainingError: The graph does not end in a projection of every step, or the dictionary is another
                model's.
        """
        graph, embedding, weight, bias = cut(model)
        characters = read_dictionary(dictionary)
        if len(characters) == len(bias) + 1:
            characters = characters[:-1]  # an exported network's list names the space in its place
        if len(characters) != len(bias):
            raise TrainingError(
                f"{model.name} has {len(bias)} classes, {dictionary.name} gives {len(characters)}.",
                hint="Name the dictionary that belongs to the model.",
            )
        self.head = TeacherHead(characters, weight, bias)
        self.size = int(weight.shape[1])
        self._output = embedding
        self._session = Session(graph.SerializeToString())

    def embed(self, images: Image, widths: Sequence[int] | NDArray[np.int64]) -> Floats:
        """Return (N, W / 8, D) for uint8 (N, 48, W, 3) lines, W a multiple of 8, padded beyond `widths`."""
        return run(self._session, self._output, images, widths)

    def read(self, embedded: Floats) -> str:
        """Return the greedy CTC reading of one line's embedding, float32 (T, D)."""
        best = (embedded @ self.head.weight.T + self.head.bias).argmax(axis=1)
        kept = best[np.concatenate([[True], best[1:] != best[:-1]])] if len(best) else best
        return "".join(self.head.characters[number] for number in kept)


def run(session: Session, output: str, images: Image, widths: Sequence[int] | NDArray[np.int64]) -> Floats:
    """Run a cut recogniser on uint8 (N, 48, W, 3) lines, a few at a time."""
    x = images.astype(np.float32).transpose(0, 3, 1, 2) / np.float32(127.5) - np.float32(1.0)
    for row, width in zip(x, widths, strict=True):
        row[:, :, width:] = 0.0
    lengths = np.asarray(widths, np.int32)
    parts = []
    for start in range(0, len(x), _RUN_LINES):
        some = slice(start, start + _RUN_LINES)
        feeds: dict[str, NDArray[np.generic]] = {session.inputs[0]: x[some]}
        if "lengths" in session.inputs:
            feeds["lengths"] = lengths[some]
        parts.append(session.run(feeds, [output])[0])
    return np.concatenate(parts).astype(np.float32, copy=False)


def read_dictionary(path: Path) -> tuple[str, ...]:
    """Read a PaddleOCR dictionary: blank first, the lines of the file, a space last."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"The dictionary {path.name} cannot be read: {error}.") from error
    if lines and not lines[-1]:
        lines.pop()
    return ("", *(line.rstrip("\r") for line in lines), " ")


def agrees(read: str, label: str) -> bool:
    """Tell whether the teacher read the label, width of characters (NFKC) and spaces aside."""
    return _plain(read) == _plain(label)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def cut(path: Path) -> tuple[onnx.ModelProto, str, Floats, Floats]:
    """Return a recogniser's graph in float up to the embedding, its name, and weight and bias behind it.

    Raises:
        TrainingError: It cannot be loaded or does not end in a projection of every step.
    """
    model = load_float(path)
    if any(node.op_type in _PICKING for node in model.graph.node):
        raise TrainingError(f"The teacher {path.name} has a gate before its last projection.", hint=_HINT)
    values = constants(model.graph)
    found = projections(model.graph, values)
    if not found:
        raise TrainingError(
            f"The teacher {path.name} does not end in a projection onto its classes.", hint=_HINT
        )
    last = found[-1]
    weight = values[last.input[1]]
    bias = bias_behind(model.graph, values, last)
    embedding = last.input[0]
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(embedding, onnx.TensorProto.FLOAT, None))
    return model, embedding, weight.T.astype(np.float32).copy(), bias


def load(path: Path) -> onnx.ModelProto:
    """Read a graph.

    Raises:
        TrainingError: It is missing or no ONNX file.
    """
    try:
        model = onnx.load(str(path))
    except FileNotFoundError:
        raise TrainingError(f"There is no model {path}.") from None
    except Exception as error:  # onnx raises protobuf's errors, which share no base
        raise TrainingError(
            f"The model {path.name} cannot be loaded: {error}.", hint="Name an ONNX file."
        ) from error
    if not model.graph.node:
        raise TrainingError(f"The model {path.name} is empty.", hint="Name an ONNX file.")
    return model


def quantised(model: onnx.ModelProto) -> bool:
    """Tell whether a graph rounds what flows through it."""
    return any(node.op_type == "QuantizeLinear" for node in model.graph.node)


def load_float(path: Path) -> onnx.ModelProto:
    """Read a graph; one that is quantised becomes the float graph that it stands for.

    Raises:
        TrainingError: As `load`, or it is quantised in a form other than QDQ.
    """
    model = load(path)
    if not quantised(model):
        return model
    try:
        return onnx.load_from_string(dequantize(model.SerializeToString()))
    except ModelBrokenError as error:
        raise TrainingError(
            f"The model {path.name} cannot be turned back into float: {error.message}.",
            hint="Name its float form.",
        ) from error


_NONE = np.zeros(0)


def projections(graph: onnx.GraphProto, values: Constants) -> list[onnx.NodeProto]:
    """Return the multiplications by a constant matrix, in order."""
    return [
        node for node in graph.node if node.op_type == "MatMul" and values.get(node.input[1], _NONE).ndim == 2
    ]


def bias_behind(graph: onnx.GraphProto, values: Constants, projection: onnx.NodeProto) -> Floats:
    """Return what is added to a projection's result, or zeros."""
    for node in graph.node:
        if node.op_type == "Add" and projection.output[0] in node.input:
            for name in node.input:
                if name in values:
                    return values[name].astype(np.float32).reshape(-1)
    return np.zeros(values[projection.input[1]].shape[1], np.float32)


def constants(graph: onnx.GraphProto) -> Constants:
    """Return the values of initialisers and constant nodes by name."""
    values = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    values[node.output[0]] = numpy_helper.to_array(attribute.t)
    return values
