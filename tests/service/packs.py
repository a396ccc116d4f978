"""A second recogniser for tests of the real service: as good as the first, but told apart by what it says."""

from __future__ import annotations

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path

from crnn_ocr.models.registry import BUNDLED
from crnn_ocr.runtime.onnx import Session
from tests.service.rendering import png

#: What the second one reads where the first reads a digit.
NEXT_DIGIT = str.maketrans("0123456789", "1234567890")


def shifted_pack(folder: Path, name: str = "shifted", *, version: str = "1") -> Path:
    """ppocrv6-small with every digit called by the next one's name, and a probe that says so."""
    manifest = json.loads((BUNDLED / "ppocrv6-small" / "manifest.json").read_text(encoding="utf-8"))
    spec = find_spec("rapidocr")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    graph = Path(next(iter(spec.submodule_search_locations))) / manifest["graph"]["path"]
    characters = Session(graph).metadata["character"]
    pack = folder / name
    pack.mkdir(parents=True)
    (pack / "characters.txt").write_text(characters.translate(NEXT_DIGIT), encoding="utf-8")
    (pack / "probe.png").write_bytes(png("Number 0123456789", width=360))

    def file(path: str) -> dict[str, str]:
        return {"path": path, "sha256": hashlib.sha256((pack / path).read_bytes()).hexdigest()}

    manifest |= {
        "name": name,
        "version": version,
        "charset": file("characters.txt"),
        "probe": {"image": file("probe.png"), "text": "Number 1234567890"},
        "second_look": False,  # which would call digits by their names
    }
    (pack / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return pack
