"""Training data that travel."""

from __future__ import annotations

from pathlib import Path

import pytest

from crnn_ocr.cli import main
from crnn_ocr.errors import TrainingError
from crnn_ocr.training.data import bundle

PART = 100_000


@pytest.fixture(scope="module")
def parts(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return bundle.write(data, tmp_path_factory.mktemp("bundle"), PART)


def test_what_was_prepared_comes_back_exactly(data: Path, parts: list[Path], tmp_path: Path) -> None:
    assert len(parts) > 1
    assert {path.stat().st_size for path in parts[:-1]} == {PART}
    assert sorted(parts[0].parent.iterdir()) == parts
    bundle.read(parts[::-1], tmp_path)
    files = sorted(p.relative_to(data) for name in bundle.PREPARED for p in (data / name).rglob("*"))
    assert sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.parent != tmp_path) == files
    for file in files:
        assert (tmp_path / file).read_bytes() == (data / file).read_bytes()
    with pytest.raises(TrainingError, match="There are training data"):
        bundle.read(parts, tmp_path)


@pytest.mark.parametrize("lost", [0, 1, -1])
def test_a_part_that_is_missing_is_told_of(parts: list[Path], tmp_path: Path, lost: int) -> None:
    rest = [path for path in parts if path != parts[lost]]
    with pytest.raises(TrainingError, match="cannot be unpacked"):
        bundle.read(rest, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_damaged_part_is_told_of(parts: list[Path], tmp_path: Path) -> None:
    content = bytearray(parts[1].read_bytes())
    content[len(content) // 2] ^= 255
    (tmp_path / parts[1].name).write_bytes(content)
    with pytest.raises(TrainingError, match="cannot be unpacked"):
        bundle.read([parts[0], tmp_path / parts[1].name, *parts[2:]], tmp_path / "data")


def test_the_commands(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "bundle", str(tmp_path / "out"), "--data", str(data)]) == 0
    path, size = capsys.readouterr().out.removesuffix(" MiB\n").split("\t")
    assert float(size) > 0
    assert main(["train", "unbundle", path, str(tmp_path / "data")]) == 0
    assert (tmp_path / "data/atlas/faces.json").is_file()
    assert main(["train", "bundle", str(tmp_path / "out"), "--data", str(tmp_path)]) == 1
    assert "no atlas" in capsys.readouterr().err
