"""Held-out lines of the commands: drawn, or as a bundle brought them."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from crnn_ocr.cli import main
from crnn_ocr.errors import TrainingError
from crnn_ocr.models.manifest import read_manifest
from crnn_ocr.models.registry import BUNDLED
from crnn_ocr.training.data import bundle, heldout_sets
from crnn_ocr.training.data.dataset import SampleConfig
from crnn_ocr.training.deliver import heldout_lines, measure, measurements

PACK = "crnn-zh-en"


def _brought(root: Path, name: str, widths: list[int]) -> None:
    """Write pictures as `unbundle` does."""
    folder = root / bundle.HELD_OUT_LINES / name
    folder.mkdir(parents=True)
    for number, width in enumerate(widths):
        cv2.imwrite(str(folder / f"{number:04d}.png"), np.full((48, width, 3), 200, np.uint8))
    rows = "".join(f"{number:04d}.png\tline {number}\n" for number in range(len(widths)))
    (folder / "labels.tsv").write_text(rows, encoding="utf-8")


def test_lines_are_drawn_where_the_data_allow_it(data: Path) -> None:
    config = SampleConfig(data, height=32)
    drawn, wanted = (
        draw("unseen-fonts-clean", config, 3) for draw in (heldout_lines.lines, heldout_sets.heldout)
    )
    assert [(picture.tobytes(), text) for picture, text in drawn] == [
        (picture.tobytes(), text) for picture, text in wanted
    ]


def test_lines_that_came_along_are_taken_as_they_are(tmp_path: Path) -> None:
    _brought(tmp_path, "forms", [80, 200, 120])
    found = heldout_lines.lines("forms", SampleConfig(tmp_path, height=32), 2)
    assert [(picture.shape, text) for picture, text in found] == [
        ((48, 80, 3), "line 0"),
        ((48, 200, 3), "line 1"),
    ]
    with pytest.raises(TrainingError, match="no held-out set"):
        heldout_lines.lines("../heldout/forms", SampleConfig(tmp_path), 2)


def test_int8_is_calibrated_on_what_came_along(tmp_path: Path) -> None:
    _brought(tmp_path, "forms", [900, 100, 500])
    _brought(tmp_path, "poems-degraded", [300])
    found = heldout_lines.calibration_lines(tmp_path, 24)
    assert [line.shape for line in found] == [(24, width, 3) for width in (50, 150, 250, 450)]
    shutil.rmtree(tmp_path / bundle.HELD_OUT_LINES)
    (tmp_path / bundle.HELD_OUT_LINES).mkdir()
    with pytest.raises(TrainingError, match="no lines"):
        heldout_lines.calibration_lines(tmp_path, 24)


def test_lines_are_drawn_as_wide_as_a_pack_wants_them() -> None:
    manifest = read_manifest(BUNDLED / PACK / "manifest.json")
    assert heldout_lines.source_height(manifest) == 48
    assert heldout_lines.source_height(manifest.model_copy(update={"input_height": 32, "stretch": 1.5})) == 48


def test_a_pack_is_measured_on_rendered_lines_beside_real_ones(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = Path(shutil.copytree(BUNDLED / PACK, tmp_path / PACK))
    real = tmp_path / "real"
    _brought(real, "lines_real", [80, 90, 100])
    monkeypatch.setattr(measure, "RUNS", 1)
    words = ["measure", str(pack), str(real / bundle.HELD_OUT_LINES / "lines_real"), "--data", str(data)]
    sets = ["--heldout", "unseen-fonts-clean", "--heldout", "forms", "--heldout-lines", "2"]
    assert main(["train", *words, *sets, "--json", str(tmp_path / "found.json")]) == 0
    found = measurements.read(tmp_path / "found.json").accuracy
    assert [(row.set, row.lines) for row in found if row.precision == "int8"] == [
        ("lines_real", 3),
        ("unseen-fonts-clean", 2),
        ("forms", 2),
    ]
    card = (pack / "CARD.md").read_text(encoding="utf-8")
    for name, count in (("lines_real", 3), ("unseen-fonts-clean", 2), ("forms", 2)):
        assert f"| {name} | {count} |" in card


def test_an_unknown_set_is_named(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = Path(shutil.copytree(BUNDLED / PACK, tmp_path / PACK))
    assert main(["train", "measure", str(pack), "--data", str(data), "--heldout", "nothing"]) == 1
    assert "no held-out set 'nothing'" in capsys.readouterr().err
