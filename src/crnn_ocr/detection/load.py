"""Load a detector by the name of its pack and check it."""

from __future__ import annotations

from pathlib import Path

from crnn_ocr.detection.detector import DbDetector
from crnn_ocr.models.manifest import PrecisionChoice
from crnn_ocr.models.registry import Pack, Registry
from crnn_ocr.models.sessions import open_session

#: Most threads for one run; more threads gain too little.
MOST_THREADS = 4


def load_detector(
    registry: Registry,
    name: str,
    *,
    threads: int,
    cache_dir: Path | None = None,
    precision: PrecisionChoice = "auto",
) -> DbDetector:
    """Load a detector pack.

    Args:
        registry: The packs to search.
        name: The pack's name.
        threads: Threads for a run that has the cores for itself: while the only picture is being detected,
            there are no lines yet to keep the other cores busy. The result is bit-identical for any number.
        cache_dir: Folder for prepared graphs; None for the user's cache folder.
        precision: Precision of packs with an INT8 graph; "auto" is INT8 if this CPU has instructions for it.

    Returns:
        A detector that has passed its self-check.

    Raises:
        ModelNotFoundError: There is no such pack.
        ModelBrokenError: The pack's files differ from its manifest, or it fails the self-check.
    """
    return load_pack(registry.find(name, "det"), threads=threads, cache_dir=cache_dir, precision=precision)


def load_pack(
    pack: Pack,
    *,
    threads: int,
    cache_dir: Path | None = None,
    precision: PrecisionChoice = "auto",
) -> DbDetector:
    """Load a detector like `load_detector`, from a pack that has been found already."""
    one, *wide = (
        open_session(pack, precision=precision, cache_dir=cache_dir, threads=count)
        for count in sorted({1, min(threads, MOST_THREADS)})
    )
    return DbDetector(one, pack.manifest, wide=wide[0] if wide else None)
