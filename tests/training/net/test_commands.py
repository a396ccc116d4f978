from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import pytest

torch = pytest.importorskip("torch")

from crnn_ocr.engine.onnx import Session  # noqa: E402
from crnn_ocr.errors import TrainingError  # noqa: E402
from crnn_ocr.training import commands  # noqa: E402
from crnn_ocr.training.net import NetConfig  # noqa: E402
from crnn_ocr.training.trainer import TrainConfig, Trainer  # noqa: E402

from .conftest import CHARACTERS, Plates  # noqa: E402


def _run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    commands.add(parser.add_subparsers(required=True))
    return commands.run(parser.parse_args([str(word) for word in words]))


@pytest.fixture
def saved(shape: NetConfig, tmp_path: Path) -> Path:
    Trainer(TrainConfig(threads=1), shape, CHARACTERS, tmp_path).save()
    return tmp_path / "last.pt"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines, plates = tmp_path / "lines", Plates(2)
    lines.mkdir()
    rows = []
    for number in range(4):
        image, text = plates.sample()
        cv2.imwrite(str(lines / f"{number}.png"), image)
        rows.append(f"{number}.png\t{text}\n")
    (lines / "labels.tsv").write_text("".join(rows), encoding="utf-8")
    return lines


def test_export_writes_the_graph_and_its_characters(saved: Path, tmp_path: Path) -> None:
    assert _run("export", saved, tmp_path / "net.onnx") == 0
    assert Session(tmp_path / "net.onnx").inputs == ("x", "lengths")
    written = (tmp_path / "net.txt").read_text(encoding="utf-8")
    assert ("", *written.removesuffix("\n").split("\n")) == CHARACTERS


def test_an_exported_network_is_measured_like_its_checkpoint(
    saved: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run("export", saved, tmp_path / "net.onnx")
    _run("evaluate", saved, folder)
    _run("evaluate", tmp_path / "net.onnx", folder, "--height", 16)
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    (tmp_path / "net.txt").unlink()
    with pytest.raises(TrainingError, match="characters"):
        _run("evaluate", tmp_path / "net.onnx", folder)


def test_evaluate_names_set_lines_and_rates(
    saved: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("evaluate", saved, folder) == 0
    assert "lines: 4 lines, CER" in capsys.readouterr().out


def test_folders_without_labels_or_with_missing_pictures_are_refused(saved: Path, folder: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read"):
        _run("evaluate", saved, folder.parent)
    (folder / "0.png").unlink()
    with pytest.raises(TrainingError, match="row 1"):
        _run("evaluate", saved, folder)


def test_plot_of_a_run_that_has_not_begun(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("plot", tmp_path) == 0
    assert "curve.png" in capsys.readouterr().out
