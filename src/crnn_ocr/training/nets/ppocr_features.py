"""A finished recogniser's convolutions, with a BiLSTM of our own behind them.

PP-OCRv6 rec tiny (Apache-2.0) reads every step from its convolutions alone. Here they stay as they are, and a
bidirectional LSTM adds what the neighbours know to its embedding:

    features (160) ─┬─ linear ──────────────────► + ─► embedding (80) ─► head
                    └─ BiLSTM (2 × 128) ─ linear ─┘

The second linear layer starts at zero, so training starts from tiny's own readings; the first stays as it is.
Only LSTM, second layer and (slowly) head are trained, which needs no gradients through the convolutions: they
run in the rendering processes, by ONNX Runtime.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, version_converter
from torch import Tensor, nn

from crnn_ocr.errors import TrainingError
from crnn_ocr.runtime.onnx import Session
from crnn_ocr.training.nets import teacher
from crnn_ocr.training.nets.crnn import recur
from crnn_ocr.training.nets.export import OPSET, Graph, add_answers, add_linear, add_lstm, add_steps, finish

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class FeatureNetConfig:
    """What fixes the shape of every trained weight.

    Attributes:
        classes: Size of the CTC output, blank included.
        model: ONNX file whose convolutions are used.
        features: Channels of the features.
        embed: Numbers per step that the head reads.
        hidden: LSTM units per direction.
        dropout: Probability of dropping an LSTM output while training.
        height: Pixels of a line.
        stride: Pixels per time step.
    """

    classes: int
    model: str
    features: int = 160
    embed: int = 80
    hidden: int = 128
    dropout: float = 0.1
    height: int = 48
    stride: int = 8

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {"kind": "features", **asdict(self)}

    def steps(self, widths: Tensor) -> Tensor:
        """Return how many time steps are read for contents of `widths` pixels (see `net.NetConfig.steps`)."""
        return torch.div(widths + self.stride - 1, self.stride, rounding_mode="floor") + 1


@dataclass(frozen=True)
class Cut:
    """A recogniser's graph up to its features, and the layer behind them.

    Attributes:
        graph: The convolutions.
        output: Name of the features in the graph, (N, T, features).
        weight: float32 (embed, features).
        bias: float32 (embed,).
    """

    graph: onnx.ModelProto
    output: str
    weight: Floats
    bias: Floats


def cut(path: Path) -> Cut:
    """Take a recogniser apart before its last but one projection.

    Raises:
        TrainingError: It cannot be loaded, or has no two projections at its end.
    """
    model, embedding, _, _ = teacher.cut(path)
    values = teacher.constants(model.graph)
    found = teacher.projections(model.graph, values)
    if len(found) < 2:
        raise TrainingError(f"{path.name} has no two projections behind its convolutions.")
    first = found[-2]
    weight = values[first.input[1]]
    bias = teacher.bias_behind(model.graph, values, first)
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(first.input[0], onnx.TensorProto.FLOAT, None))
    _prune(model.graph, first.input[0])
    if embedding == first.input[0]:
        raise TrainingError(f"{path.name} has no projection between its features and its embedding.")
    return Cut(model, first.input[0], weight.T.astype(np.float32).copy(), bias)


class Features:
    """The convolutions, run by ONNX Runtime; make one per process."""

    def __init__(self, model: Path) -> None:
        found = cut(model)
        self._session = Session(found.graph.SerializeToString())
        self._output = found.output

    def extract(self, images: Image, widths: NDArray[np.int64]) -> NDArray[np.float16]:
        """Return (N, W / 8, features) of uint8 (N, 48, W, 3) lines, padded beyond `widths`."""
        return teacher.run(self._session, self._output, images, widths).astype(np.float16)


class FeatureCrnn(nn.Module):  # type: ignore[misc]  # an Any where PyTorch is not installed
    """BiLSTM and head over given features; the same interface as `net.Crnn`."""

    def __init__(self, config: FeatureNetConfig) -> None:
        super().__init__()
        self.config = config
        found = cut(Path(config.model))
        if found.weight.shape != (config.embed, config.features):
            raise TrainingError(f"The features of {Path(config.model).name} have another shape.")
        self._extractor: Features | None = None
        self.embed = nn.Linear(config.features, config.embed)
        self.rnn = nn.LSTM(config.features, config.hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(config.dropout)
        self.correct = nn.Linear(2 * config.hidden, config.embed)
        self.head = nn.Linear(config.embed, config.classes)
        with torch.no_grad():
            self.embed.weight.copy_(torch.from_numpy(found.weight))
            self.embed.bias.copy_(torch.from_numpy(found.bias))
        # Trained along, it drifts within minutes to what rendered lines like, and real lines suffer.
        self.embed.requires_grad_(requires_grad=False)
        nn.init.zeros_(self.correct.weight)
        nn.init.zeros_(self.correct.bias)

    def forward(self, inputs: Tensor, widths: Tensor) -> Tensor:
        """Embed lines.

        Args:
            inputs: float (N, T, features), or uint8 (N, H, W, 3) lines, whose features are extracted first.
            widths: int64 (N,) pixels of content.

        Returns:
            float (N, T, embed).
        """
        if inputs.ndim == 4:
            if self._extractor is None:
                self._extractor = Features(Path(self.config.model))
            inputs = torch.from_numpy(self._extractor.extract(inputs.cpu().numpy(), widths.numpy()))
        x = inputs.to(self.embed.weight.device).float()
        y = recur(self.rnn, x, self.config.steps(widths))
        embedded: Tensor = self.embed(x) + self.correct(self.dropout(y))
        return embedded

    def logits(self, inputs: Tensor, widths: Tensor) -> Tensor:
        """Return float (N, T, C) scores of all classes."""
        scores: Tensor = self.head(self.forward(inputs, widths))
        return scores


def build(net: FeatureCrnn) -> onnx.ModelProto:
    """Return the whole network, convolutions included, with the inputs and outputs of `export.build`."""
    found = cut(Path(net.config.model))
    convolutions = version_converter.convert_version(found.graph, OPSET).graph
    graph = Graph()
    graph.nodes.extend(convolutions.node)
    graph.weights.update({item.name: item for item in convolutions.initializer})
    if convolutions.input[0].name != "x":
        raise TrainingError("The recogniser's input is not called x.")
    sequence = graph.add("Transpose", [found.output], "sequence", perm=[1, 0, 2])
    steps = add_steps(graph, net.config.stride)
    read = add_lstm(graph, net.rnn, sequence, steps)
    own = add_linear(graph, net.correct, graph.add("Transpose", [read], "by_line", perm=[1, 0, 2]), "correct")
    given = add_linear(graph, net.embed, found.output, "embed")
    logits = add_linear(graph, net.head, graph.add("Add", [given, own], "embedding"), "head")
    add_answers(graph, logits, steps)
    return finish(graph, net.config.height)


def _prune(graph: onnx.GraphProto, output: str) -> None:
    """Drop the nodes and constants that `output` does not need."""
    needed, kept = {output}, []
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
