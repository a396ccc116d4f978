from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from crnn_ocr.training.render.atlas import EM
from crnn_ocr.training.render.compose import CANVAS, Composed
from crnn_ocr.training.synth import signs
from crnn_ocr.training.types import Image, Mask


def _slope(mask: Mask) -> float:
    """How much a stroke rises, in rows per column, by the middles of its columns."""
    columns = np.flatnonzero((mask > 127).any(axis=0))
    middles = [np.flatnonzero(mask[:, column] > 127).mean() for column in columns]
    return float(np.polyfit(columns, middles, 1)[0])


def test_signs_are_cut_around_their_ink(line: Composed) -> None:
    for seed in range(80):
        picture = signs.picture(line, random.Random(seed))
        assert picture is not None
        assert 14 <= picture.shape[0] <= 64
        assert np.ptp(picture.astype(int).mean(axis=2)) > 25
    assert signs.picture(replace(line, mask=np.zeros_like(line.mask)), random.Random(0)) is None


@pytest.mark.parametrize("most", [6, 36])
def test_what_is_turned_stays_whole(line: Composed, most: float) -> None:
    for seed in range(40):
        (turned,) = signs.turned([line.mask], random.Random(seed), most=most)
        assert turned.sum() == pytest.approx(float(line.mask.sum()), rel=0.3)
        edges = turned[0], turned[-1], turned[:, 0], turned[:, -1]
        assert max(edge.max() for edge in edges) < 60, "nothing is cut off"


def test_signs_are_turned_not_sheared() -> None:
    bar, post = np.zeros((CANVAS, 3 * EM), np.uint8), np.zeros((CANVAS, 3 * EM), np.uint8)
    bar[50:56, 10:-10] = 255
    post[10:-10, 70:76] = 255
    rises, leans = [], []
    for seed in range(60):
        lying, standing = signs.turned([bar, post], random.Random(seed), most=30)
        rises.append(_slope(lying))
        leans.append(-_slope(np.ascontiguousarray(standing.T)))
    assert max(np.abs(rises)) > 0.35
    assert max(np.abs(rises)) < 0.9
    assert np.corrcoef(rises, leans)[0, 1] > 0.8, "what stands leans as what lies rises"
    level = [_slope(signs.turned([bar], random.Random(seed), most=0)[0]) for seed in range(30)]
    assert max(np.abs(level)) < 0.12


@pytest.mark.parametrize(
    ("wide", "accompanied", "angles"),
    [(4, False, {6, 18, 36}), (6, False, {6, 18}), (4, True, {6, 18}), (6, True, {6})],
)
def test_only_short_signs_hang_anyhow(wide: int, angles: set[float], *, accompanied: bool) -> None:
    drawn = {signs._angle(wide * EM, random.Random(seed), accompanied=accompanied) for seed in range(100)}
    assert drawn == angles


def test_signs_alone_are_seen_from_aside_but_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    def aside(masks: Sequence[Mask], _: random.Random) -> list[Mask]:
        calls.append(len(masks))
        return list(masks)

    monkeypatch.setattr(signs, "from_aside", aside)
    for wide, beside, least, most in ((3, 0, 60, 110), (8, 0, 0, 0), (3, 1, 0, 0)):
        calls: list[int] = []
        masks = [np.full((CANVAS, wide * EM), 255, np.uint8)] * (1 + beside)
        for seed in range(300):
            signs.seen(masks, random.Random(seed))
        assert least <= len(calls) <= most


def test_letters_of_signs_are_large_enough_to_be_read(
    line: Composed, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut, heights = signs.cropped, []

    def cropped(*given: Any, **options: Any) -> list[Mask]:
        found = cut(*given, **options)
        heights.append(found[0].shape[0])
        return found

    monkeypatch.setattr(signs, "cropped", cropped)
    wide = replace(line, mask=np.hstack([line.mask] * 2))
    for seed in range(150):
        picture = signs.picture(wide, random.Random(seed))
        assert picture is not None
        assert picture.shape[0] / heights[-1] * EM > 8.5


@pytest.mark.parametrize("wide", [3, 7])
def test_signs_seen_from_aside_are_narrow_and_rise(wide: int) -> None:
    bar, post = np.zeros((CANVAS, wide * EM), np.uint8), np.zeros((CANVAS, wide * EM), np.uint8)
    bar[CANVAS // 2 - 3 : CANVAS // 2 + 3, 10:-10] = 255
    post[10:-10, wide * EM // 2 - 3 : wide * EM // 2 + 3] = 255
    rises, leans = [], []
    for seed in range(60):
        lying, standing = signs.from_aside([bar, post], random.Random(seed))
        assert 0.4 < np.ptp(np.flatnonzero(lying.max(axis=0) > 60)) / (wide * EM - 20) < 0.97
        edges = lying[0], lying[-1], lying[:, 0], lying[:, -1]
        assert max(edge.max() for edge in edges) < 60, "nothing is cut off"
        rises.append(_slope(lying))
        leans.append(-_slope(np.ascontiguousarray(standing.T)))
    least, most = (0.3, 1.1) if wide == 3 else (0.1, 0.5)  # long ones rise less
    assert least < max(rises) < most
    assert -least > min(rises) > -most
    assert max(np.abs(leans)) < 0.15


def test_signs_seen_from_aside_are_larger_at_their_near_end() -> None:
    post = np.zeros((CANVAS, 4 * EM), np.uint8)
    post[10:-10, 20:26] = post[10:-10, -26:-20] = 255
    larger = set()
    for seed in range(30):
        (seen,) = signs.from_aside([post], random.Random(seed))
        middle = seen.shape[1] // 2
        left, right = (
            np.ptp(np.flatnonzero((half > 60).any(axis=1))) for half in (seen[:, :middle], seen[:, middle:])
        )
        larger.add(bool(left > right))
        assert max(left, right) > 1.04 * min(left, right)
    assert larger == {True, False}


def test_what_stands_beside_a_sign_moves_with_it(line: Composed) -> None:
    seen = set()
    for seed in range(60):
        shown = signs.neighbours(line, line, random.Random(seed))
        assert shown.shape == line.mask.shape
        top, bottom = line.ink
        assert not shown[top:bottom].any(), "nothing lies on the text"
        rows = np.flatnonzero(shown.any(axis=1))
        for part in (rows[rows < top], rows[rows >= bottom]):
            assert not len(part) or np.ptp(part) < 0.45 * EM, "no whole character"
        seen.add((bool(shown[:top].any()), bool(shown[bottom:].any())))
        alone = signs.turned([line.mask], random.Random(seed), most=6)[0]
        both = signs.turned([line.mask, shown], random.Random(seed), most=6)
        assert np.array_equal(alone, both[0])
        assert both[1].sum() == pytest.approx(float(shown.sum()), rel=0.4)
        cut = signs.cropped(both, random.Random(seed), loose=0.4)
        assert cut[0].shape == cut[1].shape
    assert {(True, False), (False, True), (True, True)} <= seen


def test_some_signs_show_what_is_beside_them(line: Composed, monkeypatch: pytest.MonkeyPatch) -> None:
    def pictures() -> list[Image | None]:
        return [signs.picture(line, random.Random(seed), lambda: line) for seed in range(120)]

    drawn: Callable[..., Mask] = signs.neighbours
    with_it = pictures()
    monkeypatch.setattr(signs, "neighbours", lambda *given: np.zeros_like(drawn(*given)))
    without = pictures()
    differ = 0
    for one, other in zip(with_it, without, strict=True):
        assert one is not None
        assert other is not None
        differ += not np.array_equal(one, other)
    assert 8 < differ < 40
