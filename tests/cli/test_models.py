"""`crnn-ocr models`, from the command line to the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from crnn_ocr.cli import main
from tests.models.graphs import best_graph, int8_graph, scores_graph, write_pack


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRNN_OCR_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path / "models"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    status = main(["models", *map(str, words)])
    out, err = capsys.readouterr()
    return status, out, err


def test_the_way_of_a_pack(tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack = write_pack(tmp_path, int8_graph(), output="best", precision="int8")
    (pack / "CARD.md").write_text("What it is.")

    assert run(capsys, "add", pack) == (0, f"added mine/1 in {folder / 'mine'}\n", "")
    _, listed, _ = run(capsys, "list")
    assert "mine               1        recogniser  folder" in listed
    _, shown, _ = run(capsys, "show", "mine")
    assert "precision:  INT8, FP32 derived from it" in shown
    assert f"card:       {folder / 'mine' / 'CARD.md'}" in shown
    assert run(capsys, "verify", "mine") == (0, "mine/1 is whole\n", "")
    assert run(capsys, "remove", "mine") == (0, f"removed {folder / 'mine'}\n", "")
    assert "mine" not in run(capsys, "list")[1]


def test_aliases_and_defaults_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(capsys, "list")[1].splitlines()
    (accurate,) = (row for row in rows if row.startswith("ppocrv6-small "))
    assert accurate.endswith("alias accurate")
    (detector,) = (row for row in rows if row.startswith("ppocrv6-det-small "))
    assert detector.endswith("default")
    assert run(capsys, "show", "accurate")[1].startswith("name:       ppocrv6-small/1\n")


def test_broken_packs_are_told_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pack(folder, best_graph(), "scrap", output="best")
    (folder / "scrap" / "manifest.json").write_text("{}")
    damaged = write_pack(folder, scores_graph(), "damaged")
    (damaged / "net.onnx").write_bytes(b"another")
    write_pack(folder, scores_graph(), "named-otherwise").rename(folder / "elsewhere")

    listed = run(capsys, "list")[1]
    assert listed.count("broken: see `crnn-ocr models verify`") == 2
    status, out, err = run(capsys, "verify")
    assert status == 1
    assert "ppocrv6-small/1 is whole" in out
    assert "crnn-ocr: damaged: pack 'damaged': net.onnx differs from its manifest" in err
    assert "crnn-ocr: scrap: " in err
    assert "crnn-ocr: elsewhere: " in err
    assert err.count("(MODEL_BROKEN)") == 3


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        ("show nothing", 2, "MODEL_NOT_FOUND"),
        ("verify nothing", 2, "MODEL_NOT_FOUND"),
        ("remove ppocrv6-small", 1, "MODEL_INSTALL_FAILED"),
        ("add /no/such/pack", 1, "MODEL_BROKEN"),
    ],
)
def test_errors_have_codes_and_statuses(
    words: str, status: int, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(capsys, *words.split())
    assert (found, out) == (status, "")
    assert f"({code})" in err
    assert "Traceback" not in err


def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CRNN_OCR_PRECISION", "int4")
    status, _, err = run(capsys, "list")
    assert status == 2
    assert "CRNN_OCR_PRECISION" in err
