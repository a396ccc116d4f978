"""Lines with parts that are set smaller."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from crnn_ocr.training.data import dataset
from crnn_ocr.training.data.dataset import LineSampler, SampleConfig
from crnn_ocr.training.render import atlas
from crnn_ocr.training.render.compose import Composed, Layout, Typesetter
from crnn_ocr.training.synth import low_resolution
from crnn_ocr.training.text.charset import characters
from crnn_ocr.training.text.small_parts import Part
from crnn_ocr.training.types import Image
from tests.training.world import HAN


@pytest.fixture
def setter(data: Path) -> Typesetter:
    opened = atlas.load(data / "atlas")
    ids = {text: number for number, text in enumerate(characters()) if number}
    return Typesetter(opened, ids, range(len(opened.faces)))


def composed(setter: Typesetter, text: str, *which: Part) -> Composed:
    face = setter.pick("AB", "han", random.Random(0))
    assert face is not None
    line = setter.compose(text, face, Layout(parts=which), random.Random(0))
    assert line is not None
    return line


class Fixed:
    """One text, always."""

    def draw(self) -> str:
        return f"{HAN[3]}{HAN[4]}(AB)"


@pytest.mark.parametrize(("size", "least"), [(1.0, 12), (0.4, 14)])
def test_what_is_smaller_stays_legible(
    size: float, least: int, data: Path, setter: Typesetter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "smaller_parts", lambda *_: (Part(2, 6, size),))
    heights: list[int] = []

    class Watched(LineSampler):
        def _finished(self, picture: Image) -> Image:
            heights.append(picture.shape[0])
            return super()._finished(picture)

    sampler = Watched(4, SampleConfig(data, shares=(0.0, 0.0, 1.0), icons=0.0), texts=Fixed())
    for _ in range(150):
        sampler.sample()
    assert least <= min(heights) < least + 6

    tiny = composed(setter, "AB(CD)", Part(2, 6, 0.4))
    drawn = [low_resolution.picture(tiny, None, random.Random(seed)) for seed in range(80)]
    assert all(picture is not None and picture.shape[0] >= 14 for picture in drawn)
