"""Held-out sets: the same lines every time."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from crnn_ocr.errors import TrainingError
from crnn_ocr.training.data.dataset import LineSampler, SampleConfig
from crnn_ocr.training.data.heldout_sets import HELD_OUT, heldout
from crnn_ocr.training.synth import distractors, low_resolution, signs
from crnn_ocr.training.text.corpus import EVERYDAY, WEIGHTS
from crnn_ocr.training.text.mixture import Extras


def test_held_out_sets_draw_none_of_the_new_kinds(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not {"labels", "figures", "forms", "signs"} & set(EVERYDAY)
    assert {"labels", "figures", "forms"} <= set(WEIGHTS)

    def refuse(*_: object) -> None:
        raise AssertionError("drawn for a held-out set")

    for module, name in ((low_resolution, "picture"), (signs, "picture"), (distractors, "surround")):
        monkeypatch.setattr(module, name, refuse)
    before = heldout("known-fonts-degraded", SampleConfig(data), 60)
    monkeypatch.setitem(WEIGHTS, "labels", 900.0)
    after = heldout(
        "known-fonts-degraded", SampleConfig(data, extras=Extras(*[1.0] * len(fields(Extras)))), 60
    )
    assert [text for _, text in before] == [text for _, text in after]
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(before, after, strict=True))


@pytest.mark.parametrize("name", HELD_OUT)
def test_held_out_sets_do_not_change(data: Path, name: str) -> None:
    one, two = (heldout(name, SampleConfig(data), 12) for _ in range(2))
    assert [text for _, text in one] == [text for _, text in two]
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(one, two, strict=True))


def test_unknown_set_and_foreign_atlas_are_clear_errors(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no held-out set"):
        heldout("nothing", SampleConfig(data))
    (tmp_path / "atlas").mkdir()
    (tmp_path / "atlas/faces.json").write_text("[]")
    np.save(tmp_path / "atlas/rows.npy", np.zeros((0, 5), np.int32))
    with pytest.raises(TrainingError, match="another character set"):
        LineSampler(0, SampleConfig(tmp_path))
