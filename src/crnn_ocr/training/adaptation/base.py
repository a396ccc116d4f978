"""The pack that is adapted: its graph, its characters, and what its graph makes of a line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from crnn_ocr.errors import ModelBrokenError, TrainingError
from crnn_ocr.models.manifest import Manifest
from crnn_ocr.models.registry import Pack, Registry
from crnn_ocr.recognition.network.charset import Charset
from crnn_ocr.recognition.network.recognizer import CtcRecognizer, Window
from crnn_ocr.runtime.onnx import Session
from crnn_ocr.training.adaptation.graph import Parts, dissect, feature_graph
from crnn_ocr.training.types import Image

Floats = NDArray[np.float32]

_METADATA_KEY = "character"


@dataclass(frozen=True)
class Base:
    """A recogniser pack, taken apart.

    Attributes:
        pack: Where it lies, and its manifest.
        model: Its graph as it is on disk.
        parts: Where the graph is cut.
        characters: Text of every class, the blank's being empty.
    """

    pack: Pack
    model: onnx.ModelProto
    parts: Parts
    characters: tuple[str, ...]

    @property
    def manifest(self) -> Manifest:
        """What the pack says about itself."""
        return self.pack.manifest

    @property
    def known(self) -> frozenset[str]:
        """The characters that it can read."""
        return frozenset(self.characters) - {""}


@dataclass(frozen=True)
class Steps:
    """The output of a network's kept part for one line.

    Attributes:
        embedding: float32 (T, D), what the last projection reads.
        features: float32 (T, F), what the embedding was made from.
    """

    embedding: Floats
    features: Floats


def find_pack(name: str, registry: Registry) -> Pack:
    """Return the recogniser pack of that name, or in the folder of that name.

    Raises:
        ModelNotFoundError: There is none of that name.
        ModelBrokenError: Its manifest cannot be used.
        TrainingError: The folder holds a pack of another kind.
    """
    folder = Path(name)
    if not (folder / "manifest.json").is_file():
        return registry.find(name, "rec")
    pack = registry.at(folder)
    if pack.manifest.kind != "rec":
        raise TrainingError(
            f"The pack {pack.manifest.name!r} finds lines and does not read them.",
            hint="Name a recogniser with --base.",
        )
    return pack


def open_base(pack: Pack) -> Base:
    """Load and take apart a recogniser pack.

    Raises:
        ModelBrokenError: A file is missing, differs from the manifest or cannot be used.
        TrainingError: The graph does not end in a projection onto its classes.
    """
    manifest = pack.manifest
    path = pack.verified(manifest.graph)
    try:
        model = onnx.load(str(path))
    except Exception as error:  # onnx raises protobuf's errors, which share no base
        raise ModelBrokenError(f"pack {manifest.name!r}: {path.name} is not an ONNX file") from error
    parts = dissect(model)
    if manifest.charset is None:
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        if _METADATA_KEY not in metadata:
            raise ModelBrokenError(f"pack {manifest.name!r} has no character list")
        listed = metadata[_METADATA_KEY]
    else:
        listed = pack.verified(manifest.charset).read_text(encoding="utf-8")
    rows = listed.rstrip("\n").split("\n")
    characters = Charset.build(rows, blank=manifest.blank, space=manifest.space).symbols
    if len(characters) != len(parts.head.bias):
        raise ModelBrokenError(
            f"pack {manifest.name!r} lists {len(characters)} classes, its graph has {len(parts.head.bias)}"
        )
    return Base(pack, model, parts, characters)


class Extractor:
    """The kept part of a network, run by ONNX Runtime."""

    def __init__(self, base: Base, recogniser: CtcRecognizer) -> None:
        """Load the graph up to the embedding.

        Args:
            base: The pack, taken apart.
            recogniser: Its recogniser, which knows how lines are prepared.
        """
        self._parts = base.parts
        self._manifest = base.manifest
        self._recogniser = recogniser
        self._session = Session(feature_graph(base.model, base.parts).SerializeToString())

    def run(self, crop: Image) -> Steps | None:
        """Return the steps of a (H, W, 3) BGR line picture; None when it is too long for one run."""
        windows = self._recogniser.prepare(crop).windows
        if len(windows) != 1:
            return None
        window = windows[0]
        found = dict(zip(self._session.outputs, self._session.run(self._feeds(window)), strict=True))
        parts = self._parts
        count = window.frames + 1
        embedding = found[parts.embedding][0, :count].astype(np.float32)
        features = np.concatenate([found[name][0, :count] for name in parts.features], axis=1)
        return Steps(embedding, features.astype(np.float32))

    def _feeds(self, window: Window) -> dict[str, NDArray[np.generic]]:
        """Return the graph's inputs, pixels normalised as the engine does, columns of padding zero."""
        manifest = self._manifest
        x = np.zeros((1, window.pixels.shape[2], *window.pixels.shape[:2]), np.float32)
        shown = window.pixels[:, : window.content].transpose(2, 0, 1).astype(np.float32)
        x[0, :, :, : window.content] = (shown / np.float32(255) - manifest.mean) / np.float32(manifest.std)
        feeds: dict[str, NDArray[np.generic]] = {self._session.inputs[0]: x}
        for name in self._session.inputs[1:]:
            feeds[name] = np.array([window.content], np.int32)
        return feeds
