"""What synthetic training data are made of; without fontTools, the tests that need them are skipped."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from crnn_ocr.training.render.atlas import FaceInfo
from crnn_ocr.training.render.fonts import Face
from crnn_ocr.training.text.charset import characters, gb2312

LATIN = [chr(c) for c in range(0x21, 0x7F)]
HAN = list(gb2312())[:1700]


def draw_font(path: Path, family: str, texts: Iterable[str], *, same: Iterable[str] = ()) -> None:
    """Write a TrueType font whose glyphs are patterns of squares, each its own; those of `same` are alike."""
    pytest.importorskip("fontTools", reason="needs the extra `train`")
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    texts, same = list(texts), set(same)
    names = {text: f"u{ord(text):04X}" for text in texts}
    order = [".notdef", "space", *names.values()]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap({ord(text): name for text, name in names.items()} | {0x20: "space"})
    glyphs = {".notdef": TTGlyphPen(None).glyph(), "space": TTGlyphPen(None).glyph()}
    for number, (text, name) in enumerate(names.items()):
        cells = random.Random(7 if text in same else number)
        pen = TTGlyphPen(None)
        for left, bottom in [(x, y) for x in range(60, 900, 170) for y in range(-60, 740, 160)]:
            if cells.random() < 0.5 and (left, bottom) != (60, -60):
                continue
            pen.moveTo((left, bottom))
            for x, y in ((0, 150), (160, 150), (160, 0)):
                pen.lineTo((left + x, bottom + y))
            pen.closePath()
        glyphs[name] = pen.glyph()
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(order, (1000, 60)) | {"space": (300, 0)})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    path.parent.mkdir(parents=True, exist_ok=True)
    builder.save(path)


def build(faces: Sequence[Face], folder: Path) -> list[FaceInfo]:
    """Build an atlas of the whole character set."""
    pytest.importorskip("fontTools", reason="needs the extra `train`")
    from crnn_ocr.training.render import rasterise

    return rasterise.build(faces, characters(), folder).faces


class Lines:
    """A corpus of a few lines."""

    def __init__(self, *lines: str) -> None:
        self._lines = lines

    def draw(self, rng: random.Random, /) -> str:
        return rng.choice(self._lines)
