from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from crnn_ocr.training.data import dataset
from crnn_ocr.training.data.dataset import LineSampler, SampleConfig
from crnn_ocr.training.render import atlas
from crnn_ocr.training.render.atlas import EM
from crnn_ocr.training.render.compose import Composed, Layout, Typesetter
from crnn_ocr.training.synth import low_resolution
from crnn_ocr.training.text import small_parts
from crnn_ocr.training.text.charset import characters
from crnn_ocr.training.text.mixture import Extras
from crnn_ocr.training.text.small_parts import Part

from .world import HAN

ALL = Extras(small_latin=1, small_han=1, raised=1)


def found(text: str, extras: Extras = ALL) -> list[str]:
    return [text[p.start : p.end] for p in small_parts.smaller(text, extras, random.Random(0))]


@pytest.mark.parametrize(
    ("text", "smaller"),
    [
        ("终端号(TERMINAL)", ["(TERMINAL)"]),
        ("批次【BATCH NO.】:173324", ["【BATCH NO.】"]),
        ("交易（TIME）日期(DATE)", ["（TIME）", "(DATE)"]),
        ("interp命令", []),
        ("安全(12)", []),
        ("(TERMINAL)", []),
        ("rare.[12][5] The", ["[12][5]"]),
        ("他说。[7]", ["[7]"]),
        ("[1][2] x", []),
        ("name[92] = 3", []),
        ("10.0起", ["起"]),
        ("¥99元/件", ["元/件"]),
        ("300万元整", ["万元整"]),
        ("去年9月以", []),
        ("3/", []),
        ("５元", []),
        ("元", []),
    ],
)
def test_what_is_set_smaller(text: str, smaller: list[str]) -> None:
    assert found(text) == smaller
    assert found(text, Extras()) == []


def test_sizes_and_rises() -> None:
    for seed in range(100):
        (english,) = small_parts.smaller("终端号(TERMINAL)", ALL, random.Random(seed))
        (reference,) = small_parts.smaller("rare.[12]", ALL, random.Random(seed))
        (unit,) = small_parts.smaller("10.0起", ALL, random.Random(seed))
        assert 0.4 < english.size < 0.8
        assert 0 <= english.rise <= 0.5 * (1 - english.size) + 1e-9
        assert reference.rise == small_parts.REFERENCE_RISE
        assert unit.rise == 0
        assert small_parts.least("10.0起", (unit,)) == pytest.approx(unit.size * 7 / 9)
        assert small_parts.least("rare.[12]", (reference,)) == reference.size
    assert small_parts.least("AB", ()) == 1


def test_a_share_of_the_lines_has_them() -> None:
    rng = random.Random(1)
    drawn = sum(bool(small_parts.smaller("rare.[12]", Extras(raised=0.3), rng)) for _ in range(2000))
    assert drawn == pytest.approx(600, abs=80)


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


def ink(line: Composed, last: int) -> tuple[int, int]:
    """First and last row of the ink in the last columns."""
    rows = np.flatnonzero((line.mask[:, -last:] > 60).any(axis=1))
    return int(rows[0]), int(rows[-1])


def test_a_part_is_smaller_and_higher_and_the_rest_as_it_was(setter: Typesetter) -> None:
    usual, changed = composed(setter, "ABCD"), composed(setter, "ABCD", Part(2, 4, 0.5, 0.25))
    assert np.array_equal(usual.mask[:, : 2 * EM - 4], changed.mask[:, : 2 * EM - 4])
    before, after = ink(usual, 2 * EM - 8), ink(changed, EM - 4)
    assert after[1] - after[0] == pytest.approx((before[1] - before[0]) / 2, abs=2)
    assert usual.mask.shape[1] - changed.mask.shape[1] == pytest.approx(EM, abs=3)
    low = ink(composed(setter, "ABCD", Part(2, 4, 0.5)), EM - 4)
    assert low[1] - after[1] == EM // 4
    assert (usual.least, changed.least) == (1.0, 0.5)


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
        def _finished(self, picture: low_resolution.Picture) -> low_resolution.Picture:
            heights.append(picture.shape[0])
            return super()._finished(picture)

    sampler = Watched(4, SampleConfig(data, shares=(0.0, 0.0, 1.0), icons=0.0), texts=Fixed())
    for _ in range(150):
        sampler.sample()
    assert least <= min(heights) < least + 6

    tiny = composed(setter, "AB(CD)", Part(2, 6, 0.4))
    drawn = [low_resolution.picture(tiny, None, random.Random(seed)) for seed in range(80)]
    assert all(picture is not None and picture.shape[0] >= 14 for picture in drawn)
