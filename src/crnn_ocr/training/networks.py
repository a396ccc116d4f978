"""Which kinds of network there are, behind one interface: configuration in, network in, ONNX out."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import onnx

from crnn_ocr.errors import TrainingError
from crnn_ocr.training import export, ppocr_features
from crnn_ocr.training.net import Crnn, NetConfig
from crnn_ocr.training.ppocr_features import FeatureCrnn, FeatureNetConfig

Config = NetConfig | FeatureNetConfig
Network = Crnn | FeatureCrnn


def configuration(values: dict[str, Any]) -> Config:
    """Build a configuration from its `to_dict`.

    Raises:
        TrainingError: The kind or a field is unknown, or a value impossible.
    """
    if values.get("kind") != "features":
        return NetConfig.from_dict(values)
    given = {name: value for name, value in values.items() if name != "kind"}
    unknown = given.keys() - {field.name for field in fields(FeatureNetConfig)}
    if unknown or not {"classes", "model"} <= given.keys():
        raise TrainingError(f"This is not the configuration of a network: {sorted(unknown) or 'incomplete'}.")
    return FeatureNetConfig(**given)


def make(config: Config) -> Network:
    """Return a fresh network."""
    return FeatureCrnn(config) if isinstance(config, FeatureNetConfig) else Crnn(config)


def build(net: Network) -> onnx.ModelProto:
    """Return the network's ONNX graph (see `export`)."""
    return ppocr_features.build(net) if isinstance(net, FeatureCrnn) else export.build(net)
