"""The curve of a run, and what is wrong with a folder that has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from crnn_ocr.cli import main
from crnn_ocr.errors import TrainingError

pytest.importorskip("torch")
pytest.importorskip("matplotlib", reason="needs the extra `train`")

from crnn_ocr.training.fit.evaluate import Score
from crnn_ocr.training.fit.runlog import LOSS_COLUMNS, LOSSES, SCORES, RunLog, plot


@pytest.fixture
def run(tmp_path: Path) -> Path:
    log = RunLog(tmp_path / "run")
    for step in range(3):
        log.losses(dict.fromkeys(LOSS_COLUMNS, 1.0 + step))
        log.scores({"seconds": step, "step": step, "lines": step}, {"a": Score(4, 0.5 / (step + 1), 0.2)})
    return tmp_path / "run"


def test_the_curve_is_drawn(run: Path) -> None:
    assert plot(run) == run / "curve.png"
    assert (run / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "plot", str(tmp_path / "nothere")]) == 1
    assert "There is no run in" in capsys.readouterr().err


@pytest.mark.parametrize("name", [LOSSES, SCORES])
@pytest.mark.parametrize("row", ["12,", "a,b,c,d,e,f,g,h,i"])
def test_a_damaged_row_is_named(run: Path, name: str, row: str) -> None:
    with (run / name).open("a", encoding="utf-8") as file:
        file.write(row + "\n")
    with pytest.raises(TrainingError, match=rf"{name}, row 5: it must hold numbers for seconds"):
        plot(run)


def test_a_picture_that_cannot_be_written_is_an_error(run: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be written"):
        plot(run, tmp_path / "nodir/curve.png")
