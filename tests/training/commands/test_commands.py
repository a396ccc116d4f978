from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import pytest

torch = pytest.importorskip("torch")

from crnn_ocr.errors import TrainingError  # noqa: E402
from crnn_ocr.runtime.onnx import Session  # noqa: E402
from crnn_ocr.training import commands  # noqa: E402
from crnn_ocr.training.commands import fit  # noqa: E402
from crnn_ocr.training.fit.trainer import TrainConfig, Trainer  # noqa: E402
from crnn_ocr.training.nets import checkpoint, registry  # noqa: E402
from crnn_ocr.training.nets.checkpoint import State  # noqa: E402
from crnn_ocr.training.nets.crnn import NetConfig  # noqa: E402
from crnn_ocr.training.nets.edge import EdgeConfig  # noqa: E402
from crnn_ocr.training.nets.export import write  # noqa: E402
from tests.training.plates import CHARACTERS, Plates  # noqa: E402


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


def test_folders_without_labels_or_pictures_are_refused(saved: Path, folder: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read"):
        _run("evaluate", saved, folder.parent)
    (folder / "0.png").unlink()
    with pytest.raises(TrainingError, match="row 1"):
        _run("evaluate", saved, folder)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("source", ["--lines", "--data"])
def test_quantize_calibrates_on_lines_or_on_the_data(
    source: str, saved: Path, folder: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run("export", saved, tmp_path / "net.onnx")
    if source == "--data":
        folder = data
    assert _run("quantize", tmp_path / "net.onnx", tmp_path / "int8.onnx", source, folder) == 0
    assert capsys.readouterr().out.count("per 16x320 line") == 2
    assert Session(tmp_path / "int8.onnx").inputs == ("x", "lengths")
    with pytest.raises(TrainingError, match="quantised already"):
        _run("quantize", tmp_path / "int8.onnx", tmp_path / "again.onnx", source, folder)


def test_quantize_refuses_what_it_cannot_make_faster(saved: Path, folder: Path, tmp_path: Path) -> None:
    def refused(model: Path, target: Path, message: str) -> None:
        with pytest.raises(TrainingError, match=message):
            _run("quantize", model, target, "--lines", folder)
        assert not target.exists()

    target = tmp_path / "int8.onnx"
    refused(tmp_path / "absent.onnx", target, "no model")
    for content in (b"", b"no graph"):
        (tmp_path / "broken.onnx").write_bytes(content)
        refused(tmp_path / "broken.onnx", target, r"broken\.onnx")
    config = EdgeConfig(len(CHARACTERS), stem=8, widths=(8, 16, 16), neck=16, hidden=8, embed=8)
    write(registry.build(registry.make(config).eval()), tmp_path / "edge.onnx")
    refused(tmp_path / "edge.onnx", target, "loses by INT8")
    _run("export", saved, tmp_path / "net.onnx")
    refused(tmp_path / "net.onnx", tmp_path / "absent" / "int8.onnx", "no folder")


def test_quantize_takes_only_what_export_wrote(recogniser: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="export"):
        _run("quantize", recogniser, tmp_path / "int8.onnx", "--lines", folder)


def _check_same_network(state: State, *words: object) -> None:
    """Ask `fit` whether these options fit a checkpoint."""
    parser = argparse.ArgumentParser()
    fit.add(parser.add_subparsers())
    given = ["fit", "--out", "run", "--resume", "net.npz", *words]
    fit._check_same_network(parser.parse_args([str(word) for word in given]), state)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--kind", "edge"), "--kind edge: net.npz holds one of kind crnn"),
        (("--shape", '{"hidden": 17}'), "hidden is to be 17, the network of net.npz has 16"),
        (("--shape", '{"colour": 1}'), "no such field"),
        (("--shape", "[1]"), "no JSON object"),
    ],
)
def test_a_run_does_not_go_on_as_another_network(saved: Path, words: tuple[str, ...], message: str) -> None:
    state = checkpoint.load(saved)
    _check_same_network(state)
    _check_same_network(state, "--kind", "crnn", "--shape", '{"hidden": 16, "widths": [16, 16, 32]}')
    with pytest.raises(TrainingError, match=message):
        _check_same_network(state, *words)


def test_the_command_refuses_to_go_on_as_another_network(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="--kind edge"):
        _run("fit", "--out", tmp_path / "run", "--resume", saved, "--kind", "edge")


def test_plot_of_a_run_that_has_not_begun(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("plot", tmp_path) == 0
    assert "curve.png" in capsys.readouterr().out
