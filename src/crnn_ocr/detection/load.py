"""Load a detector by the name of its pack and check it."""

from __future__ import annotations

from crnn_ocr.detection.detector import DbDetector
from crnn_ocr.models.registry import Pack, Registry
from crnn_ocr.runtime.onnx import Session

#: Most threads for one run; more threads gain too little.
MOST_THREADS = 4


def load_detector(registry: Registry, name: str, *, threads: int) -> DbDetector:
    """Load a detector pack.

    Args:
        registry: The packs to search.
        name: The pack's name.
        threads: Threads for a run that has the cores for itself: while the only picture is being detected,
            there are no lines yet to keep the other cores busy. The result is bit-identical for any number.

    Returns:
        A detector that has passed its self-check.

    Raises:
        ModelNotFoundError: There is no such pack.
        ModelBrokenError: The pack's files differ from its manifest, or it fails the self-check.
    """
    return load_pack(registry.find(name, "det"), threads=threads)


def load_pack(pack: Pack, *, threads: int) -> DbDetector:
    """Load a detector like `load_detector`, from a pack that has been found already."""
    graph = pack.verified(pack.manifest.graph)
    wide = min(threads, MOST_THREADS)
    return DbDetector(Session(graph), pack.manifest, wide=Session(graph, threads=wide) if wide > 1 else None)
