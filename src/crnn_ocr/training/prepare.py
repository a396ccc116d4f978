"""Makes corpora and glyph atlas from the fetched packages: `crnn-ocr train prepare`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from crnn_ocr.training import fonts, rasterise, texts
from crnn_ocr.training.charset import characters


def prepare(root: Path, *, with_texts: bool = True, with_fonts: bool = True) -> Iterator[str]:
    """Build `corpora/` and `atlas/` under `root` from `unpacked/`; what was there is replaced.

    Yields:
        After each of the two, what it holds now.
    """
    if with_texts:
        counts = texts.collect(root / "unpacked" / "texts", root / "corpora")
        yield ", ".join(f"{kind} {count}" for kind, count in counts.items())
    if with_fonts:
        faces = fonts.discover(root / "unpacked" / "fonts")
        built = rasterise.build(faces, characters(), root / "atlas")
        families = len({info.family for info in built if info.kind == "han"})
        yield f"{len(built)} faces; {families} Chinese families"
