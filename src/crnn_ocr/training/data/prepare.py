"""Makes corpora and glyph atlas from the fetched packages: `crnn-ocr train prepare`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from crnn_ocr.training.render import fonts, rasterise
from crnn_ocr.training.text import extraction
from crnn_ocr.training.text.charset import characters

FOR_DIGITS = "for numbers alone, without all 26 capitals"
"""Of faces that draw the digits and too few letters."""


def prepare(root: Path, *, with_texts: bool = True, with_fonts: bool = True) -> Iterator[str]:
    """Build `corpora/` and `atlas/` under `root` from `unpacked/`; what was there is replaced.

    Yields:
        After each of the two, what it holds now; after the fonts, which of them are left out and why.

    Raises:
        TrainingError: A kind of text was not found, or no font can be used; what was there is left as it was.
    """
    if with_texts:
        counts = extraction.collect(root / "unpacked" / "texts", root / "corpora")
        yield ", ".join(f"{kind} {count}" for kind, count in counts.items())
    if with_fonts:
        faces, left_out = fonts.survey(root / "unpacked" / "fonts")
        built = rasterise.build(faces, characters(), root / "atlas", left_out)
        families = len({info.family for info in built.faces if info.kind == "han"})
        yield f"{len(built.faces)} faces; {families} Chinese families"
        few = [fonts.LeftOut(info.name, FOR_DIGITS) for info in built.faces if info.kind == "digits"]
        yield from fonts.summary(few)
        yield from (f"left out: {reason}" for reason in fonts.summary(built.left_out))
