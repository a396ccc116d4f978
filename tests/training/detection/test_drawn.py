"""Drawn pages: their maps have a core for every line, where its ink is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.detection import drawn
from crnn_ocr.training.detection.crops import CropSampler
from crnn_ocr.training.detection.drawn import DrawnPages

Faces = dict[str, list[tuple[Path, int]]]


@pytest.fixture
def a_font() -> Path:
    return Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch, a_font: Path) -> DrawnPages:
    """Pages in the one font that tests have, which stands for Chinese ones, too."""
    monkeypatch.setattr(drawn, "_faces", lambda folder: {"han": [(a_font, 0)], "latin": [(a_font, 0)]})
    return DrawnPages(a_font.parent, seed=4)


def test_a_page_and_its_map(pages: DrawnPages) -> None:
    marked = 0.0
    for _ in range(40):
        image, heat = pages.sample(160)
        assert image.shape == (160, 160, 3)
        assert heat.shape == (80, 80)
        marked += float((heat > 127).mean()) / 40
    assert 0.02 < marked < 0.5


@pytest.mark.parametrize("name", ["_paragraphs", "_table", "_labels", "_columns"])
def test_cores_are_where_the_ink_is(pages: DrawnPages, name: str) -> None:
    page = drawn._Page(480, (255, 255, 255), dark=False)
    draw: Callable[[drawn._Page], None] = getattr(pages, name)
    draw(page)
    image, heat = page.finished()
    painted = (image.min(axis=2) < 254).astype(np.uint8)
    near = cv2.resize(cv2.dilate(painted, np.ones((51, 51), np.uint8)), (240, 240))
    assert (heat > 127).any()
    assert not (heat[near == 0] > 127).any()


def test_a_thin_stroke_has_a_core_too() -> None:
    tall, flat = (drawn._core(drawn._line_box(ink, 20.0, 20.0)) for ink in ((9, 5, 11, 20), (0, 13, 20, 14)))
    for left, top, right, bottom in (tall, flat):
        assert right - left > 4
        assert bottom - top > 4


sides = st.floats(1, 500)


@given(sides, sides, sides, sides)
def test_a_core_lies_inside_its_box(x: float, y: float, w: float, h: float) -> None:
    left, top, right, bottom = drawn._core((x, y, x + w, y + h))
    assert x < left < right < x + w
    assert y < top < bottom < y + h
    assert right - left >= w / 2
    assert bottom - top >= h / 2


def test_a_quarter_of_the_crops_is_drawn(pages: DrawnPages, monkeypatch: pytest.MonkeyPatch) -> None:
    grey = np.full((64, 64, 3), 128, np.uint8), np.zeros((32, 32), np.uint8)
    monkeypatch.setattr("crnn_ocr.training.detection.crops._cut", lambda *_: grey)
    monkeypatch.setattr(CropSampler, "_page", lambda self: None)
    monkeypatch.setattr("crnn_ocr.training.detection.crops._damaged", lambda image, rng: image)
    monkeypatch.setattr("crnn_ocr.training.detection.crops._turned", lambda image, *_: image)
    sampler = CropSampler([], 64, 1, pages)
    real = sum(bool((sampler.sample()[0] == 128).all()) for _ in range(400))
    assert 250 < real < 350


def test_fonts_of_both_kinds_are_needed(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="Chinese and a Latin"):
        DrawnPages(tmp_path, 0)
