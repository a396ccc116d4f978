"""`crnn-ocr train` up to the point where training begins."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from crnn_ocr.cli import main


def test_without_the_extra_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec

    def without_torch(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "torch" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without_torch)
    assert main(["train", "plot", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        "crnn-ocr: Training needs the package 'torch'. (EXTRA_MISSING)\n"
        "  Install it: pip install 'crnn-ocr[train]'.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_training_is_told_with_its_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    assert main(["train", "export", str(tmp_path / "no.pt"), str(tmp_path / "net.onnx")]) == 1
    assert "There is no checkpoint" in (told := capsys.readouterr().err)
    assert "(TRAINING_INVALID)" in told


def test_every_command_has_its_place_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    out = capsys.readouterr().out
    for name in (
        "fetch",
        "prepare",
        "sheets",
        "fit",
        "evaluate",
        "export",
        "quantize",
        "plot",
        "pack",
        "measure",
    ):
        assert f"\n    {name} " in out
