"""Glyphs set to lines."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from crnn_ocr.training.render import atlas
from crnn_ocr.training.render.atlas import EM
from crnn_ocr.training.render.compose import BASELINE, CANVAS, Composed, Layout, Typesetter, embolden, warp
from crnn_ocr.training.text.charset import characters
from crnn_ocr.training.text.small_parts import Part
from tests.training.world import HAN

IDS = {text: number for number, text in enumerate(characters()) if number}


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


def test_composed_glyphs_stand_on_the_line_in_order(setter: Typesetter) -> None:
    rng = random.Random(0)
    face = setter.pick("AB", "latin", rng)
    assert face is not None
    tight = setter.compose("A B", face, Layout(space=0.5), rng)
    loose = setter.compose("A B", face, Layout(space=1.0, spacing=0.2), rng)
    assert tight is not None
    assert loose is not None
    assert loose.mask.shape[1] - tight.mask.shape[1] == pytest.approx(0.7 * atlas.EM, abs=1)

    mask, _, top, _ = face.glyph(IDS["A"])
    assert tight.mask.shape[0] == CANVAS
    placed = tight.mask[BASELINE + top :][: mask.shape[0], : mask.shape[1]]
    assert np.array_equal(placed, mask)


def test_scripts_are_set_apart_where_no_blank_was_typed(setter: Typesetter) -> None:
    rng = random.Random(0)
    han = HAN[3]
    face = setter.pick(f"{han}A1", "han", rng)
    assert face is not None

    def wider(text: str) -> float:
        set_so, usual = (setter.compose(text, face, Layout(apart=apart), rng) for apart in (0.25, 0.0))
        assert set_so is not None
        assert usual is not None
        return float(set_so.mask.shape[1] - usual.mask.shape[1]) / atlas.EM

    assert wider(f"{han}A") == pytest.approx(0.25, abs=0.03)
    assert wider(f"A{han}1") == pytest.approx(0.5, abs=0.03)
    assert wider(f"{han} A") == wider(f"A1{han}{han}") - 0.25 == wider(f"{han},A") == wider(f"({han})") == 0


def test_smaller_latin_beside_han_stays_on_the_baseline(setter: Typesetter) -> None:
    rng = random.Random(0)
    face = setter.pick("AB", "han", rng)
    assert face is not None
    usual = setter.compose("A", face, Layout(), rng)
    small = setter.compose("A", face, Layout(latin_size=0.5), rng)
    han = setter.compose(HAN[0], face, Layout(latin_size=0.5), rng)
    whole = setter.compose(HAN[0], face, Layout(), rng)
    assert usual is not None
    assert small is not None
    assert han is not None
    assert whole is not None
    assert np.array_equal(han.mask, whole.mask)
    assert small.ink[1] - small.ink[0] == pytest.approx((usual.ink[1] - usual.ink[0]) / 2, abs=2)
    assert small.mask.shape[1] == pytest.approx(usual.mask.shape[1] / 2, abs=2)
    assert BASELINE - small.ink[1] == pytest.approx((BASELINE - usual.ink[1]) / 2, abs=2)


def test_other_faces_lend_what_a_face_lacks(setter: Typesetter) -> None:
    rng = random.Random(0)
    face = setter.pick("abc", "latin", rng)
    assert face is not None
    assert setter.pick(HAN[0] * 3, "latin", rng) is None
    assert setter.compose(f"a{HAN[0]}", face, Layout(), rng) is not None
    assert setter.compose("a℃", face, Layout(), rng) is None  # no face has it
    assert setter.compose(" ", face, Layout(), rng) is None


def test_strokes_and_geometry_keep_the_shape() -> None:
    mask = np.zeros((60, 200), np.uint8)
    mask[25:35, 20:180] = 255
    assert embolden(mask, 1.0).sum() > mask.sum() > embolden(mask, -1.0).sum()
    for seed in range(40):
        turned = warp(mask, random.Random(seed), 1.0)
        assert turned.shape == mask.shape
        assert turned.sum() == pytest.approx(float(mask.sum()), rel=0.25)
