"""A finished recogniser as teacher: its embedding, read by ONNX Runtime.

Any recogniser whose graph ends in `embedding × matrix + bias → soft-max` will do; PP-OCRv6 tiny (80 numbers,
6,906 classes) and small (120 numbers, 18,710 classes), both Apache-2.0, are the ones in use. The graph is cut
behind the embedding; its matrix is kept to tell what the teacher read.
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

from crnn_ocr.engine.onnx import Session
from crnn_ocr.errors import TrainingError

STEP_PIXELS = 8
"""Horizontal stride of the teachers."""

_RUN_LINES = 8
"""Lines per run: 2.35 ms a line where 38 at once take 3.56, because their activations leave the cache."""

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]


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
    """The cut network; make one per process."""

    def __init__(self, model: Path, dictionary: Path) -> None:
        """Load and cut the teacher.

        Args:
            model: ONNX recogniser with input (N, 3, 48, W).
            dictionary: Its characters in the order of its classes, one a line, without blank and space.

        Raises:
            TrainingError: The graph does not end in a projection, or the dictionary is another model's.
        """
        graph, embedding, weight, bias = _cut(model)
        characters = read_dictionary(dictionary)
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
        x = images.astype(np.float32).transpose(0, 3, 1, 2) / np.float32(127.5) - np.float32(1.0)
        for row, width in zip(x, widths, strict=True):
            row[:, :, width:] = 0.0
        name = self._session.inputs[0]
        parts = [
            self._session.run({name: x[start : start + _RUN_LINES]}, [self._output])[0]
            for start in range(0, len(x), _RUN_LINES)
        ]
        return np.concatenate(parts).astype(np.float32, copy=False)

    def read(self, embedded: Floats) -> str:
        """Greedy CTC reading of one line's (T, D)."""
        best = (embedded @ self.head.weight.T + self.head.bias).argmax(axis=1)
        kept = best[np.concatenate([[True], best[1:] != best[:-1]])] if len(best) else best
        return "".join(self.head.characters[number] for number in kept)


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


def _cut(path: Path) -> tuple[onnx.ModelProto, str, Floats, Floats]:
    """Return the graph up to the embedding, its name, and the projection behind it."""
    try:
        model = onnx.load(str(path))
    except Exception as error:  # onnx raises protobuf's errors, which share no base
        raise TrainingError(f"The teacher {path.name} cannot be loaded: {error}.") from error
    values = _constants(model.graph)
    projections = [
        node
        for node in model.graph.node
        if node.op_type == "MatMul" and values.get(node.input[1], _NONE).ndim == 2
    ]
    if not projections:
        raise TrainingError(f"The teacher {path.name} does not end in a projection onto its classes.")
    last = projections[-1]
    weight = values[last.input[1]]
    biases = [
        values[name]
        for node in model.graph.node
        if node.op_type == "Add" and last.output[0] in node.input
        for name in node.input
        if name in values
    ]
    bias = biases[0] if biases else np.zeros(weight.shape[1], np.float32)
    embedding = last.input[0]
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(embedding, onnx.TensorProto.FLOAT, None))
    return model, embedding, weight.T.astype(np.float32).copy(), bias.astype(np.float32).reshape(-1)


_NONE = np.zeros(0)


def _constants(graph: onnx.GraphProto) -> dict[str, NDArray[np.generic]]:
    values = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    values[node.output[0]] = numpy_helper.to_array(attribute.t)
    return values
