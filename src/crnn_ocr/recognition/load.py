"""From the name of a pack to a recogniser that has passed its self-check."""

from __future__ import annotations

from pathlib import Path

from crnn_ocr.engine.onnx import Session
from crnn_ocr.errors import ModelBrokenError
from crnn_ocr.models.prepare import fused_graph
from crnn_ocr.models.registry import Pack, Registry
from crnn_ocr.recognition.charset import Charset
from crnn_ocr.recognition.recognizer import CtcRecognizer

_METADATA_KEY = "character"  # where PaddleOCR's and RapidOCR's exports keep the character list


def load_recognizer(registry: Registry, name: str, *, cache_dir: Path | None = None) -> CtcRecognizer:
    """Load a recogniser pack.

    Raises:
        ModelNotFoundError: No such pack.
        ModelBrokenError: Its files differ from the manifest, or it fails its self-check.
    """
    pack = registry.find(name, "rec")
    manifest = pack.manifest
    session = _session(pack, cache_dir)
    if manifest.charset is None:
        listed = session.metadata.get(_METADATA_KEY)
        if listed is None:
            raise ModelBrokenError(f"pack {name!r} has no character list, neither as a file nor in its graph")
    else:
        listed = pack.verified(manifest.charset).read_text(encoding="utf-8")
    # Not splitlines(): the list may hold U+2028 and other characters that it takes for line ends.
    characters = listed.rstrip("\n").split("\n")
    charset = Charset.build(characters, blank=manifest.blank, space=manifest.space)
    return CtcRecognizer(session, manifest, charset)


def _session(pack: Pack, cache_dir: Path | None) -> Session:
    """The fused graph, loaded; a cached one that cannot be loaded is thrown away and made again."""
    graph = fused_graph(pack, cache_dir)
    try:
        return Session(graph)
    except ModelBrokenError:
        if not isinstance(graph, Path):
            raise
        graph.unlink(missing_ok=True)
        return Session(fused_graph(pack, cache_dir))
