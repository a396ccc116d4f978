"""From the name of a pack to a detector that has passed its self-check."""

from __future__ import annotations

from crnn_ocr.detection.detector import DbDetector
from crnn_ocr.engine.onnx import Session
from crnn_ocr.models.registry import Pack, Registry


def load_detector(registry: Registry, name: str, *, threads: int) -> DbDetector:
    """Load a detector pack.

    Args:
        registry: Where packs are found.
        name: The pack's name.
        threads: Threads inside one run: a picture is detected before its lines can keep the cores busy.

    Raises:
        ModelNotFoundError: No such pack.
        ModelBrokenError: Its files differ from the manifest, or it fails its self-check.
    """
    return load_pack(registry.find(name, "det"), threads=threads)


def load_pack(pack: Pack, *, threads: int) -> DbDetector:
    """As `load_detector`, for a pack that has been found already."""
    return DbDetector(Session(pack.verified(pack.manifest.graph), threads=threads), pack.manifest)
