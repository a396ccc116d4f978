"""Which kinds of network there are, behind one interface: configuration in, network in, ONNX out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx

from crnn_ocr.models.prepare import CLASSES_KEY
from crnn_ocr.training.nets import checkpoint, edge_export, export
from crnn_ocr.training.nets.crnn import Crnn, NetConfig
from crnn_ocr.training.nets.edge import EdgeConfig, EdgeCrnn

Config = NetConfig | EdgeConfig
Network = Crnn | EdgeCrnn


def configuration(values: dict[str, Any]) -> Config:
    """Build a configuration from its `to_dict`.

    Raises:
        TrainingError: The kind or a field is unknown, or a value impossible.
    """
    return EdgeConfig.from_dict(values) if values.get("kind") == "edge" else NetConfig.from_dict(values)


def make(config: Config) -> Network:
    """Return a fresh network."""
    return EdgeCrnn(config) if isinstance(config, EdgeConfig) else Crnn(config)


def stretch(config: Config) -> float:
    """Return the horizontal scale of the network's lines relative to their vertical one."""
    return config.stretch if isinstance(config, EdgeConfig) else 1.0


def source_height(config: Config) -> int:
    """Return the height at which lines are drawn and shown to teachers, before they are flattened."""
    return round(config.height * stretch(config))


def load(path: Path) -> tuple[Network, tuple[str, ...]]:
    """Return the averaged network of a checkpoint, in evaluation mode, and the text of its classes.

    Raises:
        TrainingError: The checkpoint cannot be read, or its weights do not fit its own configuration.
    """
    state = checkpoint.load(path)
    return restore(state), state.characters


def restore(state: checkpoint.State) -> Network:
    """Return the averaged network of a state, in evaluation mode.

    Raises:
        TrainingError: Its weights do not fit its own configuration.
    """
    net = make(configuration(state.net))
    net.eval()
    checkpoint.check_shapes(state, dict(net.state_dict()))
    net.load_state_dict(state.average)
    return net


def build(net: Network) -> onnx.ModelProto:
    """Return the network's ONNX graph (see `export`); its metadata tell how many classes it has."""
    model = edge_export.build(net) if isinstance(net, EdgeCrnn) else export.build(net)
    model.metadata_props.add(key=CLASSES_KEY, value=str(net.config.classes))
    return model
