"""From the name of a pack to a detector that has passed its self-check."""

from __future__ import annotations

from crnn_ocr.detection.detector import DbDetector
from crnn_ocr.models.registry import Pack, Registry
from crnn_ocr.runtime.onnx import Session

#: More threads than this inside one run are not worth their cores.
MOST_THREADS = 4


def load_detector(registry: Registry, name: str, *, threads: int) -> DbDetector:
    """Load a detector pack.

    Args:
        registry: Where packs are found.
        name: The pack's name.
        threads: Threads inside a run that has the cores for itself: of a picture that is alone there are no
            lines yet that could keep them busy. The answer is the same to the bit on any number.

    Raises:
        ModelNotFoundError: No such pack.
        ModelBrokenError: Its files differ from the manifest, or it fails its self-check.
    """
    return load_pack(registry.find(name, "det"), threads=threads)


def load_pack(pack: Pack, *, threads: int) -> DbDetector:
    """As `load_detector`, for a pack that has been found already."""
    graph = pack.verified(pack.manifest.graph)
    wide = min(threads, MOST_THREADS)
    return DbDetector(Session(graph), pack.manifest, wide=Session(graph, threads=wide) if wide > 1 else None)
