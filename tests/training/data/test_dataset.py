from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.data.contact_sheets import flow
from crnn_ocr.training.data.dataset import LineSampler, SampleConfig, sampler_factory
from crnn_ocr.training.render.fonts import held_out
from crnn_ocr.training.text.charset import known


def test_lines_are_pictures_of_their_height_with_known_text(data: Path) -> None:
    for height in (32, 48):
        sampler = LineSampler(4, SampleConfig(data, height=height, max_width=640))
        for _ in range(150):
            picture, text = sampler.sample()
            assert picture.dtype == np.uint8
            assert picture.shape[0] == height
            assert picture.shape[2] == 3
            assert 8 <= picture.shape[1] <= 640
            assert picture.flags.c_contiguous
            assert text
            assert set(text) <= known()


def test_seeds_decide(data: Path) -> None:
    make = pickle.loads(pickle.dumps(sampler_factory(SampleConfig(data))))
    one, same, other = make(1), make(1), make(2)
    for _ in range(30):
        (a, x), (b, y) = one.sample(), same.sample()
        assert x == y
        assert np.array_equal(a, b)
    assert [one.sample()[1] for _ in range(10)] != [other.sample()[1] for _ in range(10)]


def test_clean_lines_have_readable_contrast(data: Path) -> None:
    sampler = LineSampler(9, SampleConfig(data, shares=(1.0, 0.0, 0.0)))
    spreads = [np.ptp(sampler.sample()[0].astype(int).mean(axis=2)) for _ in range(200)]
    assert float(np.mean(np.array(spreads) > 60)) > 0.97


def test_held_out_families_are_kept_apart(data: Path) -> None:
    known_fonts = LineSampler(0, SampleConfig(data))
    unseen = LineSampler(0, SampleConfig(data, unseen_fonts=True))
    names: dict[bool, set[str]] = {False: set(), True: set()}
    for _ in range(200):
        for sampler in (known_fonts, unseen):
            sampler.sample()
            names[sampler is unseen].add(sampler.last_face)
    assert names[False] == {"Plain Han Regular", "Plain Latin Regular"}
    assert names[True] == {"FandolKai Regular", "Lato Regular"}
    assert {"FandolKai", "Lato"} <= held_out()


def test_sheets_flow_in_rows() -> None:
    pictures = [np.zeros((20, 60, 3), np.uint8)] * 7
    assert flow(pictures, 200, 10).shape == (75, 200, 3)
    assert flow(pictures, 200, 2).shape == (50, 200, 3)


def test_no_face_left_is_a_clear_error(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "crnn_ocr.training.data.dataset.held_out",
        lambda: frozenset({"Plain Han", "Plain Latin", "FandolKai", "Lato"}),
    )
    with pytest.raises(TrainingError, match="No face is left"):
        LineSampler(0, replace(SampleConfig(data)))
