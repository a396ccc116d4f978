"""Opens the graph of a pack in the precision that suits this CPU."""

from __future__ import annotations

from pathlib import Path

from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.manifest import PrecisionChoice
from crnn_ocr.models.prepare import precision_for, prepared_graph
from crnn_ocr.models.registry import Pack
from crnn_ocr.runtime.onnx import Session


def open_session(
    pack: Pack,
    *,
    precision: PrecisionChoice = "auto",
    cache_dir: Path | None = None,
    threads: int = 1,
    arg_max: bool = False,
) -> Session:
    """Load the prepared graph of a pack; a cached one that cannot be loaded is deleted and prepared again.

    Args:
        pack: The pack.
        precision: Precision of packs with an INT8 graph; see `prepare.precision_for`.
        cache_dir: Folder for prepared graphs; None for the user's cache folder.
        threads: Threads per run.
        arg_max: The graph answers with the best class of every step; see `prepare.fuse`.

    Raises:
        ModelBrokenError: The pack's files differ from its manifest, or the graph cannot be loaded.
    """
    wanted = precision_for(pack.manifest, precision)
    graph = prepared_graph(pack, precision=wanted, cache_dir=cache_dir, arg_max=arg_max)
    try:
        return Session(graph, threads=threads)
    except ModelBrokenError:
        if not isinstance(graph, Path) or graph.is_relative_to(pack.folder):
            raise
        graph.unlink(missing_ok=True)
        again = prepared_graph(pack, precision=wanted, cache_dir=cache_dir, arg_max=arg_max)
        return Session(again, threads=threads)
