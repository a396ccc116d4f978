"""A small world of training data: synthetic fonts, an atlas, corpora."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from crnn_ocr.training.render import atlas, fonts
from crnn_ocr.training.render.compose import Composed, Layout, Typesetter
from crnn_ocr.training.text.charset import characters
from crnn_ocr.training.text.corpus import WEIGHTS

from .world import HAN, LATIN, build, draw_font


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an atlas of four faces (two of held-out families) and small corpora."""
    root = tmp_path_factory.mktemp("training-data")
    for package, family, texts in (
        ("one", "Plain Han", LATIN + HAN),
        ("two", "Plain Latin", LATIN),
        ("three", "FandolKai", LATIN + HAN),
        ("four", "Lato", LATIN),
    ):
        draw_font(root / "fonts" / package / f"{package}.ttf", family, texts)
    build(fonts.discover(root / "fonts"), root / "atlas")
    corpora = root / "corpora"
    corpora.mkdir()
    for kind in WEIGHTS:
        for suffix, start in ((".txt", 0), (".heldout.txt", 900)):
            lines = ["".join(HAN[start + k : start + k + 12 + k % 30]) for k in range(200)]
            if kind.startswith("en") or kind == "latin":
                lines = [f"line {start + k} of the {kind} text" for k in range(200)]
            (corpora / f"{kind}{suffix}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture
def line(data: Path) -> Composed:
    """A line of five characters."""
    opened = atlas.load(data / "atlas")
    rng = random.Random(0)
    ids = {text: number for number, text in enumerate(characters()) if number}
    setter = Typesetter(opened, ids, range(len(opened.faces)))
    face = setter.pick("AB", "han", rng)
    assert face is not None
    composed = setter.compose(f"{HAN[3]}A{HAN[5]},B", face, Layout(), rng)
    assert composed is not None
    return composed
