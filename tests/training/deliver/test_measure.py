"""Packs measured on rendered lines, too."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from crnn_ocr.cli import main
from crnn_ocr.models.manifest import read_manifest
from crnn_ocr.models.registry import BUNDLED
from crnn_ocr.training.deliver import measure, measurements

PACK = "crnn-zh-en"


def _write_lines(folder: Path, widths: list[int]) -> None:
    folder.mkdir()
    for number, width in enumerate(widths):
        cv2.imwrite(str(folder / f"{number:04d}.png"), np.full((48, width, 3), 200, np.uint8))
    rows = "".join(f"{number:04d}.png\tline {number}\n" for number in range(len(widths)))
    (folder / "labels.tsv").write_text(rows, encoding="utf-8")


def test_lines_are_drawn_as_wide_as_a_pack_wants_them() -> None:
    manifest = read_manifest(BUNDLED / PACK / "manifest.json")
    assert measure.source_height(manifest) == 48
    assert measure.source_height(manifest.model_copy(update={"input_height": 32, "stretch": 1.5})) == 48


def test_a_pack_is_measured_on_rendered_lines_beside_real_ones(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = Path(shutil.copytree(BUNDLED / PACK, tmp_path / PACK))
    _write_lines(tmp_path / "lines_real", [80, 90, 100])
    monkeypatch.setattr(measure, "RUNS", 1)
    words = ["measure", str(pack), str(tmp_path / "lines_real"), "--data", str(data)]
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
